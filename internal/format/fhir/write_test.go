package fhir_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/amanah-project/amanah/internal/format/fhir"
)

// tree decodes JSON with its numbers as they were written.
func tree(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestStoredAsSent: what is stored says what was sent, but for what the server says of
// its versions, which Stamp writes; and it is no longer.
func TestStoredAsSent(t *testing.T) {
	r := reader(t)
	at := time.Date(2026, 11, 30, 1, 2, 3, 4_000_000, time.UTC)
	n := 0
	check := func(one *Resource) {
		n++
		stored := one.Store(nil)
		if len(stored) > len(one.Raw)+len(`,"meta":{}`) {
			t.Errorf("%s: %d bytes are stored as %d", one.Type, len(one.Raw), len(stored))
		}
		stamped, err := Stamp(stored, "7-65538", "3", at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(stamped); err != nil {
			t.Fatalf("%s: %v", one.Type, err)
		}
		want, got := tree(t, one.Raw), tree(t, stamped)
		meta, _ := want["meta"].(map[string]any)
		if meta == nil {
			meta = map[string]any{}
		}
		meta["versionId"], meta["lastUpdated"] = "3", "2026-11-30T01:02:03.004Z"
		want["meta"], want["id"] = meta, "7-65538"
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s (-sent +stored):\n%s", one.Type, d)
		}
	}
	for _, name := range files(t, "testdata/valid/*") {
		for _, raw := range texts(t, name) {
			one, err := r.Read(raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range one.Entries {
				check(e.Resource)
			}
			if one.Type != "Bundle" {
				check(one)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d resources", n)
	}
	for _, bad := range []string{"", "{}", `{"resourceType":"Patient"}`, `{"id":"1","resourceType":"Patient","meta":{}}`} {
		if _, err := Stamp([]byte(bad), "1", "1", at); err == nil {
			t.Errorf("%s was stored", bad)
		}
	}
}

func TestReferencesBecome(t *testing.T) {
	one, err := reader(t).Read([]byte(`{"resourceType":"DocumentReference","identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],"status":"current",
		"subject":{"reference":"urn:uuid:1","display":"urn:uuid:1"},"content":[{"attachment":{"url":"urn:uuid:2","title":"a \"b\" \u2028 é"}}],"context":{"encounter":[{"reference":"Encounter/9"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	to := map[string]string{"urn:uuid:1": "Patient/7", "urn:uuid:2": "Binary/7-65540"}
	got := tree(t, one.Store(func(s string) string {
		if become, ok := to[s]; ok {
			return become
		}
		return s
	}))
	want := tree(t, []byte(`{"resourceType":"DocumentReference","meta":{},"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],"status":"current",
		"subject":{"reference":"Patient/7","display":"urn:uuid:1"},"content":[{"attachment":{"url":"Binary/7-65540","title":"a \"b\" \u2028 é"}}],"context":{"encounter":[{"reference":"Encounter/9"}]}}`))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestValues(t *testing.T) {
	one, err := reader(t).Read([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"a","code":"1"},{"display":"no code"},{"code":"2"}]},"category":[{"coding":[{"code":"3"}]},{"text":"none"}],"valueQuantity":{"value":1.50}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []Coding
	for _, name := range []string{"code", "category", "none"} {
		for c := range one.Get(name).Codings() {
			got = append(got, c)
		}
	}
	if d := cmp.Diff([]Coding{{"a", "1"}, {"", "2"}, {"", "3"}}, got); d != "" {
		t.Errorf("codings (-want +got):\n%s", d)
	}
	if v := one.Get("valueQuantity").Get("value").Text(); v != "1.50" {
		t.Errorf("a number reads %q", v)
	}
	if one.Get("a").Get("b").First().Is() || one.Get("status").Get("x").Is() || one.Get("status").First().Text() != "final" {
		t.Error("nothing is something, or something nothing")
	}
}
