package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// node is one JSON value. It is small, because a body has as many as maxNodes.
type node struct {
	text       string
	within     []member // of an object in their order; of a list its items, without names
	start, end uint32   // in the raw text
	kind       byte     // { [ " 0 t n
}

type member struct {
	name  string
	value node
}

func (n *node) get(name string) *node {
	if n.kind != '{' {
		return nil
	}
	for i := range n.within {
		if n.within[i].name == name {
			return &n.within[i].value
		}
	}
	return nil
}

// tree reads JSON (RFC 8259) strictly: no name twice in an object, bounded depth. Texts
// without escapes are parts of the whole one. It is our own because encoding/json, token
// by token, was most of what reading a resource cost; FuzzParse holds the two together.
type tree struct {
	text string // UTF-8
	at   int
}

func parse(raw []byte) (*node, *Issue) {
	fail := func(code, why string) *Issue { return &Issue{code, "", why} }
	switch {
	case len(raw) > MaxBytes:
		return nil, fail("too-long", fmt.Sprintf("a resource or bundle has at most %d bytes", MaxBytes))
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return nil, fail("structure", "it begins with a byte-order mark, which JSON has none of (RFC 8259 section 8.1): save it without")
	case !utf8.Valid(raw):
		at := 0
		for at < len(raw) {
			r, size := utf8.DecodeRune(raw[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return nil, fail("structure", fmt.Sprintf("byte %d is no UTF-8", at))
	}
	if at := crowded(raw); at >= 0 {
		return nil, fail("too-long", fmt.Sprintf("byte %d: a resource or bundle has at most %d values: send it in parts", at, maxNodes))
	}
	t := &tree{text: string(raw)}
	n, err := t.value(0)
	if err == nil {
		if t.space(); t.at < len(t.text) {
			err = errSyntax
		}
	}
	var bad duplicate
	switch {
	case errors.As(err, &bad):
		return nil, fail("structure", fmt.Sprintf("byte %d: an object names a member twice", bad.at))
	case errors.Is(err, errDeep):
		return nil, fail("too-long", fmt.Sprintf("it is nested deeper than %d", maxDepth))
	case errors.Is(err, errName):
		return nil, fail("structure", fmt.Sprintf("byte %d: the name of a member is longer than any of FHIR R4", t.at))
	case errors.Is(err, errCut):
		return nil, fail("structure", "the text ends before the JSON does: it was cut")
	case err != nil:
		return nil, fail("structure", fmt.Sprintf("no JSON, near byte %d", t.at))
	case n.kind != '{':
		return nil, fail("structure", "a resource is a JSON object")
	}
	return &n, nil
}

// crowded returns where a text comes to have more than maxNodes values, or -1: before
// any room is made for them. Each value begins an
// object or list or stands behind a comma, but the first of each.
func crowded(raw []byte) int {
	if len(raw) <= maxNodes {
		return -1
	}
	values, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',' || c == '[' || c == '{':
			if values++; values > maxNodes {
				return i
			}
		}
	}
	return -1
}

type duplicate struct{ at int64 }

func (duplicate) Error() string { return "a member twice" }

var (
	errDeep   = errors.New("too deep")
	errName   = errors.New("a long name")
	errCut    = errors.New("cut")
	errSyntax = errors.New("no JSON")
)

// space passes over white space.
func (t *tree) space() {
	for t.at < len(t.text) {
		switch t.text[t.at] {
		case ' ', '\t', '\n', '\r':
			t.at++
		default:
			return
		}
	}
}

// next passes over white space and returns the byte after it, without taking it.
func (t *tree) next() (byte, error) {
	if t.space(); t.at == len(t.text) {
		return 0, errCut
	}
	return t.text[t.at], nil
}

func (t *tree) value(depth int) (n node, err error) {
	if depth > maxDepth {
		return n, errDeep
	}
	c, err := t.next()
	if err != nil {
		return n, err
	}
	switch c {
	case '{', '[':
		n.kind, n.start = c, uint32(t.at)
		t.at++
		if c == '{' {
			err = t.object(&n, depth)
		} else {
			err = t.array(&n, depth)
		}
		n.end = uint32(t.at)
	case '"':
		n.kind = '"'
		n.text, err = t.quoted()
	case 't':
		n.kind, n.text = 't', "true"
		err = t.word("true")
	case 'f':
		n.kind, n.text = 't', "false"
		err = t.word("false")
	case 'n':
		n.kind = 'n'
		err = t.word("null")
	default:
		n.kind = '0'
		n.text, err = t.number()
	}
	return n, err
}

func (t *tree) word(w string) error {
	rest := t.text[t.at:]
	switch {
	case strings.HasPrefix(rest, w):
		t.at += len(w)
		return nil
	case strings.HasPrefix(w, rest):
		return errCut
	}
	return errSyntax
}

// number reads a number, and returns it as it is written.
func (t *tree) number() (string, error) {
	from := t.at
	t.pass("-")
	switch {
	case t.pass("0"):
	case t.digits() == 0:
		return "", t.stopped()
	}
	if t.pass(".") && t.digits() == 0 {
		return "", t.stopped()
	}
	if t.pass("eE") {
		t.pass("+-")
		if t.digits() == 0 {
			return "", t.stopped()
		}
	}
	return t.text[from:t.at], nil
}

// pass takes a byte that is one of any.
func (t *tree) pass(any string) bool {
	if t.at < len(t.text) && strings.IndexByte(any, t.text[t.at]) >= 0 {
		t.at++
		return true
	}
	return false
}

func (t *tree) digits() int {
	from := t.at
	for t.at < len(t.text) && t.text[t.at]-'0' < 10 {
		t.at++
	}
	return t.at - from
}

// stopped is what is wrong where no more could be read.
func (t *tree) stopped() error {
	if t.at == len(t.text) {
		return errCut
	}
	return errSyntax
}

// quoted reads a string that begins here.
func (t *tree) quoted() (string, error) {
	from := t.at
	for t.at++; t.at < len(t.text); t.at++ {
		switch c := t.text[t.at]; {
		case c == '"':
			t.at++
			return t.text[from+1 : t.at-1], nil
		case c == '\\':
			return t.escaped(from)
		case c < ' ':
			return "", errSyntax
		}
	}
	return "", errCut
}

// escaped reads a string that has escapes. How they read is left to the standard
// library.
func (t *tree) escaped(from int) (string, error) {
	for ; t.at < len(t.text); t.at++ {
		switch t.text[t.at] {
		case '\\':
			t.at++
		case '"':
			t.at++
			var out string
			if json.Unmarshal([]byte(t.text[from:t.at]), &out) != nil {
				return "", errSyntax
			}
			return out, nil
		}
	}
	t.at = len(t.text)
	return "", errCut
}

func (t *tree) object(n *node, depth int) error {
	var names map[string]bool // of a large one; a small one is searched
	for first := true; ; first = false {
		if done, err := t.ends('}', first); done || err != nil {
			return err
		}
		if c, err := t.next(); err != nil || c != '"' {
			return errors.Join(err, t.stopped())
		}
		name, err := t.quoted()
		if err == nil && len(name) > maxName {
			err = errName
		}
		if err != nil {
			return err
		}
		if len(n.within) == 16 {
			names = make(map[string]bool, 32)
			for _, m := range n.within {
				names[m.name] = true
			}
		}
		if names[name] || names == nil && n.get(name) != nil {
			return duplicate{int64(t.at)}
		}
		if names != nil {
			names[name] = true
		}
		if t.space(); !t.pass(":") {
			return t.stopped()
		}
		v, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		n.within = append(n.within, member{name, v})
	}
}

func (t *tree) array(n *node, depth int) error {
	for first := true; ; first = false {
		if done, err := t.ends(']', first); done || err != nil {
			return err
		}
		v, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		n.within = append(n.within, member{value: v})
	}
}

// ends takes the end of an object or array, or the comma before what is next.
func (t *tree) ends(with byte, first bool) (bool, error) {
	c, err := t.next()
	switch {
	case err != nil:
		return false, err
	case c == with:
		t.at++
		return true, nil
	case first:
		return false, nil
	case c == ',':
		t.at++
		return false, nil
	}
	return false, errSyntax
}
