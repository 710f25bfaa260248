package carrier

import (
	"fmt"
)

// Stamps are technical times: when a row was written. false is the first half of a second,
// true the second one, by thousandths; a time without them, or with none of them left, shows
// neither. Halves survive another time zone, another calendar and rounding to a tenth. The
// second itself stays.

// half is half a second, in thousandths.
const half = 500

// thousandths finds the fraction of a second behind hh:mm:ss.
func thousandths[T text](s T) (from, to, value int, ok bool) {
	for at := 0; at+8 < len(s); at++ {
		if s[at+2] != ':' || s[at+5] != ':' || s[at+8] != '.' || !clock(s[at:at+8]) {
			continue
		}
		from = at + 9
		to = from
		for to < len(s) && isDigit(s[to]) {
			to++
		}
		if to == from || to-from > 9 {
			return 0, 0, 0, false
		}
		for i := from; i < from+3; i++ {
			if value *= 10; i < to {
				value += int(s[i] - '0')
			}
		}
		return from, to, value, true
	}
	return 0, 0, 0, false
}

func clock[T text](s T) bool {
	for i := range len(s) {
		if i%3 != 2 && !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func renderStamp(s string, symbol bool) string {
	from, to, value, ok := thousandths(s)
	if !ok {
		return s
	}
	if value %= half; value == 0 {
		value = half / 2
	}
	if symbol {
		value += half
	}
	digits := fmt.Sprintf("%03d", value)
	if more := to - from; more > 3 {
		digits += s[from+3 : to]
	}
	return s[:from] + digits + s[to:]
}

func readStamp[T text](s T) (symbol, ok bool) {
	from, to, value, ok := thousandths(s)
	for from < to && s[from] == '0' {
		from++
	}
	return value >= half, ok && from < to
}

// plainStamp is the time to the second.
func plainStamp(s string) string {
	from, to, _, ok := thousandths(s)
	if !ok {
		return s
	}
	return s[:from-1] + s[to:]
}
