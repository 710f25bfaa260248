package norm

import "time"

// Date is a civil date as yyyymmdd. Zero is none.
type Date uint32

// MaxDates is how many dates one spelling can mean.
const MaxDates = 4

// NewDate returns a date that there was between 1850 and 2150.
func NewDate(year, month, day int) (Date, bool) {
	if year < 1850 || year > 2150 || month < 1 || month > 12 || day < 1 || day > lengthOf(year, month) {
		return 0, false
	}
	return Date(year*10000 + month*100 + day), true
}

func lengthOf(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Dates appends what a spelling can mean to out, most likely first and at most MaxDates:
// year-month-day, day-month-year, month-day-year, yyyymmdd and ddmmyyyy with any of - / .
// and space between, months by name in Indonesian or English, years of two digits in either
// century. A time after the date is passed over. The order of a column is not asked for: a
// wrong reading has no tag.
func Dates(out []Date, raw []byte) []Date {
	p := parts(trim(raw))
	add := func(y, m, d int) {
		if v, ok := NewDate(y, m, d); ok && len(out) < MaxDates {
			for _, o := range out {
				if o == v {
					return
				}
			}
			out = append(out, v)
		}
	}
	a, b, c := p.n[0], p.n[1], p.n[2]
	switch {
	case p.month > 0 && p.count >= 2: // two numbers, and a name that stood somewhere among them
		if p.width[0] > 2 {
			a, b = b, a
		}
		if p.width[0] > 2 || p.width[1] > 2 {
			add(b, p.month, a)
		} else {
			add(1900+b, p.month, a)
			add(2000+b, p.month, a)
		}
	case p.count >= 3 && p.width[0] == 4:
		add(a, b, c)
		add(a, c, b)
	case p.count >= 3 && p.width[0] <= 2 && p.width[2] == 4:
		add(c, b, a)
		add(c, a, b)
	case p.count >= 3 && p.width[0] <= 2 && p.width[2] == 2:
		add(1900+c, b, a)
		add(2000+c, b, a)
		add(1900+c, a, b)
		add(2000+c, a, b)
	case p.count >= 1 && p.width[0] == 8 && p.month == 0:
		add(a/10000, a/100%100, a%100)
		add(a%10000, a/10000%100, a/1_000_000)
	}
	return out
}

// pieces are the first numbers of a value, and a month's name.
type pieces struct {
	n, width [9]int
	count    int
	month    int
	ok       bool // nothing else stood there
}

func parts(raw []byte) pieces {
	p := pieces{ok: len(raw) <= 40}
	if !p.ok {
		return p
	}
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case digit(c):
			v, at := 0, i
			for ; i < len(raw) && digit(raw[i]); i++ {
				v = v*10 + int(raw[i]-'0')
			}
			if i-at > 9 || p.count == len(p.n) {
				p.ok = false
				return p
			}
			p.n[p.count], p.width[p.count] = v, i-at
			p.count++
		case letter(c):
			at := i
			for ; i < len(raw) && letter(raw[i]); i++ {
			}
			if m := monthOf(raw[at:i]); m > 0 && p.month == 0 {
				p.month = m
			} else if i-at > 1 || c|0x20 != 't' && c|0x20 != 'z' {
				p.ok = p.ok && i-at <= 4 // WIB, UTC, a day's name cut short
			}
		default:
			i++
		}
	}
	return p
}

func monthOf(w []byte) int {
	if len(w) < 3 || len(w) > 9 {
		return 0
	}
	switch string([]byte{w[0] | 0x20, w[1] | 0x20, w[2] | 0x20}) {
	case "jan":
		return 1
	case "feb", "peb":
		return 2
	case "mar":
		return 3
	case "apr":
		return 4
	case "mei", "may":
		return 5
	case "jun":
		return 6
	case "jul":
		return 7
	case "agu", "aug", "ags", "agt":
		return 8
	case "sep":
		return 9
	case "okt", "oct":
		return 10
	case "nov", "nop":
		return 11
	case "des", "dec":
		return 12
	}
	return 0
}

