package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// ErrStored: bytes that Store has not written.
var ErrStored = errors.New("fhir: no stored resource")

// Store writes a resource as it is kept: compact, without its id and what a server
// says of its versions (meta.versionId, meta.lastUpdated), which Stamp puts back.
// Members keep their order but for the first two. target says, for each literal
// reference and URL of an attachment, what it shall be; it may be nil.
func (r *Resource) Store(target func(string) string) []byte {
	if target == nil {
		target = func(s string) string { return s }
	}
	w := writer{target: target, out: make([]byte, 0, len(r.Raw))}
	w.out = append(w.out, `{"resourceType":`...)
	w.text(r.Type)
	w.out = append(w.out, `,"meta":{`...)
	if meta := r.root.get("meta"); meta != nil {
		w.members(meta, func(name string) bool { return name != "versionId" && name != "lastUpdated" })
	}
	w.out = append(w.out, '}')
	if w.some(r.root, rest) {
		w.out = append(w.out, ',')
		w.members(r.root, rest)
	}
	return append(w.out, '}')
}

func rest(name string) bool { return name != "resourceType" && name != "meta" && name != "id" }

// Stamp writes a stored resource with its id, its version and when that was entered
// (FHIR R4 §2.27.3); ErrStored.
func Stamp(stored []byte, id, version string, at time.Time) ([]byte, error) {
	const meta = `,"meta":{`
	i := bytes.Index(stored, []byte(meta))
	if i < 0 || !bytes.HasPrefix(stored, []byte(`{"resourceType":"`)) {
		return nil, ErrStored
	}
	within := stored[i+len(meta):]
	out := append(make([]byte, 0, len(stored)+128), stored[:i]...)
	out = append(out, `,"id":"`+id+`","meta":{"versionId":"`+version+`","lastUpdated":"`+at.UTC().Format("2006-01-02T15:04:05.000Z")+`"`...)
	if len(within) > 0 && within[0] != '}' {
		out = append(out, ',')
	}
	return append(out, within...), nil
}

// writer writes a tree back.
type writer struct {
	out    []byte
	target func(string) string
}

func (w *writer) value(n *node, name string) {
	switch n.kind {
	case '{':
		w.out = append(w.out, '{')
		w.members(n, func(string) bool { return true })
		w.out = append(w.out, '}')
	case '[':
		w.out = append(w.out, '[')
		for i := range n.within {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.value(&n.within[i].value, "")
		}
		w.out = append(w.out, ']')
	case '"':
		text := n.text
		if name == "reference" || name == "url" {
			text = w.target(text)
		}
		w.text(text)
	case 'n':
		w.out = append(w.out, "null"...)
	default:
		w.out = append(w.out, n.text...)
	}
}

func (w *writer) some(n *node, keep func(name string) bool) bool {
	for i := range n.within {
		if keep(n.within[i].name) {
			return true
		}
	}
	return false
}

func (w *writer) members(n *node, keep func(name string) bool) {
	first := true
	for i := range n.within {
		m := &n.within[i]
		if !keep(m.name) {
			continue
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.text(m.name)
		w.out = append(w.out, ':')
		w.value(&m.value, m.name)
	}
}

// text writes a string; most need no escape.
func (w *writer) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			w.escaped(s)
			return
		}
	}
	w.out = append(append(append(w.out, '"'), s...), '"')
}

func (w *writer) escaped(s string) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // strings always encode
		panic(err)
	}
	w.out = append(w.out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
