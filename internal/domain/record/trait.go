package record

import (
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// TraitOf is what a version of a record is known by besides its number: the facility that
// entered it and the day that it is about, as its own text writes that day, which is what
// copies and dumps show; and a patient's address. r is nil of a document alone.
func TraitOf(r *fhir.Resource, m *Meta) (t leak.Trait) {
	var w norm.Words
	var on [norm.MaxDates]norm.Date
	var dates []norm.Date
	switch {
	case r != nil:
		dates = norm.Dates(on[:0], []byte(DateOf(r)))
	case !m.From.IsZero():
		dates = norm.Dates(on[:0], []byte(day.Of(m.From).String()))
	}
	if len(dates) > 0 && m.Facility != "" {
		t.Visit, t.Kind = norm.Visit(nil, w.Facility(nil, []byte(m.Facility)), dates[0]), uint8(m.Kind)
	}
	if r != nil && r.Type == "Patient" {
		t.Address = w.Address(nil, []byte(addressOf(r.Get("address").First())))
	}
	return t
}
