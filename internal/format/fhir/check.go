package fhir

import (
	"fmt"
	"slices"
	"strings"
)

// check holds a tree against the schema, collecting what is wrong.
type check struct {
	schema schema
	raw    []byte
	root   *node
	issues []Issue
}

func (c *check) full() bool { return len(c.issues) >= maxIssues }

func (c *check) fail(at *spot, code, why string) {
	if !c.full() {
		c.issues = append(c.issues, Issue{code, at.String(), why})
	}
}

// spot is a place on the way down, written out where somebody is told of it: nearly
// nobody ever is.
type spot struct {
	up   *spot
	name string // of a member; empty for an item of a list
	item int
}

// spotAt is the place of the object that begins at a byte of the text.
func spotAt(root *node, at uint32) *spot {
	out := &spot{name: root.get("resourceType").text}
	for n := root; n.start != at; {
		next := slices.IndexFunc(n.within, func(m member) bool { return m.value.start <= at && at < m.value.end })
		if next < 0 {
			break
		}
		out = &spot{up: out, name: n.within[next].name, item: next}
		n = &n.within[next].value
	}
	return out
}

// String writes a place as FHIRPath does: Bundle.entry[3].resource.birthDate.
func (s *spot) String() string {
	var all []*spot
	for ; s != nil; s = s.up {
		all = append(all, s)
	}
	var b strings.Builder
	for _, one := range slices.Backward(all) {
		switch {
		case one.name == "":
			fmt.Fprintf(&b, "[%d]", one.item)
		case b.Len() > 0:
			b.WriteString("." + one.name)
		default:
			b.WriteString(one.name)
		}
	}
	return b.String()
}

// resource checks one, wherever it stands. Its place is its type at the top.
func (c *check) resource(n *node, place *spot, within string) *Resource {
	if n.kind != '{' {
		c.fail(place, "structure", "a resource is a JSON object")
		return nil
	}
	typ := n.get("resourceType")
	if typ == nil || typ.kind != '"' || !resources[typ.text] {
		c.fail(&spot{up: place, name: "resourceType"}, "structure", "resourceType must name a resource of FHIR R4")
		return nil
	}
	r := &Resource{Type: typ.text, Raw: c.raw[n.start:n.end], root: n}
	if place == nil {
		place = &spot{name: r.Type}
	}
	r.at = place
	if id := n.get("id"); id != nil {
		r.ID = id.text
	}
	if r.Type == "Bundle" {
		if within != "" {
			c.fail(place, "structure", "a bundle within a resource")
			return nil
		}
		c.bundle(n, r, place)
		return r
	}
	w := &walk{check: c, r: r}
	w.object(n, c.schema[r.Type], place, true)
	if !c.schema.kept(r.Type) {
		return r
	}
	w.contained(n)
	return r
}

// bundle checks a bundle: its entries, and what they say of each other.
func (c *check) bundle(n *node, r *Resource, place *spot) {
	w := &walk{check: c, r: r}
	w.object(n, c.schema["Bundle"], place, true)
	if t := n.get("type"); t != nil {
		r.Kind = t.text
	}
	urls := map[string]bool{}
	entries := n.get("entry")
	if entries == nil {
		return
	}
	for i := range entries.within {
		at := &spot{up: &spot{up: place, name: "entry"}, item: i}
		e := Entry{}
		in := &entries.within[i].value
		if u := in.get("fullUrl"); u != nil && u.kind == '"' {
			if e.FullURL = u.text; urls[u.text] && r.Kind != "history" {
				c.fail(&spot{up: at, name: "fullUrl"}, "duplicate", "another entry has the same fullUrl")
			}
			urls[u.text] = true
		}
		if q := in.get("request"); q != nil {
			if m := q.get("method"); m != nil {
				e.Method = m.text
			}
			if u := q.get("url"); u != nil {
				e.URL = u.text
			}
		} else if r.Kind == "transaction" || r.Kind == "batch" {
			c.fail(&spot{up: at, name: "request"}, "required", "each entry of a transaction or batch says what is asked for")
		}
		if inner := in.get("resource"); inner != nil {
			e.Resource = c.resource(inner, &spot{up: at, name: "resource"}, "Bundle")
		}
		r.Entries = append(r.Entries, e)
		if c.full() {
			return
		}
	}
	for _, e := range r.Entries {
		if e.Resource == nil {
			continue
		}
		for _, ref := range e.Resource.References {
			if strings.HasPrefix(ref.Target, "urn:") && !urls[ref.Target] {
				c.fail(spotAt(c.root, ref.at), "not-found", "the reference points to nothing in the bundle")
			}
		}
	}
}

// walk is the way through one resource.
type walk struct {
	*check
	r      *Resource
	inside []string // ids of contained resources
}

// object checks an object against a type; with none, against what all have.
func (w *walk) object(n *node, k *kind, place *spot, top bool) {
	if w.full() {
		return
	}
	if n.kind != '{' {
		w.fail(place, "structure", "a JSON object must stand here")
		return
	}
	if len(n.within) == 0 || top && len(n.within) == 1 {
		w.fail(place, "structure", "an object without members: leave it out")
	}
	for i := range n.within {
		m := &n.within[i]
		at := &spot{up: place, name: m.name}
		switch e := w.known(k, m.name, top); {
		case e != nil:
			w.element(&m.value, e, at)
		case m.name == "resourceType" && top:
		case strings.HasPrefix(m.name, "_") && w.primitive(k, m.name[1:], top):
			w.anything(&m.value, at)
		case k == nil:
			w.anything(&m.value, at)
		default:
			w.fail(at, "structure", "FHIR R4 has no such element here")
		}
	}
	if k == nil {
		return
	}
	for _, e := range k.required {
		if !slices.ContainsFunc(e.names, func(name string) bool { return n.get(name) != nil || n.get("_"+name) != nil }) {
			w.fail(&spot{up: place, name: e.name}, "required", "a required element is missing")
		}
	}
	w.choices(n, k, place)
}

