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
	issues []Issue
}

func (c *check) full() bool { return len(c.issues) >= maxIssues }

func (c *check) fail(place, code, why string) {
	if !c.full() {
		c.issues = append(c.issues, Issue{code, place, why})
	}
}

// resource checks one, wherever it stands. Its place is its type at the top.
func (c *check) resource(n *node, place, within string) *Resource {
	if n.kind != '{' {
		c.fail(place, "structure", "a resource is a JSON object")
		return nil
	}
	typ := n.get("resourceType")
	if typ == nil || typ.kind != '"' || !resources[typ.text] {
		c.fail(strings.TrimPrefix(place+".resourceType", "."), "structure", "resourceType must name a resource of FHIR R4")
		return nil
	}
	r := &Resource{Type: typ.text, Raw: c.raw[n.start:n.end], root: n}
	if place == "" {
		place = r.Type
	}
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
	w.contained(place)
	return r
}

// bundle checks a bundle: its entries, and what they say of each other.
func (c *check) bundle(n *node, r *Resource, place string) {
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
	for i := range entries.items {
		at := fmt.Sprintf("%s.entry[%d]", place, i)
		e := Entry{}
		in := &entries.items[i]
		if u := in.get("fullUrl"); u != nil && u.kind == '"' {
			if e.FullURL = u.text; urls[u.text] && r.Kind != "history" {
				c.fail(at+".fullUrl", "duplicate", "another entry has the same fullUrl")
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
			c.fail(at+".request", "required", "each entry of a transaction or batch says what is asked for")
		}
		if inner := in.get("resource"); inner != nil {
			e.Resource = c.resource(inner, at+".resource", "Bundle")
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
				c.fail(ref.Place, "not-found", "the reference points to nothing in the bundle")
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
func (w *walk) object(n *node, k *kind, place string, top bool) {
	if w.full() {
		return
	}
	if n.kind != '{' {
		w.fail(place, "structure", "a JSON object must stand here")
		return
	}
	if len(n.members) == 0 || top && len(n.members) == 1 {
		w.fail(place, "structure", "an object without members: leave it out")
	}
	for i := range n.members {
		m := &n.members[i]
		at := place + "." + m.name
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
			w.fail(place+"."+e.name, "required", "a required element is missing")
		}
	}
	w.choices(n, k, place)
}

// choices finds a choice that is made twice.
func (w *walk) choices(n *node, k *kind, place string) {
	made := map[string]bool{}
	for _, m := range n.members {
		if e := k.elements[m.name]; e != nil && len(e.names) > 1 {
			if made[e.name] {
				w.fail(place+"."+e.name, "structure", "of these elements only one may be there")
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
func (w *walk) element(n *node, e *element, place string) {
	if !e.list {
		if n.kind == '[' {
			w.fail(place, "structure", "this element does not repeat: no list")
			return
		}
		w.value(n, e, place)
		return
	}
	if n.kind != '[' || len(n.items) == 0 {
		w.fail(place, "structure", "this element repeats: a list of at least one")
		return
	}
	for i := range n.items {
		if primitives[e.typ] != nil && n.items[i].kind == 'n' {
			continue // its extension stands beside
		}
		w.value(&n.items[i], e, fmt.Sprintf("%s[%d]", place, i))
	}
}

func (w *walk) value(n *node, e *element, place string) {
	p := primitives[e.typ]
	switch {
	case p != nil:
		w.simple(n, e, p, place)
	case e.typ == "Resource":
		w.inner(n, place)
	case w.schema[e.typ] != nil:
		w.object(n, w.schema[e.typ], place, false)
		if e.typ == "Reference" {
			w.reference(n, place)
		}
	case n.kind != '{':
		w.fail(place, "structure", "a JSON object must stand here")
	default:
		w.anything(n, place)
	}
}

func (w *walk) simple(n *node, e *element, p *primitive, place string) {
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

func (w *walk) reference(n *node, place string) {
	if t := n.get("reference"); t != nil && t.kind == '"' {
		w.r.References = append(w.r.References, Reference{place, t.text})
	}
}

// inner checks a resource inside another: contained, or a bundle's, which bundle
// walks itself.
func (w *walk) inner(n *node, place string) {
	if w.r.Type == "Bundle" {
		return
	}
	inner := w.check.resource(n, place, w.r.Type)
	if inner == nil {
		return
	}
	if inner.ID == "" {
		w.fail(place+".id", "required", "a contained resource has an id")
	}
	w.inside = append(w.inside, inner.ID)
	w.r.References = append(w.r.References, inner.References...)
}

// contained finds references to contained resources that are not there.
func (w *walk) contained(place string) {
	for _, ref := range w.r.References {
		if id, ok := strings.CutPrefix(ref.Target, "#"); ok && id != "" && strings.HasPrefix(ref.Place, place) && !slices.Contains(w.inside, id) && len(w.inside) > 0 {
			w.fail(ref.Place, "not-found", "the reference points to no contained resource")
		}
	}
}

// anything walks what no type is known of: no empty object or list, and references
// wherever they stand.
func (w *walk) anything(n *node, place string) {
	if w.full() {
		return
	}
	switch n.kind {
	case '{':
		if len(n.members) == 0 {
			w.fail(place, "structure", "an object without members: leave it out")
		}
		w.reference(n, place)
		for i := range n.members {
			w.anything(&n.members[i].value, place+"."+n.members[i].name)
		}
	case '[':
		if len(n.items) == 0 {
			w.fail(place, "structure", "a list without items: leave it out")
		}
		for i := range n.items {
			w.anything(&n.items[i], fmt.Sprintf("%s[%d]", place, i))
		}
	case '"':
		if n.text == "" {
			w.fail(place, "value", "an empty text: leave it out")
		}
	}
}
