package identity

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of reading a person; each says how to mend the input and none repeats it.
var (
	ErrName   = fault.New(fault.Invalid, "a name has 1 to 200 characters, at least one of them a letter, and no control characters")
	ErrPhone  = fault.New(fault.Invalid, "a telephone number has 8 to 15 digits in international form, such as +62 812 0000 0000")
	ErrBirth  = fault.New(fault.Invalid, "the date of birth does not agree with the NIK")
	ErrFuture = fault.New(fault.Invalid, "the date of birth lies in the future or before 1900")
	ErrPerson = fault.New(fault.Invalid, "the sealed person is malformed")
)

// ParseName reads a name as registered; inner runs of space become one.
// Mononyms, apostrophes and every script are names.
func ParseName(s string) (Name, error) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || !strings.ContainsFunc(s, unicode.IsLetter) {
		return Name{}, ErrName
	}
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > 200 {
		return Name{}, ErrName
	}
	return Name{s}, nil
}

// ParsePhone reads a telephone number: spaces, points, hyphens and brackets are
// passed over, a leading 0 is Indonesia's.
func ParsePhone(s string) (Phone, error) {
	var b strings.Builder
	for i, r := range strings.TrimSpace(s) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && i == 0, strings.ContainsRune(" .-()", r):
		default:
			return Phone{}, ErrPhone
		}
	}
	d := b.String()
	if strings.HasPrefix(d, "0") && !strings.HasPrefix(d, "00") {
		d = "62" + d[1:]
	}
	if len(d) < 8 || len(d) > 15 {
		return Phone{}, ErrPhone
	}
	return Phone{d}, nil
}

// Check returns why p cannot be registered on today, or nil.
func (p Person) Check(today day.Day) error {
	if p.Birth > today || p.Birth.Start().Year() < 1900 {
		return ErrFuture
	}
	if !p.NIK.Agrees(p.Birth) {
		return ErrBirth
	}
	return nil
}

// SamePerson reports whether two registrations under one NIK agree: the same
// birth date and the same name, spelling aside.
func SamePerson(a, b Person) bool {
	return a.NIK == b.NIK && a.Birth == b.Birth && fold(a.Name.text) == fold(b.Name.text)
}

// fold drops case, punctuation and spaces, so that "Nur'aini" is "NURAINI".
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

const personFormat = 1

// AppendBinary appends the form in which a person is sealed.
func (p Person) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, personFormat, byte(p.Sex))
	b = binary.BigEndian.AppendUint32(b, uint32(p.Birth))
	b = append(b, p.NIK.digits[:]...)
	b = append(b, byte(len(p.Phone.digits)))
	b = append(b, p.Phone.digits...)
	return append(b, p.Name.text...), nil
}

// OpenPerson reads what AppendBinary wrote; ErrPerson for anything else.
func OpenPerson(b []byte) (Person, error) {
	if len(b) < 23 || b[0] != personFormat || b[1] > byte(Female) {
		return Person{}, ErrPerson
	}
	nik, err := ParseNIK(string(b[6:22]))
	n := int(b[22])
	if err != nil || len(b) < 23+n || n > 15 {
		return Person{}, ErrPerson
	}
	name, err := ParseName(string(b[23+n:]))
	if err != nil || name.text != string(b[23+n:]) {
		return Person{}, ErrPerson
	}
	p := Person{NIK: nik, Name: name, Sex: Sex(b[1]), Birth: day.Day(int32(binary.BigEndian.Uint32(b[2:])))}
	if n > 0 {
		phone, err := ParsePhone("+" + string(b[23:23+n]))
		if err != nil || phone.digits != string(b[23:23+n]) {
			return Person{}, ErrPerson
		}
		p.Phone = phone
	}
	return p, nil
}
