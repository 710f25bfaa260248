package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// node is one JSON value, its members in order.
type node struct {
	kind       byte // { [ " 0 t n
	text       string
	members    []member
	items      []node
	start, end int64 // in the raw text
}

type member struct {
	name  string
	value node
}

func (n *node) get(name string) *node {
	for i := range n.members {
		if n.members[i].name == name {
			return &n.members[i].value
		}
	}
	return nil
}

// tree reads JSON (RFC 8259) strictly: UTF-8, no name twice in an object, bounded
// depth.
type tree struct {
	dec *json.Decoder
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
	t := &tree{json.NewDecoder(bytes.NewReader(raw))}
	t.dec.UseNumber()
	n, err := t.value(0)
	if err == nil {
		if _, more := t.dec.Token(); more != io.EOF {
			err = errors.New("something follows its end")
		}
	}
	var bad duplicate
	switch {
	case errors.As(err, &bad):
		return nil, fail("structure", fmt.Sprintf("byte %d: an object names a member twice", bad.at))
	case errors.Is(err, errDeep):
		return nil, fail("too-long", fmt.Sprintf("it is nested deeper than %d", maxDepth))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fail("structure", "the text ends before the JSON does: it was cut")
	case err != nil:
		return nil, fail("structure", fmt.Sprintf("no JSON, near byte %d", t.dec.InputOffset()))
	case n.kind != '{':
		return nil, fail("structure", "a resource is a JSON object")
	}
	return &n, nil
}

type duplicate struct{ at int64 }

func (duplicate) Error() string { return "a member twice" }

var errDeep = errors.New("too deep")

func (t *tree) value(depth int) (n node, err error) {
	if depth > maxDepth {
		return n, errDeep
	}
	tok, err := t.dec.Token()
	if err != nil {
		return n, err
	}
	switch v := tok.(type) {
	case json.Delim:
		n.kind, n.start = byte(v), t.dec.InputOffset()-1
		if v == '{' {
			err = t.object(&n, depth)
		} else {
			err = t.array(&n, depth)
		}
		n.end = t.dec.InputOffset()
	case string:
		n.kind, n.text = '"', v
	case json.Number:
		n.kind, n.text = '0', v.String()
	case bool:
		n.kind, n.text = 't', fmt.Sprint(v)
	case nil:
		n.kind = 'n'
	}
	return n, err
}

func (t *tree) object(n *node, depth int) error {
	var names map[string]bool // of a large one; a small one is searched
	for t.dec.More() {
		tok, err := t.dec.Token()
		if err != nil {
			return err
		}
		name, ok := tok.(string)
		if !ok {
			return errors.New("no name")
		}
		if len(n.members) == 16 {
			names = make(map[string]bool, 32)
			for _, m := range n.members {
				names[m.name] = true
			}
		}
		if names[name] || names == nil && n.get(name) != nil {
			return duplicate{t.dec.InputOffset()}
		}
		if names != nil {
			names[name] = true
		}
		v, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, v})
	}
	_, err := t.dec.Token()
	return err
}

func (t *tree) array(n *node, depth int) error {
	for t.dec.More() {
		v, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, v)
	}
	_, err := t.dec.Token()
	return err
}
