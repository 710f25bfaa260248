package record

import (
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// Tells reports whether resources of a type may be evidence for a colour: then each
// version of them, void ones too, says what the evidence under their name now is.
func Tells(typ string) bool { return typ == "Immunization" || typ == "Observation" }

// Evidence returns what a resource says that a colour rests on, named ref: a dose of a
// known vaccine against COVID-19 that was given, or a final result of a test for the
// virus. Of all else, and of what is not known for sure, there is none.
//
// A DiagnosticReport is none: the results it names are Observations of their own.
func Evidence(r *fhir.Resource, ref Ref) (e status.Evidence) {
	switch r.Type {
	case "Immunization":
		if d, ok := dose(r); ok {
			d.Ref = ref.String()
			e.Doses = []status.Dose{d}
		}
	case "Observation":
		if t, ok := test(r); ok {
			t.Ref = ref.String()
			e.Tests = []status.Test{t}
		}
	}
	return e
}

func dose(r *fhir.Resource) (d status.Dose, ok bool) {
	if r.Get("status").Text() != "completed" || r.Get("isSubpotent").Text() == "true" {
		return d, false
	}
	for c := range r.Get("vaccineCode").Codings() {
		if c.System == cvx && vaccines[c.Code] != "" {
			d.Vaccine = vaccines[c.Code]
		}
	}
	from, ok := moment(r.Get("occurrenceDateTime"))
	d.On = day.Of(from)
	return d, ok && d.Vaccine != ""
}

// moment is a date or time that is known at least to the day.
func moment(v fhir.Value) (time.Time, bool) {
	from, _, ok := ParseDate(v.Text())
	return from, ok && len(v.Text()) >= len(time.DateOnly)
}

func test(r *fhir.Resource) (t status.Test, ok bool) {
	switch r.Get("status").Text() {
	case "final", "amended", "corrected":
	default:
		return t, false
	}
	for c := range r.Get("code").Codings() {
		if of, known := testOf(c); known {
			t.Kind, ok = status.PCR, true
			if of.antigen {
				t.Kind = status.Antigen
			}
		}
	}
	if !ok {
		return t, false
	}
	if t.Positive, ok = outcome(r); !ok {
		return t, false
	}
	for _, v := range []fhir.Value{r.Get("effectiveDateTime"), r.Get("effectiveInstant"), r.Get("effectivePeriod").Get("start"), r.Get("issued")} {
		if t.At, ok = moment(v); ok {
			t.At = t.At.Truncate(time.Minute)
			return t, true
		}
	}
	return t, false
}

// outcome is what a test says; false when it says neither or both.
func outcome(r *fhir.Resource) (positive, ok bool) {
	said := map[bool]bool{}
	for _, name := range []string{"valueCodeableConcept", "interpretation"} {
		for c := range r.Get(name).Codings() {
			if p, known := results[c]; known {
				said[p] = true
			}
		}
	}
	if len(said) == 0 {
		switch strings.ToLower(strings.TrimSpace(r.Get("valueString").Text())) {
		case "positive", "detected", "positif", "terdeteksi":
			said[true] = true
		case "negative", "not detected", "negatif", "tidak terdeteksi":
			said[false] = true
		}
	}
	return said[true], len(said) == 1
}
