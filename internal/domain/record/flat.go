package record

import (
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/format/fhir"
)

// Columns are those of a flat file: a row is one record of one person. The FHIR form holds
// all of a record; this one what fits a table.
func Columns() []string {
	return []string{
		"token", "person_token", "record", "nik", "name", "birth_date", "gender", "phone", "address", "city", "postal_code", "country",
		"type", "kind", "status", "code_system", "code", "text", "value", "unit", "date", "facility", "updated", "version", "source",
	}
}

// Flat writes a record as a row of Columns. Token columns are empty, and source is what the
// caller says. patient may be nil, when the person has no such record.
func Flat(patient, r *fhir.Resource, m *Meta, ref Ref, version uint64, source string) []string {
	out := make([]string, 0, 25)
	out = append(out, "", "", ref.String())
	out = append(out, whose(patient)...)
	kind := ""
	if m.Kind != Other {
		kind = m.Kind.String()
	}
	var code fhir.Coding
	if len(m.Codes) > 0 {
		code = m.Codes[0]
	}
	value, unit := valueOf(r)
	return append(out,
		r.Type, kind, m.Status, code.System, code.Code, textOf(r), value, unit, DateOf(r), m.Facility,
		m.Entered.UTC().Format("2006-01-02T15:04:05.000Z"), strconv.FormatUint(version, 10), source)
}

// whose are the columns of the person, from nik to country.
func whose(p *fhir.Resource) []string {
	out := make([]string, 9)
	if p == nil {
		return out
	}
	out[0] = NIKOf(p)
	out[1] = nameOf(p.Get("name").First())
	out[2], out[3] = p.Get("birthDate").Text(), p.Get("gender").Text()
	for t := range p.Get("telecom").Each() {
		if t.Get("system").Text() == "phone" && out[4] == "" {
			out[4] = t.Get("value").Text()
		}
	}
	a := p.Get("address").First()
	out[5] = addressOf(a)
	out[6], out[7], out[8] = a.Get("city").Text(), a.Get("postalCode").Text(), a.Get("country").Text()
	return out
}

func addressOf(a fhir.Value) string {
	if lines := texts(a.Get("line")); len(lines) > 0 {
		return strings.Join(lines, ", ")
	}
	return a.Get("text").Text()
}

// NIKOf is the NIK that a Patient says it has, as it stands there; empty for none.
func NIKOf(p *fhir.Resource) (nik string) {
	if p.Type != "Patient" {
		return ""
	}
	for id := range p.Get("identifier").Each() {
		if id.Get("system").Text() == NIKSystem && id.Get("use").Text() != "old" {
			nik = id.Get("value").Text()
		}
	}
	return nik
}

func nameOf(n fhir.Value) string {
	if text := n.Get("text").Text(); text != "" {
		return text
	}
	return strings.TrimSpace(strings.Join(append(texts(n.Get("given")), n.Get("family").Text()), " "))
}

func texts(v fhir.Value) (out []string) {
	for one := range v.Each() {
		if s := one.Text(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// textOf is what a resource calls what it is about.
func textOf(r *fhir.Resource) string {
	for _, name := range codeMembers {
		for concept := range r.Get(name).Each() {
			if s := conceptText(concept); s != "" {
				return s
			}
		}
	}
	return ""
}

// conceptText is the text of a concept, or how its first coding is displayed.
func conceptText(c fhir.Value) string {
	if s := c.Get("text").Text(); s != "" {
		return s
	}
	if s := c.Get("coding").First().Get("display").Text(); s != "" {
		return s
	}
	return c.Get("display").Text()
}

// valueOf is what an Observation found, or the number of an Immunization's dose.
func valueOf(r *fhir.Resource) (value, unit string) {
	if r.Type == "Immunization" {
		return r.Get("protocolApplied").First().Get("doseNumberPositiveInt").Text(), ""
	}
	if parts := r.Get("component"); parts.Is() {
		var all []string
		for c := range parts.Each() {
			v, u := valueIn(c.Get)
			all = append(all, strings.TrimSpace(conceptText(c.Get("code"))+" "+v+" "+u))
		}
		return strings.Join(all, "; "), ""
	}
	return valueIn(r.Get)
}

func valueIn(get func(string) fhir.Value) (value, unit string) {
	if q := get("valueQuantity"); q.Is() {
		unit = q.Get("unit").Text()
		if unit == "" {
			unit = q.Get("code").Text()
		}
		return q.Get("comparator").Text() + q.Get("value").Text(), unit
	}
	if c := get("valueCodeableConcept"); c.Is() {
		if s := conceptText(c); s != "" {
			return s, ""
		}
		for code := range c.Codings() {
			return code.Code, ""
		}
	}
	for _, name := range []string{"valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueTime"} {
		if s := get(name).Text(); s != "" {
			return s, ""
		}
	}
	return "", ""
}

// DateOf is when what a resource is about was, as it says that itself.
func DateOf(r *fhir.Resource) string {
	for _, name := range dateMembers {
		v := r.Get(name)
		if s := v.Text(); s != "" {
			return s
		}
		if s := v.Get("start").Text(); s != "" {
			return s
		}
	}
	return ""
}