// choices finds a choice that is made twice.
func (w *walk) choices(n *node, k *kind, place *spot) {
	made := map[string]bool{}
	for _, m := range n.within {
		if e := k.elements[m.name]; e != nil && len(e.names) > 1 {
			if made[e.name] {
				w.fail(&spot{up: place, name: e.name}, "structure", "of these elements only one may be there")
			}
			made[e.name] = true
		}
	}
}

// base are the elements that every type has, and those of resources.
func base(name string, top bool) *element {
	switch name {
	case "extension", "modifierExtension":
		return &element{name: name, typ: "Extension", list: true}
	case "id":
		if top {
			return &element{name: name, typ: "id"}
		}
		return &element{name: name, typ: "string"}
	}
	if !top {
		return nil
	}
	switch name {
	case "meta":
		return &element{name: name, typ: "Meta"}
	case "implicitRules":
		return &element{name: name, typ: "uri"}
	case "language":
		return &element{name: name, typ: "code"}
	case "text":
		return &element{name: name, typ: "Narrative"}
	case "contained":
		return &element{name: name, typ: "Resource", list: true}
	}
	return nil
}

func (w *walk) known(k *kind, name string, top bool) *element {
	if k != nil {
		if e := k.elements[name]; e != nil {
			return e
		}
	}
	return base(name, top)
}

func (w *walk) primitive(k *kind, name string, top bool) bool {
	e := w.known(k, name, top)
	return e != nil && primitives[e.typ] != nil || k == nil
}

// element checks one element's value or values.
func (w *walk) element(n *node, e *element, place *spot) {
	if !e.list {
		if n.kind == '[' {
			w.fail(place, "structure", "this element does not repeat: no list")
			return
		}
		w.value(n, e, place)
		return
	}
	if n.kind != '[' || len(n.within) == 0 {
		w.fail(place, "structure", "this element repeats: a list of at least one")
		return
	}
	for i := range n.within {
		if primitives[e.typ] != nil && n.within[i].value.kind == 'n' {
			continue // its extension stands beside
		}
		w.value(&n.within[i].value, e, &spot{up: place, item: i})
	}
}

func (w *walk) value(n *node, e *element, place *spot) {
	p := primitives[e.typ]
	switch {
	case p != nil:
		w.simple(n, e, p, place)
	case e.typ == "Resource":
		w.inner(n, place)
	case w.schema[e.typ] != nil:
		w.object(n, w.schema[e.typ], place, false)
		if e.typ == "Reference" {
			w.reference(n)
		}
	case n.kind != '{':
		w.fail(place, "structure", "a JSON object must stand here")
	default:
		w.anything(n, place)
	}
}

func (w *walk) simple(n *node, e *element, p *primitive, place *spot) {
	if n.kind != p.kind || !p.ok(n.text) {
		w.fail(place, "value", "it must be "+p.want)
		return
	}
	if e.codes != nil && !slices.Contains(e.codes, n.text) {
		w.fail(place, "code-invalid", "the code must be one of "+strings.Join(e.codes, ", "))
	}
	if e.typ == "xhtml" {
		if why := narrative(n.text); why != "" {
			w.fail(place, "invalid", why)
		}
	}
}

func (w *walk) reference(n *node) {
	if t := n.get("reference"); t != nil && t.kind == '"' {
		w.r.References = append(w.r.References, Reference{t.text, n.start})
	}
}

// inner checks a resource inside another: contained, or a bundle's, which bundle
// walks itself.
func (w *walk) inner(n *node, place *spot) {
	if w.r.Type == "Bundle" {
		return
	}
	inner := w.check.resource(n, place, w.r.Type)
	if inner == nil {
		return
	}
	if inner.ID == "" {
		w.fail(&spot{up: place, name: "id"}, "required", "a contained resource has an id")
	}
	w.inside = append(w.inside, inner.ID)
	w.r.References = append(w.r.References, inner.References...)
}

// contained finds references to contained resources that are not there.
func (w *walk) contained(n *node) {
	if len(w.inside) == 0 {
		return
	}
	for _, ref := range w.r.References {
		if id, ok := strings.CutPrefix(ref.Target, "#"); ok && id != "" && n.start <= ref.at && ref.at < n.end && !slices.Contains(w.inside, id) {
			w.fail(spotAt(w.root, ref.at), "not-found", "the reference points to no contained resource")
		}
	}
}

// anything walks what no type is known of: no empty object or list, and references
// wherever they stand.
func (w *walk) anything(n *node, place *spot) {
	if w.full() {
		return
	}
	switch n.kind {
	case '{':
		if len(n.within) == 0 {
			w.fail(place, "structure", "an object without members: leave it out")
		}
		w.reference(n)
		for i := range n.within {
			w.anything(&n.within[i].value, &spot{up: place, name: n.within[i].name})
		}
	case '[':
		if len(n.within) == 0 {
			w.fail(place, "structure", "a list without items: leave it out")
		}
		for i := range n.within {
			w.anything(&n.within[i].value, &spot{up: place, item: i})
		}
	case '"':
		if n.text == "" {
			w.fail(place, "value", "an empty text: leave it out")
		}
	}
}
