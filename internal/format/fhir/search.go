package fhir

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of a search. None repeats what was asked for: it may be somebody's health.
var (
	ErrParameter = fault.New(fault.Invalid, "the search has a parameter that this type is not searched by: see the CapabilityStatement")
	ErrModifier  = fault.New(fault.Invalid, "search parameters are taken without modifiers, as code and not code:in")
	ErrToken     = fault.New(fault.Invalid, "a code is searched as code, system|code, |code or system|")
	ErrDate      = fault.New(fault.Invalid, "a date is searched as YYYY, YYYY-MM, YYYY-MM-DD or with a time and its zone, after eq, ne, gt, lt, ge, le, sa or eb")
	ErrPage      = fault.New(fault.Invalid, "_count is a whole number from 0 to 1000, _offset one from 0")
	ErrSearch    = fault.New(fault.Invalid, "a search has at most 16 parameters of 16 values of 256 bytes")
)

// Bounds of one search.
const (
	maxParameters = 16
	maxValues     = 16
	maxValue      = 256
	maxCount      = 1000
	defaultCount  = 100
)

// parameter is one that a type is searched by: a token or a date, and where it stands
// in the resource. Names of elements that end in * are choices.
type parameter struct {
	date  bool
	paths []string
}

func token(paths ...string) parameter { return parameter{paths: paths} }
func dated(paths ...string) parameter { return parameter{date: true, paths: paths} }

// everywhere are the parameters of all types.
func everywhere(name string) (parameter, bool) {
	switch name {
	case "_id":
		return token("id"), true
	case "_lastUpdated":
		return dated("meta.lastUpdated"), true
	}
	return parameter{}, false
}

// parameterOf returns how a type is searched by a name. Besides the standard's names,
// which differ from type to type, each type has code, date, category and status for
// what is that of it.
func parameterOf(typ, name string) (parameter, bool) {
	if p, ok := everywhere(name); ok {
		return p, true
	}
	p, ok := searchable[typ][name]
	if !ok && searchable[typ] == nil { // a type that is kept as it came
		p, ok = searchable[""][name]
	}
	return p, ok
}

var searchable = map[string]map[string]parameter{
	"": {"code": token("code"), "status": token("status"), "category": token("category")},
	"Observation": {
		"code": token("code"), "category": token("category"), "status": token("status"), "date": dated("effective*"),
	},
	"DiagnosticReport": {
		"code": token("code"), "category": token("category"), "status": token("status"), "date": dated("effective*"), "issued": dated("issued"),
	},
	"Immunization": {
		"code": token("vaccineCode"), "vaccine-code": token("vaccineCode"), "status": token("status"), "date": dated("occurrence*"),
		"category": token("programEligibility"), "lot-number": token("lotNumber"),
	},
	"DocumentReference": {
		"code": token("type"), "type": token("type"), "category": token("category"), "status": token("status"), "date": dated("date"),
	},
	"ImagingStudy": {
		"code": token("procedureCode"), "category": token("modality"), "modality": token("modality", "series.modality"),
		"status": token("status"), "date": dated("started"), "started": dated("started"),
	},
	"Encounter": {
		"code": token("type"), "type": token("type"), "category": token("class"), "class": token("class"), "status": token("status"), "date": dated("period"),
	},
	"Condition": {
		"code": token("code"), "category": token("category"), "status": token("clinicalStatus"), "clinical-status": token("clinicalStatus"),
		"date": dated("recordedDate", "onset*"), "recorded-date": dated("recordedDate"), "onset-date": dated("onset*"),
	},
	"Consent":    {"code": token("scope"), "category": token("category"), "status": token("status"), "date": dated("dateTime")},
	"Provenance": {"code": token("activity"), "date": dated("recorded")},
	"Procedure":  {"code": token("code"), "category": token("category"), "status": token("status"), "date": dated("performed*")},
}

