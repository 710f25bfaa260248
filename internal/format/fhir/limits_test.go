package fhir_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/format/fhir"
)

// TestLimits: what has no end of anything is refused with its place, before room is made
// for it; as much as may be is read.
func TestLimits(t *testing.T) {
	r := reader(t)
	const basic = `{"resourceType":"Basic","code":{"text":"x"},"extension":`
	for name, c := range map[string]struct{ raw, why string }{
		"values":           {basic + "[1" + strings.Repeat(",1", 7<<20) + "]}", "at most 524288 values"},
		"objects":          {basic + "[{}" + strings.Repeat(",{}", 4<<20) + "]}", "at most 524288 values"},
		"lists":            {basic + strings.Repeat("[", 2<<20), "at most 524288 values"},
		"depth":            {basic + strings.Repeat("[", 1000), "nested deeper"},
		"a name":           {`{"resourceType":"Basic","` + strings.Repeat("x", 300) + `":1}`, "name of a member"},
		"length":           {strings.Repeat(" ", fhir.MaxBytes+1), "at most 67108864 bytes"},
		"text that is not": {basic + `"` + strings.Repeat(`[,\"{`, 1<<20) + `"}`, "Basic.extension"},
	} {
		raw := []byte(c.raw)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.Read(raw)
		runtime.ReadMemStats(&after)
		bad, ok := errors.AsType[*fhir.Invalid](err)
		if !ok || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
			continue
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
			t.Errorf("%s: %d MiB were taken to refuse it", name, took>>20)
		}
		for _, i := range bad.Issues {
			if len(i.Place)+len(i.Why) > 1000 {
				t.Errorf("%s: an issue of %d bytes", name, len(i.Place)+len(i.Why))
			}
		}
	}
}

// TestPlaces: a place is written from where it stands, lists by number.
func TestPlaces(t *testing.T) {
	for raw, want := range map[string]string{
		`{"resourceType":"Patient","name":[{"text":"x"},{"given":["a",1]}]}`: "Patient.name[1].given[1]",
		` {"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Basic"},"resource":{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"urn:uuid:1"}}}]}`: "Bundle.entry[0].resource.subject",
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"contained":[{"resourceType":"Patient","id":"a"}],"subject":{"reference":"#b"}}`:                                                 "Observation.subject",
	} {
		_, err := reader(t).Read([]byte(raw))
		bad, ok := errors.AsType[*fhir.Invalid](err)
		if !ok || bad.Issues[0].Place != want {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}
