package record_test

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	. "github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

func TestSubjectOf(t *testing.T) {
	reader, err := fhir.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	read := func(text string) *fhir.Resource {
		t.Helper()
		r, err := reader.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const head = `{"resourceType":"Basic","code":{"text":"x"}`
	for more, want := range map[string]struct {
		who identity.PersonID
		err error
	}{
		``: {}, `,"subject":{"reference":"Patient/7"}`: {7, nil}, `,"patient":{"reference":"Patient/7"}`: {7, nil},
		`,"subject":{"reference":"urn:uuid:0d739f46-0c39-5769-80b7-1035a0055990"}`:         {},
		`,"subject":{"reference":"Patient/7-65540"}`:                                       {0, ErrSubject},
		`,"subject":{"reference":"Patient/abc"}`:                                           {0, ErrSubject},
		`,"subject":{"reference":"https://other.example/Patient/7"}`:                       {0, ErrSubject},
		`,"subject":{"reference":"Group/7"}`:                                               {0, ErrSubject},
		`,"subject":{"identifier":{"value":"x"}}`:                                          {},
		`,"author":{"reference":"Practitioner/x"}`:                                         {},
		`,"focus":[{"reference":"Encounter/7-65540"}]`:                                     {7, nil},
		`,"subject":{"reference":"Patient/7"},"focus":[{"reference":"Encounter/8-65540"}]`: {7, nil},
		`,"focus":[{"reference":"Encounter/7-65540"},{"reference":"Observation/8-65541"}]`: {0, ErrSubject},
	} {
		who, err := SubjectOf(read(head + more + "}"))
		if who != want.who || !errors.Is(err, want.err) {
			t.Errorf("%s: %d %v", more, who, err)
		}
	}
	one, other, none := read(head+`,"subject":{"reference":"Patient/7"}}`), read(head+`,"subject":{"reference":"Patient/8"}}`), read(head+`}`)
	if who, err := SubjectOfAll([]*fhir.Resource{none, one, nil, one}); who != 7 || err != nil {
		t.Errorf("one person: %d %v", who, err)
	}
	if _, err := SubjectOfAll([]*fhir.Resource{one, other}); !errors.Is(err, ErrSubject) {
		t.Errorf("two people: %v", err)
	}
}

// TestDirectory: what a health service has and no patient does is told from a record that
// only fails to say whose it is.
func TestDirectory(t *testing.T) {
	reader, err := fhir.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{"resourceType":"Organization","name":"RS Contoh"}`:                               true,
		`{"resourceType":"Location","name":"Poli"}`:                                        true,
		`{"resourceType":"Practitioner","name":[{"text":"dr. Contoh"}]}`:                   true,
		`{"resourceType":"Medication","status":"active"}`:                                  true,
		`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`:              false,
		`{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Patient/7"}}`: false,
		`{"resourceType":"Device","type":{"text":"x"}}`:                                    false,
	} {
		r, err := reader.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if Directory(r) != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
}
