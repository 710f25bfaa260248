package fhir

import (
	"iter"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
)

// splitSearch splits at a separator that no backslash escapes (FHIR R4 §3.1.1.4.16).
func splitSearch(s string, at byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		from := 0
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\':
				i++
			case s[i] == at:
				if !yield(s[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(s[from:])
	}
}

// unescape takes the backslashes off; false for one that escapes nothing.
func unescape(s string) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i++; i == len(s) || !strings.ContainsRune(`\,|$`, rune(s[i])) {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// coded is a token that is searched for.
type coded struct {
	system, code string
	bound        bool // to the system, or with an empty one to none
	whole        bool // any code of the system
}

// parseCoded reads code, system|code, |code or system|; ErrToken.
func parseCoded(s string) (coded, error) {
	var parts []string
	for part := range splitSearch(s, '|') {
		text, ok := unescape(part)
		if !ok || len(parts) == 2 {
			return coded{}, ErrToken
		}
		parts = append(parts, text)
	}
	if len(parts) == 1 {
		if parts[0] == "" {
			return coded{}, ErrToken
		}
		return coded{code: parts[0]}, nil
	}
	c := coded{system: parts[0], code: parts[1], bound: true, whole: parts[1] == ""}
	if c.system == "" && c.whole {
		return coded{}, ErrToken
	}
	return c, nil
}

// in reports whether a code, Coding or CodeableConcept has the token.
func (c coded) in(n *node) bool {
	if n.kind == '"' { // a code, whose system the standard fixes
		return n.text == c.code && (!c.bound || c.system == "")
	}
	if list := n.get("coding"); list != nil {
		for i := range list.within {
			if c.is(&list.within[i].value) {
				return true
			}
		}
		return false
	}
	return c.is(n)
}

func (c coded) is(coding *node) bool {
	text := func(name string) string {
		if m := coding.get(name); m != nil && m.kind == '"' {
			return m.text
		}
		return ""
	}
	code := text("code")
	if code == "" || c.bound && text("system") != c.system {
		return false
	}
	return c.whole || code == c.code
}

// span is a stretch of time from its first moment to before its end; a zero moment is
// open.
type span struct{ from, to time.Time }

// compared is a date that is searched for, and how.
type compared struct {
	how string
	span
}

// parseCompared reads a date after its prefix; ErrDate.
func parseCompared(s string) (compared, error) {
	c := compared{how: "eq"}
	if len(s) > 2 && s[0] >= 'a' {
		switch s[:2] {
		case "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb":
			c.how, s = s[:2], s[2:]
		default:
			return compared{}, ErrDate
		}
	}
	var ok bool
	c.span, ok = parseSpan(s)
	if !ok {
		return compared{}, ErrDate
	}
	return c, nil
}

// parseSpan reads a date, dateTime or instant as the stretch that it stands for. What
// has no zone is counted in Western Indonesian Time, as days are.
func parseSpan(s string) (span, bool) {
	layouts := []struct {
		layout              string
		years, months, days int
		length              time.Duration
	}{
		{"2006", 1, 0, 0, 0}, {"2006-01", 0, 1, 0, 0}, {"2006-01-02", 0, 0, 1, 0},
		{"2006-01-02T15:04", 0, 0, 0, time.Minute}, {"2006-01-02T15:04Z07:00", 0, 0, 0, time.Minute},
		{"2006-01-02T15:04:05", 0, 0, 0, time.Second}, {"2006-01-02T15:04:05Z07:00", 0, 0, 0, time.Second},
	}
	if len(s) > 40 {
		return span{}, false
	}
	for _, l := range layouts {
		from, err := time.ParseInLocation(l.layout, s, day.Zone())
		if err != nil || from.Year() < 1 {
			continue
		}
		length := l.length
		if strings.Contains(s, ".") {
			length = time.Nanosecond
		}
		return span{from, from.AddDate(l.years, l.months, l.days).Add(length)}, true
	}
	return span{}, false
}

// spanOf reads a date or a Period of a resource.
func spanOf(n *node) (span, bool) {
	if n.kind == '"' {
		return parseSpan(n.text)
	}
	if n.kind != '{' {
		return span{}, false
	}
	var out span
	found := false
	if start := n.get("start"); start != nil {
		s, ok := parseSpan(start.text)
		if !ok {
			return span{}, false
		}
		out.from, found = s.from, true
	}
	if end := n.get("end"); end != nil {
		s, ok := parseSpan(end.text)
		if !ok {
			return span{}, false
		}
		out.to, found = s.to, true
	}
	return out, found
}

// in compares as FHIR R4 §3.1.1.4.9 says.
func (c compared) in(n *node) bool {
	t, ok := spanOf(n)
	if !ok {
		return false
	}
	within := !t.from.IsZero() && !t.to.IsZero() && !t.from.Before(c.from) && !t.to.After(c.to)
	above := t.to.IsZero() || t.to.After(c.to)
	below := t.from.IsZero() || t.from.Before(c.from)
	switch c.how {
	case "eq":
		return within
	case "ne":
		return !within
	case "gt":
		return above
	case "lt":
		return below
	case "ge":
		return above || within
	case "le":
		return below || within
	case "sa":
		return !t.from.IsZero() && !t.from.Before(c.to)
	}
	return !t.to.IsZero() && !t.to.After(c.from) // eb
}
