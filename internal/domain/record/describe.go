package record

import (
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// maxCodes bounds the codes that a meta repeats of its resource.
const maxCodes = 64

// Describe says what a resource is: type, kind, status, codes and when it was.
func Describe(r *fhir.Resource) Meta {
	m := Meta{Type: r.Type, Status: statusOf(r)}
	for _, name := range codeMembers {
		m.Codes = appendCodings(m.Codes, r.Get(name))
	}
	m.Category = appendCodings(nil, r.Get("category"))
	if r.Type == "Consent" {
		m.Codes = appendCodings(m.Codes, r.Get("provision").Get("code"))
	}
	for content := range r.Get("content").Each() {
		if a := content.Get("attachment"); a.Is() {
			m.ContentType = a.Get("contentType").Text()
			break
		}
	}
	if r.Type == "Binary" {
		m.ContentType = r.Get("contentType").Text()
	}
	m.From, m.Until = clinical(r)
	m.Kind = kindOf(&m)
	return m
}

// codeMembers hold what a resource is about, whatever its type calls that.
var codeMembers = []string{"code", "type", "vaccineCode", "medicationCodeableConcept", "modality", "procedureCode", "class"}

func appendCodings(to []fhir.Coding, v fhir.Value) []fhir.Coding {
	for c := range v.Codings() {
		if len(to) == maxCodes {
			break
		}
		to = append(to, c)
	}
	return to
}

// statusOf is the resource's own: a Condition and an AllergyIntolerance have theirs in
// a concept.
func statusOf(r *fhir.Resource) string {
	if s := r.Get("status"); s.Is() {
		return s.Text()
	}
	if v := r.Get("verificationStatus"); v.Is() {
		for c := range v.Codings() {
			if c.Code == "entered-in-error" {
				return c.Code
			}
		}
	}
	for c := range r.Get("clinicalStatus").Codings() {
		return c.Code
	}
	return ""
}

// dateMembers say when what a resource is about was, the best first (FHIR R4's search
// parameter "date" of each type).
var dateMembers = []string{
	"effectiveDateTime", "effectivePeriod", "effectiveInstant", "occurrenceDateTime", "occurrencePeriod", "performedDateTime", "performedPeriod",
	"period", "started", "onsetDateTime", "onsetPeriod", "recordedDate", "date", "dateTime", "authoredOn", "issued", "created", "recorded", "createdDateTime",
}

func clinical(r *fhir.Resource) (from, until time.Time) {
	for _, name := range dateMembers {
		v := r.Get(name)
		if !v.Is() {
			continue
		}
		if from, until, ok := span(v); ok {
			return from, until
		}
	}
	return time.Time{}, time.Time{}
}

func span(v fhir.Value) (from, until time.Time, ok bool) {
	if start, end := v.Get("start"), v.Get("end"); start.Is() || end.Is() {
		from, _, ok = ParseDate(start.Text())
		_, until, open := ParseDate(end.Text())
		if !open && ok { // it goes on
			until = forever
		}
		return from, until, ok || open
	}
	return ParseDate(v.Text())
}

// forever ends what has no end.
var forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// ParseDate reads a date or time of FHIR R4 (§2.24.0.1) as the time it spans: a year,
// a month or a day in Western Indonesian Time, a second where it is given to that.
func ParseDate(s string) (from, until time.Time, ok bool) {
	layout, next := time.RFC3339Nano, func(t time.Time) time.Time { return t.Add(time.Second) }
	switch len(s) {
	case 4:
		layout, next = "2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }
	case 7:
		layout, next = "2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	case 10:
		layout, next = time.DateOnly, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	}
	if len(s) > 19 && s[17:19] == "60" { // a leap second
		s = s[:17] + "59" + s[19:]
	}
	t, err := time.ParseInLocation(layout, s, day.Zone())
	if err != nil {
		return from, until, false
	}
	if layout == time.RFC3339Nano {
		t = t.Truncate(time.Second)
	}
	return t.UTC(), next(t).UTC(), true
}

// DescribeDICOM says what a DICOM file is.
func DescribeDICOM(f *dicom.File) Meta {
	m := Meta{Kind: DICOMKind(f), ContentType: "application/dicom"}
	if f.Modality != "" {
		m.Codes = []fhir.Coding{{System: dicomCodes, Code: f.Modality}}
	}
	if t, err := time.ParseInLocation("20060102", f.Date, day.Zone()); err == nil {
		m.From, m.Until = t.UTC(), t.AddDate(0, 0, 1).UTC()
		clock, _, _ := strings.Cut(f.Time, ".")
		if at, err := time.ParseInLocation("20060102150405", f.Date+clock, day.Zone()); err == nil {
			m.From, m.Until = at.UTC(), at.Add(time.Second).UTC()
		}
	}
	return m
}
