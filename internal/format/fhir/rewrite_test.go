package fhir_test

import (
	"path/filepath"
	"strings"
	"testing"

	. "github.com/amanah-project/amanah/internal/format/fhir"
)

// TestRewrite: what is named changes, all else stays, in its order.
func TestRewrite(t *testing.T) {
	edit := Edit{
		Text: func(place, text string) (string, bool) {
			switch place {
			case "Patient.name.given":
				return strings.ToUpper(text), true
			case "Patient.meta.versionId", "Patient.address.country", "Patient.name.given.gone":
				return "", false
			}
			return text, true
		},
		Source: "urn:x", Tag: Coding{"urn:s", "c"},
	}
	for name, c := range map[string][2]string{
		"all": {
			`{"resourceType":"Patient","id":"1","meta":{"versionId":"3","lastUpdated":"x"},"name":[{"given":["Ani","\"B\""]}],"multipleBirthInteger":1.50}`,
			`{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"x","source":"urn:x","tag":[{"system":"urn:s","code":"c"}]},"name":[{"given":["ANI","\"B\""]}],"multipleBirthInteger":1.50}`,
		},
		"an object's only member": {
			`{"resourceType":"Patient","meta":{"versionId":"3"},"address":[{"country":"ID"}]}`,
			`{"resourceType":"Patient","meta":{"versionId":"3","source":"urn:x","tag":[{"system":"urn:s","code":"c"}]},"address":[{"country":"ID"}]}`,
		},
		"a source and tags of its own": {
			`{"resourceType":"Group","meta":{"source":"urn:y","tag":[{"code":"t"}]}}`,
			`{"resourceType":"Group","meta":{"source":"urn:y","tag":[{"code":"t"},{"system":"urn:s","code":"c"}]}}`,
		},
		"no meta": {
			`{"resourceType":"Group","active":true}`,
			`{"resourceType":"Group","active":true,"meta":{"source":"urn:x","tag":[{"system":"urn:s","code":"c"}]}}`,
		},
	} {
		got, err := Rewrite([]byte(c[0]), edit)
		if err != nil || string(got) != c[1] {
			t.Errorf("%s: %v\n%s\n%s", name, err, got, c[1])
		}
	}
	if _, err := Rewrite([]byte(`[1]`), edit); err == nil {
		t.Error("a list is rewritten")
	}
}

// TestRewriteChangesNothing: without an edit, a stored resource stays byte for byte.
func TestRewriteChangesNothing(t *testing.T) {
	r := reader(t)
	for _, name := range files(t, filepath.Join("testdata", "valid", "*.json")) {
		for _, raw := range texts(t, name) {
			res, err := r.Read(raw)
			if err != nil {
				t.Fatal(err)
			}
			stored := res.Store(nil)
			got, err := Rewrite(stored, Edit{})
			if err != nil || string(got) != string(stored) {
				t.Errorf("%s: %v", name, err)
			}
			if p, err := Parse(stored); err != nil || p.Type != res.Type {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
