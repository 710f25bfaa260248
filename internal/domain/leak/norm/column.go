package norm

import (
	"bytes"
	"unicode/utf8"
)

// SampleSize is after how many values a column's type is decided.
const SampleSize = 256

// share of a column's values, in percent, that must be of a type for the column to be.
const share = 70

// Column tells by content what a column holds. The zero value is ready.
type Column struct {
	seen, numbers int // values that are not empty; numbers among them
	whole         int // values that are digits alone, as a person's own number is
	of            [types]int
}

// Add looks at one value; empty ones count for nothing.
func (c *Column) Add(raw []byte) {
	raw = trim(raw)
	if len(raw) == 0 || isNull(raw) {
		return
	}
	c.seen++
	c.of[Guess(raw)]++
	if _, ok := FromSerial(raw); ok && len(raw) <= 8 {
		c.numbers++
	}
	if _, ok := decimal(raw); ok && len(raw) <= 12 {
		c.whole++
	}
}

func isNull(raw []byte) bool {
	return string(raw) == "NULL" || string(raw) == "null" || string(raw) == `\N` || string(raw) == "-"
}

// Seen returns how many values were looked at.
func (c *Column) Seen() int { return c.seen }

// Type returns what at least seven in ten values are; Serial only when nearly all are day
// numbers of the last 120 years, since ages and amounts are numbers, too. A column of records'
// names has bare numbers among them where a person's own row has theirs, as our exports do.
func (c *Column) Type() Type {
	best := Other
	for t := Person; t < types; t++ {
		if c.of[t] > c.of[best] || best == Other {
			if c.of[t]*100 >= share*c.seen && c.of[t] > 0 {
				best = t
			}
		}
	}
	if best == Other && c.of[Record]*4 >= c.seen && (c.of[Record]+c.whole)*100 >= 95*c.seen && c.of[Record] > 0 {
		return Record
	}
	if best == Other && c.seen >= 8 && c.numbers*100 >= 95*c.seen {
		return Serial
	}
	return best
}

// Guess returns what one value looks like by itself. A name is any few words of letters, a
// kind one of the list; whether a column of names holds those of people the index tells.
func Guess(raw []byte) Type {
	raw = trim(raw)
	if len(raw) == 0 || len(raw) > maxText {
		return Other
	}
	digits, letters := 0, 0
	for _, c := range raw {
		if digit(c) {
			digits++
		} else if letter(c) || c >= utf8.RuneSelf {
			letters++
		}
	}
	if letters == 0 || letters <= 2 && digits >= 15 { // 3.2E+15
		return numeric(raw, digits)
	}
	if _, ok := ParseDigest(raw); ok {
		return Digest
	}
	if digits > 0 {
		if _, _, ok := ParseRecord(raw); ok {
			return Record
		}
		if _, ok := ParseMark(raw); ok {
			return Mark
		}
		var m [4]Minute
		if len(Minutes(m[:0], raw)) > 0 {
			return Moment
		}
		var d [MaxDates]Date
		if len(raw) <= 20 && len(Dates(d[:0], raw)) > 0 && parts(raw).ok {
			return Birth
		}
	}
	if _, ok := ParseMark(raw); ok && digits > 0 {
		return Mark
	}
	return worded(raw, digits, letters)
}

func numeric(raw []byte, digits int) Type {
	if _, ok := ParseNIK(raw); ok {
		return Person
	}
	if _, _, ok := ParseRecord(raw); ok {
		return Record
	}
	var m [4]Minute
	if digits >= 12 && len(Minutes(m[:0], raw)) > 0 {
		return Moment
	}
	var d [MaxDates]Date
	if digits <= 8 && digits >= 4 && len(Dates(d[:0], raw)) > 0 && parts(raw).ok {
		return Birth
	}
	if _, ok := ParsePhone(raw); ok && digits >= 9 {
		return Phone
	}
	return Other
}

// worded tells apart what is written in words.
func worded(raw []byte, digits, letters int) Type {
	if place(raw) {
		return Place
	}
	if digits == 0 {
		if words := bytes.Count(raw, []byte{' '}) + 1; words <= 8 && letters*3 >= len(raw)*2 && len(raw) <= 80 {
			return Name
		}
		return Other
	}
	if street(raw) || digits*3 <= letters && bytes.IndexByte(raw, ' ') > 0 {
		return Address
	}
	return Other
}

// street reports whether an address names a street or a neighbourhood.
func street(raw []byte) bool {
	var up [8]byte
	head := fold(up[:0], raw[:min(len(raw), len(up))])
	for _, p := range []string{"JL", "JALAN", "JLN", "GG.", "GANG ", "DUSUN", "KP.", "DESA ", "PERUM", "KOMP", "RT"} {
		if bytes.HasPrefix(head, []byte(p)) {
			return true
		}
	}
	return bytes.Contains(raw, []byte("RT")) || bytes.Contains(raw, []byte("Jl"))
}

// place reports whether a value begins as Indonesian facilities and their codes do.
func place(raw []byte) bool {
	var up [12]byte
	head := fold(up[:0], raw[:min(len(raw), len(up))])
	for _, p := range []string{"RSUD", "RSUP", "RSIA", "RSU ", "RS ", "RS-", "RS.", "RUMAH SAKIT", "PUSKESMAS", "PKM ", "PKM-", "KLINIK", "LAB ", "LAB-", "LABKES", "POSYANDU"} {
		if bytes.HasPrefix(head, []byte(p)) {
			return true
		}
	}
	return false
}
