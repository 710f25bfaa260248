package carrier

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Streets. false is "Jl.", true is "Jalan". A street's word begins the value or follows a
// comma, so that "rawat jalan" is none.

// streetWord is one of them, from and to in the value, the dot and the spaces after it
// included; the word itself ends at end.
type streetWord struct{ from, end, to int }

func streetWords[T text](s T, each func(streetWord)) {
	for at := 0; at < len(s); at++ {
		start := at
		for start < len(s) && (s[start] == ' ' || s[start] == '\t') {
			start++
		}
		end := start
		for end < len(s) && (s[end]|0x20) >= 'a' && (s[end]|0x20) <= 'z' {
			end++
		}
		dot := end
		if dot < len(s) && s[dot] == '.' {
			dot++
		}
		rest := dot
		for rest < len(s) && s[rest] == ' ' {
			rest++
		}
		if rest > end && isStreet(s[start:end]) && begins(s[rest:]) {
			each(streetWord{start, end, rest})
		}
		for at = start; at < len(s) && !parts(s[at]); {
			at++
		}
	}
}

// parts reports whether a character stands between the parts of an address.
func parts(c byte) bool { return c == ',' || c == ';' || c == '|' || c == '(' || c == '\n' }

func isStreet[T text](word T) bool {
	return is(word, "jl") || is(word, "jln") || is(word, "jalan")
}

// is compares letters with small ones.
func is[T text](letters T, small string) bool {
	if len(letters) != len(small) {
		return false
	}
	for i := range len(small) {
		if letters[i]|0x20 != small[i] {
			return false
		}
	}
	return true
}

// begins reports whether a name or a number follows.
func begins[T text](rest T) bool {
	r, _ := first(rest)
	return unicode.IsLetter(r) && r != utf8.RuneError || unicode.IsDigit(r)
}

// first is the first character and its length; utf8.RuneError where there is none.
func first[T text](s T) (rune, int) {
	if len(s) > 0 && s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	return utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)]))
}

func renderStreet(s string, symbol bool) string {
	var b strings.Builder
	at := 0
	streetWords(s, func(w streetWord) {
		b.WriteString(s[at:w.from])
		at = w.to
		spelled, word := "Jl. ", s[w.from:w.end]
		if symbol {
			spelled = "Jalan "
		}
		switch {
		case word == strings.ToUpper(word):
			spelled = strings.ToUpper(spelled)
		case word == strings.ToLower(word):
			spelled = strings.ToLower(spelled)
		}
		b.WriteString(spelled)
	})
	b.WriteString(s[at:])
	return b.String()
}

func readStreet[T text](s T) (symbol, ok bool) {
	var a agreed
	streetWords(s, func(w streetWord) {
		switch word := s[w.from:w.end]; {
		case is(word, "jl"):
			a.add(false)
		case is(word, "jalan"):
			a.add(true)
		default:
			a.split = true
		}
	})
	return a.read()
}

// Neighbourhoods. false is "RT 1/RW 8", true is "RT 001/RW 008": three digits are the
// administration's own way. Only zeros in front of a number come and go.

// numbers finds the digits behind RT and RW.
func numbers[T text](s T, each func(from, to int)) {
	for at := 0; at+2 < len(s); at++ {
		if s[at]|0x20 != 'r' || (s[at+1]|0x20 != 't' && s[at+1]|0x20 != 'w') || at > 0 && letterOrDigit(s[at-1]) {
			continue
		}
		from := at + 2
		for from < len(s) && (s[from] == ' ' || s[from] == '.' || s[from] == ':') {
			from++
		}
		to := from
		for to < len(s) && isDigit(s[to]) {
			to++
		}
		if !short3(s, from, to) {
			continue
		}
		each(from, to)
		at = to - 1
		if to < len(s) && s[to] == '/' { // "RT/RW 001/008", "RT 001/008"
			next := to + 1
			for to = next; to < len(s) && isDigit(s[to]); {
				to++
			}
			if short3(s, next, to) {
				each(next, to)
				at = to - 1
			}
		}
	}
}

