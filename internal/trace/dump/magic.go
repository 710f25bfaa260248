package dump

import "bytes"

// packers begin archives that are not read here.
var packers = []string{"7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18", "LZIP", "PGDMP"}

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
	case packed(head) || notText(head):
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
