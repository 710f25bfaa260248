package identity

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of reading a NIK; each says how to mend the input and none repeats it.
var (
	ErrNIKLength = fault.New(fault.Invalid, "a NIK has exactly 16 digits")
	ErrNIKDigits = fault.New(fault.Invalid, "a NIK holds digits only: no spaces, points or letters")
	ErrNIKDate   = fault.New(fault.Invalid, "digits 7 to 12 of the NIK are no date of birth (day, month, year; women's day plus 40)")
	ErrNIKRegion = fault.New(fault.Invalid, "the first six digits of the NIK are no region")
	ErrNIKSerial = fault.New(fault.Invalid, "the last four digits of a NIK are never 0000")
)

// SyntheticProvince is the province code of synthetic people, which no real
// province has.
const SyntheticProvince = 99

// NIK is the national identity number: six digits of region, six of birth date
// (a woman's day plus 40), four of serial. It has no check digit, so a well
// formed NIK may still be somebody else's. It never prints.
type NIK struct{ digits [16]byte }

// ParseNIK reads 16 digits. It returns the first ErrNIK… that applies.
func ParseNIK(s string) (NIK, error) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return NIK{}, ErrNIKDigits
		}
	}
	if len(s) != 16 {
		return NIK{}, ErrNIKLength
	}
	n := NIK{[16]byte([]byte(s))}
	if n.pair(0) < 11 || n.pair(2) == 0 || n.pair(4) == 0 {
		return NIK{}, ErrNIKRegion
	}
	if n.pair(12) == 0 && n.pair(14) == 0 {
		return NIK{}, ErrNIKSerial
	}
	if _, ok := n.born(2000); ok {
		return n, nil
	}
	// 29 February exists in 2000 but not in 1900: the other century never
	// makes a date real that this one does not.
	return NIK{}, ErrNIKDate
}

func (n NIK) pair(i int) int { return int(n.digits[i]-'0')*10 + int(n.digits[i+1]-'0') }

func (n NIK) born(century int) (day.Day, bool) {
	d := n.pair(6)
	if d > 40 {
		d -= 40
	}
	b, err := day.New(century+n.pair(10), time.Month(n.pair(8)), d)
	return b, err == nil
}

// Sex returns what the day of birth encodes.
func (n NIK) Sex() Sex {
	if n.pair(6) > 40 {
		return Female
	}
	return Male
}

// Province returns the first two digits.
func (n NIK) Province() int { return n.pair(0) }

// Synthetic reports whether the NIK is of the province that no real person has.
func (n NIK) Synthetic() bool { return n.Province() == SyntheticProvince }

// Agrees reports whether the NIK's six date digits can belong to somebody born
// on birth, in whatever century.
func (n NIK) Agrees(birth day.Day) bool {
	t := birth.Start()
	d := n.pair(6)
	if d > 40 {
		d -= 40
	}
	return d == t.Day() && n.pair(8) == int(t.Month()) && n.pair(10) == t.Year()%100
}

// IsZero reports whether n was never parsed.
func (n NIK) IsZero() bool { return n == NIK{} }

// Reveal returns the sixteen digits, for sealing and indexing.
func (n NIK) Reveal() string { return string(n.digits[:]) }

// String hides the number.
func (NIK) String() string { return redacted }

// Format hides the number from every verb.
func (NIK) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the number.
func (NIK) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the number.
func (NIK) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
