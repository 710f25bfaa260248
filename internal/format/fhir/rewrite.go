package fhir

// Edit says how a resource is written otherwise. What it does not name stays as it is, in
// its order.
type Edit struct {
	// Text says of a text at a place, such as Patient.name.given, without positions in
	// lists, what stands there instead. False takes its member away, unless nothing else
	// is in that object, which FHIR has none of. It may be nil.
	Text func(place, text string) (string, bool)
	// Source becomes meta.source where there is none; "" adds none.
	Source string
	// Tag is added to meta.tag; a zero one adds none.
	Tag Coding
}

// Rewrite writes a resource as e says. It fails with *Invalid for what is no JSON object.
func Rewrite(raw []byte, e Edit) ([]byte, error) {
	root, issue := parse(raw)
	if issue != nil {
		return nil, &Invalid{Issues: []Issue{*issue}}
	}
	typ := Value{root}.Get("resourceType").Text()
	if e.Text != nil {
		e.walk(root, typ)
	}
	e.meta(root)
	w := writer{target: func(s string) string { return s }, out: make([]byte, 0, len(raw)+128)}
	w.value(root, "")
	return w.out, nil
}

// walk edits what is within n, and reports whether n itself stays.
func (e *Edit) walk(n *node, place string) (keep bool) {
	switch n.kind {
	case '"':
		n.text, keep = e.Text(place, n.text)
		return keep
	case '[':
		for i := range n.within {
			item := &n.within[i].value
			if was := *item; !e.walk(item, place) {
				*item = was // an item has its place
			}
		}
	case '{':
		kept := n.within[:0]
		for i := range n.within {
			m := n.within[i]
			was := m.value
			if !e.walk(&m.value, place+"."+m.name) {
				if i < len(n.within)-1 || len(kept) > 0 {
					continue
				}
				m.value = was
			}
			kept = append(kept, m)
		}
		n.within = kept
	}
	return true
}

// meta adds source and tag.
func (e *Edit) meta(root *node) {
	if e.Source == "" && e.Tag == (Coding{}) {
		return
	}
	meta := root.get("meta")
	if meta == nil || meta.kind != '{' {
		root.within = append(root.within, member{"meta", node{kind: '{'}})
		meta = root.get("meta")
	}
	if e.Source != "" && meta.get("source") == nil {
		meta.within = append(meta.within, member{"source", node{kind: '"', text: e.Source}})
	}
	if e.Tag == (Coding{}) {
		return
	}
	tag := node{kind: '{', within: []member{{"system", node{kind: '"', text: e.Tag.System}}, {"code", node{kind: '"', text: e.Tag.Code}}}}
	list := meta.get("tag")
	if list == nil || list.kind != '[' {
		meta.within = append(meta.within, member{"tag", node{kind: '[', within: []member{{value: tag}}}})
		return
	}
	list.within = append(list.within, member{value: tag})
}

// Parse reads a resource without holding it against the standard: one that was, and is
// stored. It fails with *Invalid for what is no JSON object.
func Parse(raw []byte) (*Resource, error) {
	root, issue := parse(raw)
	if issue != nil {
		return nil, &Invalid{Issues: []Issue{*issue}}
	}
	v := Value{root}
	return &Resource{Type: v.Get("resourceType").Text(), ID: v.Get("id").Text(), Raw: raw, root: root}, nil
}
