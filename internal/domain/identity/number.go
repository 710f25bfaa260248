package identity

import (
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrNumber is returned for a sealed number that was not sealed by us.
var ErrNumber = fault.New(fault.Invalid, "the sealed number is malformed")

// Number is a telephone number as it is sealed beside a binding, with the moment
// from which it may be used: whoever only writes the database cannot cut its wait.
type Number struct {
	Phone Phone
	From  time.Time // whole seconds
}

const numberFormat = 1

// AppendBinary appends the form in which a number is sealed.
func (n Number) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, numberFormat)
	b = binary.BigEndian.AppendUint64(b, uint64(n.From.Unix()))
	return append(b, n.Phone.digits...), nil
}

// OpenNumber reads what AppendBinary wrote; ErrNumber for anything else.
func OpenNumber(b []byte) (Number, error) {
	if len(b) < 9 || b[0] != numberFormat {
		return Number{}, ErrNumber
	}
	phone, err := ParsePhone("+" + string(b[9:]))
	if err != nil || phone.digits != string(b[9:]) {
		return Number{}, ErrNumber
	}
	return Number{Phone: phone, From: time.Unix(int64(binary.BigEndian.Uint64(b[1:])), 0).UTC()}, nil
}

// Masked shows the last three digits, for the person to tell their numbers apart.
func (p Phone) Masked() string {
	if len(p.digits) < 8 {
		return ""
	}
	return "••••" + p.digits[len(p.digits)-3:]
}

// Masked shows the first letter of each word, and not how long the words are.
func (n Name) Masked() string {
	out, fresh := "", true
	for _, r := range n.text {
		switch {
		case r == ' ':
			fresh = true
			out += " "
		case fresh:
			out += string(r) + "•••"
			fresh = false
		}
	}
	return out
}
