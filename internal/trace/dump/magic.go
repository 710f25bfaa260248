package dump

import "bytes"

// packers begin archives that are not read here.
var packers = []string{"7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18", "LZIP", pgCustom}

// pgCustom begins what pg_dump -Fc writes.
const pgCustom = "PGDMP"

// ole begins a compound file, in which older Office wrote documents and newer Office writes what
// is protected by a password.
const ole = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// lockedStream is the name of the stream in a compound file whose password Office asks for
// (MS-OFFCRYPTO 2.3.4.4), as the file's directory has it.
var lockedStream = []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")

// lookout looks for bytes in what is written to it.
type lookout struct {
	wanted []byte
	last   []byte // of what was written before, as much as may begin them
	found  bool
}

// Write implements io.Writer.
func (l *lookout) Write(p []byte) (int, error) {
	if l.found {
		return len(p), nil
	}
	n := min(len(p), len(l.wanted)-1)
	edge := append(l.last, p[:n]...)
	l.found = bytes.Contains(edge, l.wanted) || bytes.Contains(p, l.wanted)
	if n < len(p) {
		edge = p[len(p)-n:]
	}
	l.last = bytes.Clone(edge[max(0, len(edge)-len(l.wanted)+1):])
	return len(p), nil
}

// whyNot says why a file of no kind that is read here is skipped.
func whyNot(head []byte, encrypted bool) Reason {
	switch {
	case encrypted:
		return Locked
	case bytes.HasPrefix(head, []byte(pgCustom)):
		return PGCustom
	case packed(head):
		return OtherPacker
	}
	return Binary
}

// packed reports whether a file is an archive of a kind that is not read here.
func packed(head []byte) bool {
	for _, m := range packers {
		if bytes.HasPrefix(head, []byte(m)) {
			return true
		}
	}
	return false
}

// magic says what a file is by its first bytes; Text where they are text.
func magic(head []byte) Kind {
	has := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	switch {
	case len(head) == 0:
		return Empty
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return Zip
	case has("\x1f\x8b\x08"):
		return Gzip
	case has("BZh") && len(head) > 3 && '1' <= head[3] && head[3] <= '9':
		return Bzip2
	case has("%PDF-"):
		return PDF
	case len(head) >= 132 && string(head[128:132]) == "DICM":
		return DICOM
	case has("\x89PNG\r\n\x1a\n"), has("\xff\xd8\xff"):
		return Image
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return Tar
	case packed(head), has(ole), notText(head):
		return Unknown
	}
	return Text
}

// notText reports whether a file is no text of any character set: it has control characters, or
// zeros that UTF-16 does not explain.
func notText(head []byte) bool {
	if set, _ := charsetOf(head); set != utf8Text {
		return false
	}
	head = head[:min(len(head), 8<<10)]
	odd := 0
	for _, c := range head {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b {
			odd++
		}
	}
	return odd*50 > len(head)
}
