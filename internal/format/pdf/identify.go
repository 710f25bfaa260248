package pdf

import (
	"bytes"
	"regexp"
)

// lastPair is a file's identifiers as a trailer has them (ISO 32000-1 §14.4): the second of
// which changes with the file. Of 16 bytes in hexadecimal.
var lastPair = regexp.MustCompile(`/ID[ \t\r\n]*\[[ \t\r\n]*<[0-9A-Fa-f]{1,128}>[ \t\r\n]*<([0-9A-Fa-f]{32})>[ \t\r\n]*\]`)

// near is how far from a trailer's words its identifiers are looked for.
const near = 2 << 10

// Identify writes the second identifier of a whole file in place, 32 hexadecimal digits,
// wherever a trailer or a cross-reference stream has one, and reports whether any has. No
// length and no offset changes and nothing that is shown: the first identifier, which what
// is encrypted rests on, stays. A file that is signed, or encrypted, stays as it is.
func Identify(b []byte, id string) bool {
	if len(id) != 32 || bytes.Contains(b, []byte("/ByteRange")) || bytes.Contains(b, []byte("/Encrypt")) {
		return false
	}
	done := false
	for _, m := range lastPair.FindAllSubmatchIndex(b, 64) {
		before := b[max(0, m[0]-near):m[0]]
		if at := max(bytes.LastIndex(before, []byte("endobj")), bytes.LastIndex(before, []byte("endstream"))); at >= 0 {
			before = before[at:]
		}
		after, _, _ := bytes.Cut(b[m[1]:min(len(b), m[1]+near)], []byte("stream"))
		if bytes.Contains(before, []byte("trailer")) || bytes.Contains(before, []byte("/XRef")) || bytes.Contains(after, []byte("/XRef")) {
			copy(b[m[2]:m[3]], id)
			done = true
		}
	}
	return done
}
