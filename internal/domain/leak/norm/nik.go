package norm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
)

// NIK is sixteen digits as one number. It never prints.
type NIK uint64

// Format redacts, whatever the verb.
func (NIK) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// LogValue redacts.
func (NIK) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Short returns the first fifteen digits, which is what a spreadsheet keeps: its numbers
// have 53 bits, and it writes a zero in the place of the sixteenth digit.
func (n NIK) Short() uint64 { return uint64(n) / 10 }

// Rounded reports whether the last digit is zero, so that it may have been lost.
func (n NIK) Rounded() bool { return n%10 == 0 }

// Plausible reports whether sixteen ASCII digits may be a NIK: a province, and a day and a
// month of birth (a woman's day plus 40). The serial is not looked at, since rounding may
// have made a 0001 into 0000. Some 1.7 % of random digits pass.
func Plausible(d []byte) bool {
	_ = d[15]
	day := (d[6]-'0')*10 + d[7] - '0'
	if day > 40 {
		day -= 40
	}
	month := (d[8]-'0')*10 + d[9] - '0'
	return d[0] != '0' && day-1 < 31 && month-1 < 12 && d[2]|d[3] != '0' && d[4]|d[5] != '0'
}

// Number reads sixteen ASCII digits.
func Number(d []byte) NIK {
	return NIK(eight(binary.LittleEndian.Uint64(d))*100_000_000 + eight(binary.LittleEndian.Uint64(d[8:])))
}

// eight reads eight ASCII digits at once: pairs, then fours, then all (D. Lemire, "Quickly
// parsing eight digits", 2018).
func eight(x uint64) uint64 {
	x -= 0x3030303030303030
	x = x*10 + x>>8
	return ((x&0x000000FF000000FF)*(100+1_000_000<<32) + (x>>16&0x000000FF000000FF)*(1+10_000<<32)) >> 32
}

// ParseNIK reads a NIK as dumps write it: with points, spaces, hyphens or an apostrophe among
// the digits, as a number with decimals that are zero, or as 3.275…E+15 with all its digits.
// What is no plausible NIK is refused.
func ParseNIK(raw []byte) (NIK, bool) {
	raw = trim(raw)
	if len(raw) == 16 {
		for _, c := range raw {
			if !digit(c) {
				return spelled(raw)
			}
		}
		if !Plausible(raw) {
			return 0, false
		}
		return Number(raw), true
	}
	return spelled(raw)
}

func spelled(raw []byte) (NIK, bool) {
	if len(raw) < 16 || len(raw) > 40 {
		return 0, false
	}
	if at := bytes.IndexAny(raw, "eE"); at > 0 {
		exp := bytes.TrimPrefix(raw[at+1:], []byte("+"))
		// 3.27501410890000E+15: only what shows fifteen digits is one person's or ten.
		if string(exp) != "15" || raw[1] != '.' && raw[1] != ',' || at < 16 {
			return 0, false
		}
		raw = raw[:at]
	} else if cut, ok := bytes.CutSuffix(raw, []byte(".0")); ok && digits(cut) == 16 {
		raw = cut
	} else if cut, ok := bytes.CutSuffix(raw, []byte(".00")); ok && digits(cut) == 16 {
		raw = cut // a fraction's, not the number's own zeros after a full stop
	}
	var d [16]byte
	n := 0
	for _, c := range raw {
		switch {
		case digit(c):
			if n == len(d) {
				return 0, false
			}
			d[n] = c
			n++
		case c == '.' || c == ' ' || c == '-' || c == '\'' || c == ',' || c == '/' || c == 0xC2 || c == 0xA0:
		default:
			return 0, false
		}
	}
	if n == 15 {
		d[15] = '0'
		n = 16
		if !bytes.ContainsAny(raw, ".,") {
			return 0, false
		}
	}
	if n != 16 || !Plausible(d[:]) {
		return 0, false
	}
	return Number(d[:]), true
}

func digits(raw []byte) (n int) {
	for _, c := range raw {
		if digit(c) {
			n++
		}
	}
	return n
}

// ParsePhone reads a telephone number as its digits with the country's in front: 0812…,
// 62812…, +62 812-…, 0062812… and, where a spreadsheet took the zero, 812… are one. Numbers
// of other countries need their +.
func ParsePhone(raw []byte) (uint64, bool) {
	raw = trim(raw)
	if len(raw) > 32 {
		return 0, false
	}
	if cut, ok := bytes.CutSuffix(raw, []byte(".0")); ok {
		raw = cut
	}
	var d [18]byte
	n, plus := 0, false
	for i, c := range raw {
		switch {
		case digit(c):
			if n == len(d) {
				return 0, false
			}
			d[n] = c
			n++
		case c == '+' && i == 0:
			plus = true
		case c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/' || c == 0xC2 || c == 0xA0:
		default:
			return 0, false
		}
	}
	s := d[:n]
	switch {
	case plus:
	case bytes.HasPrefix(s, []byte("00")):
		s = s[2:]
	case bytes.HasPrefix(s, []byte("0")):
		return within(62, s[1:])
	case bytes.HasPrefix(s, []byte("62")) && n >= 10:
	case bytes.HasPrefix(s, []byte("8")) && n >= 9 && n <= 13:
		return within(62, s)
	default:
		return 0, false
	}
	if cut, ok := bytes.CutPrefix(s, []byte("620")); ok { // +62 (0)812…
		return within(62, cut)
	}
	return within(0, s)
}

func within(n uint64, d []byte) (uint64, bool) {
	for _, c := range d {
		n = n*10 + uint64(c-'0')
	}
	return n, n >= 10_000_000 && n < 1_000_000_000_000_000
}