// FromSerial reads a date as spreadsheets count days: 1 is 1 January 1900, and there is a
// 29 February 1900 (ECMA-376 part 1 §18.17.4.1). Only 1 March 1900 to 2150 is taken.
func FromSerial(raw []byte) (Date, bool) {
	raw = trim(raw)
	n, i := 0, 0
	for ; i < len(raw) && digit(raw[i]); i++ {
		if n = n*10 + int(raw[i]-'0'); n > 91_676 {
			return 0, false
		}
	}
	if n < 61 || i < len(raw) && raw[i] != '.' {
		return 0, false
	}
	t := time.Date(1899, 12, 30+n, 0, 0, 0, 0, time.UTC)
	return NewDate(t.Year(), int(t.Month()), t.Day())
}

// Minute counts minutes since 1 January 2000, UTC, in which an index keeps time.
type Minute uint32

const epoch = 946_684_800

// MinuteOf returns the minute in which t falls; what is before 2000 is 0.
func MinuteOf(t time.Time) Minute {
	return Minute(max(0, min(t.Unix()-epoch, 60*(1<<32-1))) / 60)
}

// Time returns the minute's beginning.
func (m Minute) Time() time.Time { return time.Unix(int64(m)*60+epoch, 0).UTC() }

// Minutes appends the minutes that a time may mean, most likely first. One that names its
// zone means one; any other is read in the three zones of Indonesia (UTC+7, +8, +9) and in
// UTC. A date alone means none.
func Minutes(out []Minute, raw []byte) []Minute {
	raw = trim(raw)
	p := parts(raw)
	if p.count < 5 || p.width[0] != 4 && p.width[2] != 4 || p.month > 0 || p.n[3] > 23 || p.n[4] > 59 {
		return out
	}
	y, m, d := p.n[0], p.n[1], p.n[2]
	if p.width[2] == 4 {
		y, d = d, y
	}
	if _, ok := NewDate(y, m, d); !ok {
		return out
	}
	at := (daysOf(y, m, d)*24+p.n[3])*60 + p.n[4]
	if off, ok := zoneOf(raw, &p); ok {
		return append(out, Minute(max(0, at-off)))
	}
	for _, h := range [...]int{7, 0, 8, 9} {
		out = append(out, Minute(max(0, at-60*h)))
	}
	return out
}

// daysOf counts days from 1 January 2000 to a date of the Gregorian calendar. A year begins in
// March here, so that the day that some years lack is its last (E. G. Richards, "Mapping time",
// 1998).
func daysOf(y, m, d int) int {
	if m -= 3; m < 0 {
		m, y = m+12, y-1
	}
	const before = 730_425 // to the same 1 January from 1 March of the year 0
	return y*365 + y/4 - y/100 + y/400 + (153*m+2)/5 + d - 1 - before
}

// zoneOf reads Z, WIB, WITA, WIT, or +07:00 at the end, in minutes.
func zoneOf(raw []byte, p *pieces) (int, bool) {
	last := len(raw) - 1
	switch raw[last] {
	case 'Z', 'z':
		return 0, true
	case 'B', 'b':
		return 7 * 60, true
	case 'A', 'a':
		return 8 * 60, true
	case 'T', 't':
		return 9 * 60, true
	}
	for i := max(0, len(raw)-6); i <= last; i++ {
		if raw[i] != '+' && (raw[i] != '-' || i < 11) {
			continue
		}
		h, m := p.n[p.count-1], 0
		if p.width[p.count-1] == 4 { // +0700
			h, m = h/100, h%100
		} else if i < len(raw)-3 {
			h, m = p.n[p.count-2], h
		}
		off := 60*h + m
		if raw[i] == '-' {
			off = -off
		}
		return off, h < 15
	}
	return 0, false
}
