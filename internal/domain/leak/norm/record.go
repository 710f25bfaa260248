package norm

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
)

// firstRecord is record.First: numbers below it are no health record's.
const firstRecord = 1 << 16

// ParseRecord reads the platform's own name of a record, 123-65538, alone, after a resource's
// type (Observation/123-65538) or at the end of a URL, and Patient/123 of a person, whose
// number is zero. A bare number is nobody.
func ParseRecord(raw []byte) (person, number uint64, ok bool) {
	raw = trim(raw)
	if at := bytes.Index(raw, []byte("/_history/")); at >= 0 {
		raw = raw[:at]
	}
	of := false
	if at := bytes.LastIndexByte(raw, '/'); at >= 0 {
		of = bytes.HasSuffix(raw[:at], []byte("Patient"))
		raw = raw[at+1:]
	}
	if len(raw) == 0 || len(raw) > 40 || raw[0] == '0' {
		return 0, 0, false
	}
	who, rest, two := bytes.Cut(raw, []byte("-"))
	if person, ok = decimal(who); !ok || person == 0 {
		return 0, 0, false
	}
	if !two {
		return person, 0, of
	}
	number, ok = decimal(rest)
	return person, number, ok && number >= firstRecord && number < 1<<56 && rest[0] != '0'
}

func decimal(d []byte) (n uint64, ok bool) {
	if len(d) == 0 || len(d) > 19 {
		return 0, false
	}
	for _, c := range d {
		if !digit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// ParseMark reads eight bytes in hexadecimal (16 digits, not all of them decimal) or base32
// (13 digits, RFC 4648, with padding or without). Whether they are a row's token is asked
// after all marks are frozen.
func ParseMark(raw []byte) (m [8]byte, ok bool) {
	raw = bytes.TrimRight(trim(raw), "=")
	switch len(raw) {
	case 16:
		letters := false
		for _, c := range raw {
			letters = letters || !digit(c)
		}
		n, err := hex.Decode(m[:], raw)
		return m, letters && err == nil && n == len(m)
	case 13:
		var up [13]byte
		letters := false
		for i, c := range raw {
			letters = letters || letter(c)
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			up[i] = c
		}
		var b [10]byte
		n, err := base32.StdEncoding.WithPadding(base32.NoPadding).Decode(b[:], up[:])
		copy(m[:], b[:])
		return m, letters && err == nil && n == len(m)
	}
	return m, false
}

// ParseDigest reads a SHA-256 in hexadecimal.
func ParseDigest(raw []byte) (d [32]byte, ok bool) {
	raw = trim(raw)
	if len(raw) != 64 {
		return d, false
	}
	n, err := hex.Decode(d[:], raw)
	return d, err == nil && n == len(d)
}

// Visit appends what ties a record to a facility and a day: with the kind of document, the
// composite that only whoever made the record, and we, can know. facility is as Facility
// writes it.
func Visit(out, facility []byte, on Date) []byte {
	return append(append(out, facility...), 0, byte(on>>24), byte(on>>16), byte(on>>8), byte(on))
}