// Searches returns the names by which a type is searched and which of them are dates,
// in order.
func Searches(typ string) (names []string, dates map[string]bool) {
	dates = map[string]bool{"_lastUpdated": true}
	names = []string{"_id", "_lastUpdated"}
	of := searchable[typ]
	if of == nil {
		of = searchable[""]
	}
	for name, p := range of {
		names = append(names, name)
		if p.date {
			dates[name] = true
		}
	}
	slices.Sort(names)
	return names, dates
}

// Query is a search within one type, read. The zero Query finds everything.
type Query struct {
	Count, Offset int // of a page
	wants         []want
}

// want is one parameter with its values, one of which must be there.
type want struct {
	parameter
	tokens []coded
	spans  []compared
}

// ParseQuery reads the parameters of a search within one type: all must hold, and of
// one parameter's values, set apart by commas, any. What it does not know it refuses:
// to pass over it would answer another question (FHIR R4 §3.1.1.4.2 leaves that to
// the server). _format is for who serves.
func ParseQuery(typ string, values url.Values) (Query, error) {
	q := Query{Count: defaultCount}
	n := 0
	for name, all := range values {
		if name == "_format" {
			continue
		}
		for _, text := range all {
			if n++; n > maxParameters {
				return Query{}, ErrSearch
			}
			if err := q.read(typ, name, text); err != nil {
				return Query{}, err
			}
		}
	}
	return q, nil
}

func (q *Query) read(typ, name, text string) (err error) {
	switch name {
	case "_count":
		if q.Count, err = number(text); err != nil || q.Count > maxCount {
			return ErrPage
		}
		return nil
	case "_offset":
		if q.Offset, err = number(text); err != nil {
			return ErrPage
		}
		return nil
	}
	plain, _, modified := strings.Cut(name, ":")
	p, ok := parameterOf(typ, plain)
	switch {
	case !ok:
		return ErrParameter
	case modified:
		return ErrModifier
	}
	w := want{parameter: p}
	for one := range splitSearch(text, ',') {
		if len(one) > maxValue || len(w.tokens)+len(w.spans) == maxValues {
			return ErrSearch
		}
		if p.date {
			c, err := parseCompared(one)
			if err != nil {
				return err
			}
			w.spans = append(w.spans, c)
			continue
		}
		c, err := parseCoded(one)
		if err != nil {
			return err
		}
		w.tokens = append(w.tokens, c)
	}
	q.wants = append(q.wants, w)
	return nil
}

// number reads a whole number of up to 9 digits in its one spelling.
func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || len(s) > 9 || strconv.Itoa(n) != s {
		return 0, ErrPage
	}
	return n, nil
}

// Match reports whether a resource is what the search is for.
func (q Query) Match(raw json.RawMessage) bool {
	if len(q.wants) == 0 {
		return true
	}
	root, issue := parse(raw)
	if issue != nil {
		return false
	}
	for _, w := range q.wants {
		if !w.in(root) {
			return false
		}
	}
	return true
}

func (w want) in(root *node) bool {
	for _, path := range w.paths {
		for _, at := range root.reach(strings.Split(path, ".")) {
			for _, c := range w.tokens {
				if c.in(at) {
					return true
				}
			}
			for _, c := range w.spans {
				if c.in(at) {
					return true
				}
			}
		}
	}
	return false
}

// reach returns what stands at a path, each item of a list by itself.
func (n *node) reach(path []string) []*node {
	if n.kind == '[' {
		var out []*node
		for i := range n.within {
			out = append(out, n.within[i].value.reach(path)...)
		}
		return out
	}
	if len(path) == 0 {
		return []*node{n}
	}
	stem, choice := strings.CutSuffix(path[0], "*")
	var out []*node
	for i := range n.within {
		m := &n.within[i]
		if m.name == path[0] || choice && strings.HasPrefix(m.name, stem) {
			out = append(out, m.value.reach(path[1:])...)
		}
	}
	return out
}
