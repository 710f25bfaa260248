// Package norm brings the values of a dump to one form, so that what was stored and what
// leaked are the same bytes however they were spelled on the way, and tells by content what
// a column holds.
//
// It promises that both spellings of every carrier of marks (package carrier) come out
// alike, and that nothing is taken from a column's header: thieves rename columns. Whoever
// reads marks does so before: what comes out of here carries none. The functions allocate
// nothing but what they append, and take any bytes.
package norm

// Type is what a value or a column is. The numbers enter keyed tags and stay.
type Type uint8

// Types.
const (
	Other   Type = iota // nothing that is looked up
	Person              // a NIK
	Birth               // a date without a time
	Serial              // a date as spreadsheets count it
	Phone               // a telephone number
	Name                // of a person, at least by its looks
	Address             // a street address
	Record              // the platform's own name of a record
	Moment              // a date with a time
	Place               // a facility
	Kind                // a kind of document, as package record lists them
	Mark                // eight bytes in hexadecimal or base32: perhaps a row token
	Digest              // a SHA-256 in hexadecimal
	types
)

// String names the type as tables and JSON have it.
func (t Type) String() string {
	names := [types]string{"other", "nik", "date", "date-serial", "phone", "name", "address",
		"record", "time", "facility", "kind", "token", "digest"}
	if t >= types {
		return names[Other]
	}
	return names[t]
}

func digit(c byte) bool { return c-'0' < 10 }

func letter(c byte) bool { return c|0x20-'a' < 26 }

// trim takes away what stands around a value and is not of it: white space, quotes, and the
// apostrophe by which spreadsheets are told that digits are text.
func trim(b []byte) []byte {
	for len(b) > 0 && edge(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && edge(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	if len(b) > 1 && b[0] == 0xC2 && b[1] == 0xA0 { // a space that does not break
		return trim(b[2:])
	}
	return b
}

func edge(c byte) bool { return c <= ' ' || c == '\'' || c == '"' || c == '`' }
