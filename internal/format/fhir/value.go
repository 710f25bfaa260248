package fhir

import (
	"bytes"
	"iter"
)

// Value is what stands at a place of a resource, or nothing. Its zero value is
// nothing, and has nothing within.
type Value struct{ n *node }

// Get returns a member of the resource.
func (r *Resource) Get(name string) Value { return Value{r.root}.Get(name) }

// Get returns a member of an object.
func (v Value) Get(name string) Value {
	if v.n == nil || v.n.kind != '{' {
		return Value{}
	}
	return Value{v.n.get(name)}
}

// Is reports whether anything stands there.
func (v Value) Is() bool { return v.n != nil && v.n.kind != 'n' }

// Text returns a text, number or truth value as it was written; "" for all else.
func (v Value) Text() string {
	if v.n == nil {
		return ""
	}
	return v.n.text
}

// Each yields the items of a list, or what stands there alone.
func (v Value) Each() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		switch {
		case !v.Is():
		case v.n.kind != '[':
			yield(v)
		default:
			for i := range v.n.within {
				if !yield(Value{&v.n.within[i].value}) {
					return
				}
			}
		}
	}
}

// First is the first of Each.
func (v Value) First() Value {
	for one := range v.Each() {
		return one
	}
	return Value{}
}

// Coding is a code and whose it is.
type Coding struct{ System, Code string }

// Codings yields the codings of a CodeableConcept, of a Coding, or of a list of
// either.
func (v Value) Codings() iter.Seq[Coding] {
	return func(yield func(Coding) bool) {
		for concept := range v.Each() {
			list := concept.Get("coding")
			if !list.Is() {
				list = concept
			}
			for c := range list.Each() {
				one := Coding{c.Get("system").Text(), c.Get("code").Text()}
				if one.Code != "" && !yield(one) {
					return
				}
			}
		}
	}
}

// Attachment is a document that stands in a resource.
type Attachment struct {
	Place       string // of its data, in what was read: Bundle.entry[5].resource.content[0].attachment.data
	ContentType string
	Data        string // base64
}

// Attachments returns the documents that stand in a resource, wherever that is: what has
// data and a content type beside it.
func (r *Resource) Attachments() (out []Attachment) {
	if !bytes.Contains(r.Raw, []byte(`"data"`)) {
		return nil
	}
	var find func(n *node, at *spot)
	find = func(n *node, at *spot) {
		if data, media := n.get("data"), n.get("contentType"); data != nil && data.kind == '"' && (media != nil || n == r.root && r.Type == "Binary") {
			a := Attachment{Place: (&spot{up: at, name: "data"}).String(), Data: data.text}
			if media != nil {
				a.ContentType = media.text
			}
			out = append(out, a)
		}
		for i := range n.within {
			if m := &n.within[i]; len(m.value.within) > 0 {
				find(&m.value, &spot{up: at, name: m.name, item: i})
			}
		}
	}
	find(r.root, r.at)
	return out
}
