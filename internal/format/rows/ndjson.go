package rows

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// readJSON reads the one flat object of a line.
func (t *Reader) readJSON(line []byte) (bool, *fault.Fault) {
	line = bytes.Trim(line, " \t\r")
	if len(line) == 0 {
		return false, nil
	}
	if why := unfit(line); why != nil {
		return false, why
	}
	clear(t.row.values)
	t.row.others = t.row.others[:0]
	o := object{string(line), 0}
	if !o.sign('{') {
		return false, ErrObject
	}
	for n := 0; !(n == 0 && o.sign('}')); n++ {
		if n == MaxColumns {
			return false, ErrMembers
		}
		if why := t.member(&o); why != nil {
			return false, why
		}
		if o.sign(',') {
			continue
		}
		if !o.sign('}') {
			return false, ErrObject
		}
		break
	}
	if o.at != len(o.text) {
		return false, ErrObject
	}
	return true, nil
}

func (t *Reader) member(o *object) *fault.Fault {
	name, ok := o.quoted()
	if !ok || !o.sign(':') {
		return ErrObject
	}
	value, why := o.value()
	if why != nil {
		return why
	}
	slot, known := t.columns[name]
	if !known {
		if slices.Contains(t.row.others, name) {
			return ErrTwice
		}
		t.row.others = append(t.row.others, name)
		return nil
	}
	if t.seen[slot] == t.rows+1 { // rows are counted behind this one
		return ErrTwice
	}
	t.seen[slot] = t.rows + 1
	t.row.values[slot] = value
	return nil
}

// object is a JSON text and how far it is read.
type object struct {
	text string
	at   int
}

func (o *object) blanks() {
	for o.at < len(o.text) && (o.text[o.at] == ' ' || o.text[o.at] == '\t' || o.text[o.at] == '\r') {
		o.at++
	}
}

// sign takes one character with the blanks before and behind it.
func (o *object) sign(c byte) bool {
	o.blanks()
	if o.at == len(o.text) || o.text[o.at] != c {
		return false
	}
	o.at++
	o.blanks()
	return true
}

// quoted takes a string. What its escapes mean is encoding/json's word.
func (o *object) quoted() (string, bool) {
	o.blanks()
	if o.at == len(o.text) || o.text[o.at] != '"' {
		return "", false
	}
	escaped := false
	for i := o.at + 1; i < len(o.text); i++ {
		switch c := o.text[i]; {
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return "", false
		case c == '"':
			raw := o.text[o.at : i+1]
			o.at = i + 1
			if !escaped {
				return raw[1 : len(raw)-1], true
			}
			var s string
			err := json.Unmarshal([]byte(raw), &s)
			return s, err == nil
		}
	}
	return "", false
}

// value takes a string, or a number or word as it is written; null is "".
func (o *object) value() (string, *fault.Fault) {
	o.blanks()
	if o.at == len(o.text) {
		return "", ErrObject
	}
	switch o.text[o.at] {
	case '"':
		s, ok := o.quoted()
		if !ok {
			return "", ErrObject
		}
		return s, nil
	case '{', '[':
		return "", ErrNested
	}
	n := strings.IndexAny(o.text[o.at:], ",} \t\r")
	if n < 0 {
		return "", ErrObject
	}
	word := o.text[o.at : o.at+n]
	o.at += n
	switch {
	case word == "null":
		return "", nil
	case word == "true", word == "false", isNumber(word):
		return word, nil
	}
	return "", ErrObject
}

// isNumber follows the grammar of RFC 8259, section 6.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	if s = s[whole:]; strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
