package identity

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of reading a PIN; none repeats it.
var (
	ErrPIN     = fault.New(fault.Invalid, "a PIN has exactly 6 digits")
	ErrWeakPIN = fault.New(fault.Invalid, "this PIN is among the first that somebody would try: no run, no repeated digits, no date of birth")
)

// MaxPINTries bounds the wrong PINs of one NIK on one day, over all doors. At five a
// day, somebody who knows a NIK meets its PIN within a year with odds of 1 to 550.
const MaxPINTries = 5

// PIN is what a person without a phone or card knows beside their NIK. It never
// prints.
type PIN struct{ digits string }

// ParsePIN reads six digits; ErrPIN.
func ParsePIN(s string) (PIN, error) {
	if len(s) != 6 || strings.Trim(s, "0123456789") != "" {
		return PIN{}, ErrPIN
	}
	return PIN{s}, nil
}

// Check returns ErrWeakPIN for a PIN that is tried first: repeated digits, runs, and
// what the NIK itself says, as who knows the NIK knows the date of birth in it.
func (p PIN) Check(n NIK) error {
	d := p.digits
	if len(d) != 6 {
		return ErrPIN
	}
	for period := 1; period <= 3; period++ {
		if d[period:] == d[:len(d)-period] {
			return ErrWeakPIN
		}
	}
	if strings.Contains("0123456789012345", d) || strings.Contains("9876543210987654", d) {
		return ErrWeakPIN
	}
	if strings.Contains(string(n.digits[:]), d) {
		return ErrWeakPIN
	}
	if b, ok := n.born(2000); ok {
		t := b.Start()
		for _, layout := range []string{"020106", "010206", "060102", "060201"} {
			if t.Format(layout) == d {
				return ErrWeakPIN
			}
		}
	}
	return nil
}

// Blind is what the keeper makes a person's tag of: the same PIN of two people has
// two tags.
func (p PIN) Blind(who PersonID) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(who)), p.digits...)
}

// String hides the PIN.
func (PIN) String() string { return redacted }

// Format hides the PIN from every verb.
func (PIN) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the PIN.
func (PIN) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the PIN.
func (PIN) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// PINStore keeps PINs as tags, and how often wrong ones were tried. Methods run
// inside the caller's transaction.
type PINStore interface {
	// Put sets the tag of a person's PIN; the zero Tag removes it.
	Put(p PersonID, tag Tag) error
	// Get returns the tag of a person's PIN; zero for none.
	Get(p PersonID) (Tag, error)
	// Count adds to what is counted against a NIK's tag on a day, takes off when by
	// is below zero, and returns the new count, which is never below zero.
	Count(nik Tag, d day.Day, by int) (int, error)
	// Forget removes up to n counts of days before d and returns how many.
	Forget(before day.Day, n int) (int, error)
}
