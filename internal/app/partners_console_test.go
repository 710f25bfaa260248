package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/client/certify"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

// TestPartnersByConsole: officers lead partners through their life by the API, too. One of
// them suspends alone, and at once; whatever lets a partner do more, or ends it, takes a
// second person. Each step is in the partner's log with the officer's name.
func TestPartnersByConsole(t *testing.T) {
	o := newOffice(t)
	h := o.contract.Watch("public", o.server.routes(), func(err error) { t.Error(err) })
	want := func(who staffRole, method, path string, body any, status int) string {
		t.Helper()
		got, text := o.ask(h, who, method, path, body)
		if got != status {
			t.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, got, text, status)
		}
		return text
	}
	serves := func() error {
		t.Helper()
		if err := o.server.members.poll(t.Context(), o.server.db); err != nil {
			t.Fatal(err)
		}
		_, err := o.server.members.Terms(1)
		return err
	}
	type m = map[string]any
	const one = "/console/v1/partners/1"
	if err := serves(); err != nil {
		t.Fatal(err)
	}
	want(officer, "POST", one+"/suspend", m{"reason": "their relay sends bodies elsewhere"}, http.StatusOK)
	if err := serves(); !errors.Is(err, partner.ErrSuspended) {
		t.Errorf("suspended, and served: %v", err)
	}
	want(officer, "POST", one+"/suspend", m{"reason": "again"}, http.StatusConflict)
	for _, step := range []string{"promote", "resume", "end"} {
		want(officer, "POST", one+"/"+step, m{"reason": "alone"}, http.StatusForbidden)
	}
	want(clinician, "POST", one+"/suspend", m{"reason": "no officer"}, http.StatusForbidden)
	want(elevated, "POST", one+"/promote", m{"reason": "while suspended"}, http.StatusForbidden)
	want(elevated, "POST", one+"/resume", m{"reason": "settled"}, http.StatusOK)
	if err := serves(); err != nil {
		t.Errorf("resumed, and refused: %v", err)
	}
	for path, status := range map[string]int{
		one + "/dance": 404, "/console/v1/partners/0/suspend": 404, "/console/v1/partners/99/suspend": 404, "/console/v1/partners/x/suspend": 404,
	} {
		want(elevated, "POST", path, m{"reason": "x"}, status)
	}
	want(elevated, "POST", one+"/suspend", m{"reason": "a\nline"}, http.StatusBadRequest)
	want(elevated, "POST", one+"/suspend", m{"because": "x"}, http.StatusBadRequest)
	want(elevated, "POST", one+"/suspend", m{"reason": "x", "report": "{}"}, http.StatusBadRequest)
	want(elevated, "POST", one+"/certify", m{"reason": "x"}, http.StatusBadRequest)
	want(elevated, "POST", one+"/certify", m{"reason": "x", "report": "{}"}, http.StatusBadRequest)
	passed := o.report(1)
	want(officer, "POST", one+"/certify", m{"reason": "x", "report": passed}, http.StatusForbidden)
	want(elevated, "POST", one+"/certify", m{"reason": "x", "report": passed[1:]}, http.StatusBadRequest)
	want(elevated, "POST", one+"/certify", m{"reason": "x", "report": o.report(2)}, http.StatusForbidden) // another's
	want(elevated, "POST", one+"/promote", m{"reason": "not certified"}, http.StatusForbidden)
	want(elevated, "POST", one+"/certify", m{"reason": "passed", "report": passed}, http.StatusOK)
	want(elevated, "POST", one+"/promote", m{"reason": "first stage"}, http.StatusOK)
	want(elevated, "POST", one+"/end", m{"reason": "over"}, http.StatusOK)
	if err := serves(); err == nil {
		t.Error("ended, and served")
	}
	var all struct {
		Partners []struct {
			Partner int
			State   string
		}
	}
	if err := json.Unmarshal([]byte(want(officer, "GET", "/console/v1/partners", nil, 200)), &all); err != nil || len(all.Partners) == 0 || all.Partners[0].State != "ended" {
		t.Errorf("%+v, %v", all, err)
	}
	var shown struct {
		Steps []struct{ Who, From, To, Reason string }
	}
	if err := json.Unmarshal([]byte(want(officer, "GET", one, nil, 200)), &shown); err != nil {
		t.Fatal(err)
	}
	var log [][2]string
	for _, s := range shown.Steps {
		log = append(log, [2]string{s.Who, s.To})
	}
	if len(log) < 5 || cmp.Diff([][2]string{{"officer-1", "suspended"}, {"officer-2", "sandbox"}, {"officer-2", "certified"}, {"officer-2", "live"}, {"officer-2", "ended"}}, log[len(log)-5:]) != "" {
		t.Errorf("the log is %v", log)
	}
}

// report is of a certification of a partner's relay in which every case passed.
func (o *officeTown) report(id partner.ID) string {
	o.t.Helper()
	relay := thumbprintOf(o.relay)
	r := certify.Report{
		Version: 1, List: certify.ListVersion, Partner: uint32(id), Credential: certify.ByProof, Passed: true,
		Relay: base64.RawURLEncoding.EncodeToString(relay[:]), At: time.Now().UTC().Truncate(time.Second),
	}
	for _, c := range certify.List() {
		r.Cases = append(r.Cases, certify.Result{ID: c.ID, Verdict: certify.Passed, Evidence: "as it should"})
	}
	sum := sha256.Sum256(bytes.TrimSuffix(r.Marshal(), []byte("\n")))
	r.Digest = hex.EncodeToString(sum[:])
	return string(r.Marshal())
}
