package carrier

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Streets. false is "Jl.", true is "Jalan". A street's word begins the value or follows a
// comma, so that "rawat jalan" is none.

// streetWord is one of them, from and to in the value, the dot and the spaces after it
// included.
type streetWord struct {
	from, to int
	word     string
}

func streetWords(s string) (out []streetWord) {
	for at := 0; at < len(s); {
		start := at + len(s[at:]) - len(strings.TrimLeft(s[at:], " \t"))
		end := start
		for end < len(s) && (s[end]|0x20) >= 'a' && (s[end]|0x20) <= 'z' {
			end++
		}
		to := end
		if to < len(s) && s[to] == '.' {
			to++
		}
		rest := strings.TrimLeft(s[to:], " ")
		dotted, spaced := to > end, len(rest) < len(s)-to
		if word := s[start:end]; (dotted || spaced) && isStreet(word) && begins(rest) {
			out = append(out, streetWord{start, len(s) - len(rest), word})
		}
		next := strings.IndexAny(s[start:], ",;|(\n")
		if next < 0 {
			break
		}
		at = start + next + 1
	}
	return out
}

func isStreet(word string) bool {
	switch strings.ToLower(word) {
	case "jl", "jln", "jalan":
		return true
	}
	return false
}

// begins reports whether a name or a number follows.
func begins(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return unicode.IsLetter(r) && r != utf8.RuneError || unicode.IsDigit(r)
}

func renderStreet(s string, symbol bool) string {
	var b strings.Builder
	at := 0
	for _, w := range streetWords(s) {
		b.WriteString(s[at:w.from])
		at = w.to
		spelled := "Jl. "
		if symbol {
			spelled = "Jalan "
		}
		switch {
		case w.word == strings.ToUpper(w.word):
			spelled = strings.ToUpper(spelled)
		case w.word == strings.ToLower(w.word):
			spelled = strings.ToLower(spelled)
		}
		b.WriteString(spelled)
	}
	b.WriteString(s[at:])
	return b.String()
}

func readStreet(s string) (symbol, ok bool) {
	var a agreed
	for _, w := range streetWords(s) {
		switch strings.ToLower(w.word) {
		case "jl":
			a.add(false)
		case "jalan":
			a.add(true)
		default:
			return false, false
		}
	}
	return a.read()
}

// Neighbourhoods. false is "RT 1/RW 8", true is "RT 001/RW 008": three digits are the
// administration's own way. Only zeros in front of a number come and go.

// numbers finds the digits behind RT and RW.
func numbers(s string) (out [][2]int) {
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
		out = append(out, [2]int{from, to})
		at = to - 1
		if to < len(s) && s[to] == '/' { // "RT/RW 001/008", "RT 001/008"
			next := to + 1
			for to = next; to < len(s) && isDigit(s[to]); {
				to++
			}
			if short3(s, next, to) {
				out = append(out, [2]int{next, to})
				at = to - 1
			}
		}
	}
	return out
}

// short3 reports whether one to three digits stand by themselves.
func short3(s string, from, to int) bool {
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
	for _, n := range numbers(s) {
		b.WriteString(s[at:n[0]])
		digits := short(s[n[0]:n[1]])
		if symbol {
			digits = strings.Repeat("0", 3-len(digits)) + digits
		}
		b.WriteString(digits)
		at = n[1]
	}
	b.WriteString(s[at:])
	return b.String()
}

func readNeighbourhood(s string) (symbol, ok bool) {
	var a agreed
	for _, n := range numbers(s) {
		digits := s[n[0]:n[1]]
		switch plain := short(digits); {
		case len(plain) == 3: // it has no zeros to tell
		case digits == plain:
			a.add(false)
		case len(digits) == 3:
			a.add(true)
		default:
			return false, false
		}
	}
	return a.read()
}

// Telephones. false is "+62812…", true is "0812…"; how digits are grouped stays.

// national splits a number of Indonesia behind its prefix. The lengths leave a NIK, of 16
// digits or of 15, out.
func national(s string) (prefix, rest string, ok bool) {
	switch {
	case strings.HasPrefix(s, "+62"):
		prefix = "+62"
	case strings.HasPrefix(s, "62"):
		prefix = "62"
	case strings.HasPrefix(s, "0"):
		prefix = "0"
	default:
		return "", "", false
	}
	rest = s[len(prefix):]
	rest = strings.TrimLeft(rest, " -.")
	digits := 0
	for i := range len(rest) {
		switch {
		case isDigit(rest[i]):
			digits++
		case strings.IndexByte(" -.", rest[i]) < 0:
			return "", "", false
		}
	}
	return prefix, rest, digits >= 8 && digits <= 12 && rest[0] != '0'
}

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

func readTelephone(s string) (symbol, ok bool) {
	prefix, _, ok := national(s)
	return prefix == "0", ok
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
func readLetters(s string) (symbol, ok bool) {
	upper, lower, together, before := false, false, false, false
	for _, r := range s {
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