// short3 reports whether one to three digits stand by themselves.
func short3[T text](s T, from, to int) bool {
	return to > from && to-from <= 3 && (to == len(s) || !letterOrDigit(s[to]))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func letterOrDigit(c byte) bool {
	return isDigit(c) || (c|0x20) >= 'a' && (c|0x20) <= 'z' || c >= utf8.RuneSelf
}

// short is a number without zeros in front; zero itself keeps one.
func short(digits string) string {
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}

func renderNeighbourhood(s string, symbol bool) string {
	var b strings.Builder
	at := 0
	numbers(s, func(from, to int) {
		b.WriteString(s[at:from])
		digits := short(s[from:to])
		if symbol {
			digits = strings.Repeat("0", 3-len(digits)) + digits
		}
		b.WriteString(digits)
		at = to
	})
	b.WriteString(s[at:])
	return b.String()
}

func readNeighbourhood[T text](s T) (symbol, ok bool) {
	var a agreed
	numbers(s, func(from, to int) {
		digits := to - from
		for to-from > 1 && s[from] == '0' {
			from++
		}
		switch plain := to - from; {
		case plain == 3: // it has no zeros to tell
		case digits == plain:
			a.add(false)
		case digits == 3:
			a.add(true)
		default:
			a.split = true
		}
	})
	return a.read()
}

// Telephones. false is "+62812…", true is "0812…"; how digits are grouped stays.

// national splits a number of Indonesia behind its prefix, of whose length it says the rest.
// The lengths leave a NIK, of 16 digits or of 15, out.
func national[T text](s T) (prefix int, rest T, ok bool) {
	switch {
	case len(s) > 3 && s[0] == '+' && s[1] == '6' && s[2] == '2':
		prefix = 3
	case len(s) > 2 && s[0] == '6' && s[1] == '2':
		prefix = 2
	case len(s) > 1 && s[0] == '0':
		prefix = 1
	default:
		return 0, rest, false
	}
	from := prefix
	for from < len(s) && between(s[from]) {
		from++
	}
	rest = s[from:]
	digits := 0
	for i := range len(rest) {
		switch {
		case isDigit(rest[i]):
			digits++
		case !between(rest[i]):
			return 0, rest, false
		}
	}
	return prefix, rest, digits >= 8 && digits <= 12 && rest[0] != '0'
}

// between reports whether a character stands between groups of digits.
func between(c byte) bool { return c == ' ' || c == '-' || c == '.' }

func renderTelephone(s string, symbol bool) string {
	_, rest, ok := national(s)
	switch {
	case !ok:
		return s
	case symbol:
		return "0" + rest
	}
	return "+62" + rest
}

func readTelephone[T text](s T) (symbol, ok bool) {
	prefix, _, ok := national(s)
	return prefix == 1, ok
}

// Letters. true is a name all in capitals, false one in capitals and small letters.

func renderLetters(s string, symbol bool) string {
	if !utf8.ValidString(s) {
		return ""
	}
	if symbol {
		return strings.ToUpper(s)
	}
	if upper, ok := readLetters(s); ok && !upper {
		return s
	}
	var b strings.Builder
	within := false
	for _, r := range s {
		if within {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteRune(unicode.ToUpper(r))
		}
		cased := unicode.ToUpper(r) != unicode.ToLower(r)
		within = cased || within && (unicode.IsLetter(r) || unicode.IsMark(r) || r == '\'' || r == '’')
	}
	return b.String()
}

// readLetters needs a capital and two letters together: of "A B" nobody could say. Letters
// that do not come back from their other case have no place in it.
func readLetters[T text](s T) (symbol, ok bool) {
	upper, lower, together, before := false, false, false, false
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			i++
			switch {
			case c-'A' < 26:
				upper = true
			case c-'a' < 26:
				lower = true
			default:
				before = false
				continue
			}
			together = together || before
			before = true
			continue
		}
		r, n := first(s[i:])
		i += n
		up, low := unicode.ToUpper(r), unicode.ToLower(r)
		switch {
		case up == low:
			if unicode.IsLower(r) || unicode.IsUpper(r) {
				return false, false
			}
			before = false
			continue
		case r == up && unicode.ToUpper(low) == r:
			upper = true
		case r == low && unicode.ToLower(up) == r:
			lower = true
		default:
			return false, false
		}
		together = together || before
		before = true
	}
	return !lower, upper && together
}
