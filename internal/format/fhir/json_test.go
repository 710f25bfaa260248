package fhir

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// plain is a value as encoding/json would have it.
func (n *node) plain() any {
	switch n.kind {
	case '{':
		out := map[string]any{}
		for i := range n.within {
			out[n.within[i].name] = n.within[i].value.plain()
		}
		return out
	case '[':
		out := []any{}
		for i := range n.within {
			out = append(out, n.within[i].value.plain())
		}
		return out
	case '"':
		return n.text
	case '0':
		return json.Number(n.text)
	case 't':
		return n.text == "true"
	}
	return nil
}

// FuzzParse holds our reading of JSON against encoding/json's: what we take it takes,
// with the same values and the same extents, and what it takes we refuse for our own
// reasons only.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,-0.5e+3,true,false,null,"x"]}`, `{"a":"\u00e9\ud83d\ude00\ud800\n\"\\"}`, ` { "a" : { } , "b" : [ ] } `,
		`{"a":1,}`, `{"a":[1,]}`, `{"a":01}`, `{"a":1.}`, `{"a":1e}`, `{"a":-}`, `{"a":tru`, `{"a":trux}`, `{"a":"\x"}`, `{"a":"` + "\t" + `"}`,
		`{"a":1,"a":2}`, `{"a":1}x`, `{"a":1}{}`, `{,}`, `{"a"}`, `{"a":"`, `{"a":"\`, `[]`, `"a"`, ``, `{"a":"\u12"}`,
		`{"a":` + string(bytes.Repeat([]byte("["), 70)) + `1`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, issue := parse(raw)
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var want any
		theirs := json.Valid(raw) && dec.Decode(&want) == nil
		if issue == nil {
			if !theirs {
				t.Fatalf("we take %q", raw)
			}
			if got := n.plain(); !reflect.DeepEqual(got, want) {
				t.Fatalf("%q: %v, want %v", raw, got, want)
			}
			extents(t, raw, n)
			return
		}
		if _, object := want.(map[string]any); theirs && object && issue.Why[:5] == "no JS" {
			t.Fatalf("we refuse %q: %s", raw, issue.Why)
		}
	})
}

// extents: where an object or array is said to be, it is.
func extents(t *testing.T, raw []byte, n *node) {
	if n.kind == '{' || n.kind == '[' {
		dec := json.NewDecoder(bytes.NewReader(raw[n.start:n.end]))
		dec.UseNumber()
		var got any
		if err := dec.Decode(&got); err != nil || dec.More() || !reflect.DeepEqual(got, n.plain()) {
			t.Fatalf("%q is not at %d to %d: %v", raw, n.start, n.end, err)
		}
	}
	for i := range n.within {
		extents(t, raw, &n.within[i].value)
	}
}
