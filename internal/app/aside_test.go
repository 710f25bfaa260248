package app

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// TestAsideOpens: what a facility sent of somebody under another name than is registered
// waits under a number, which it is told, and which it opens by a signed request; without a
// signature nobody does.
func TestAsideOpens(t *testing.T) {
	w := newWard(t)
	near := `{"resourceType":"Patient","identifier":[{"system":"` + record.NIKSystem + `","value":"` + w.nik + `"}],"name":[{"text":"Orang Lain"}],"birthDate":"1990-01-01"}`
	out := w.send(signingOne, "POST", "/fhir/R4/Patient", "application/fhir+json", near)
	under := regexp.MustCompile(`under ([0-9]+)`).FindStringSubmatch(out.Body.String())
	if out.Code != 202 || under == nil || !strings.Contains(out.Body.String(), string(record.ReasonName)) {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	path := "/fhir/R4/Patient/" + under[1] + "/$everything"
	if out := w.send(signingOne, "GET", path, "", ""); out.Code != 200 || !strings.Contains(out.Body.String(), "Orang Lain") {
		t.Errorf("what it sent: %d %s", out.Code, out.Body)
	}
	if out := w.send(keylessOne, "GET", path, "", ""); out.Code < 400 || strings.Contains(out.Body.String(), "Orang Lain") {
		t.Errorf("unsigned: %d %s", out.Code, out.Body)
	}
}

// TestAttachDocuments: documents that were set aside are attached by the command while no
// server has their folder, and beside one it says so and changes nothing.
func TestAttachDocuments(t *testing.T) {
	rules, err := status.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	cfg.Data = t.TempDir()
	o := &Operator{DB: memory.New(), Keeper: keepertest.Serve(t, durabletest.New(1)), rules: rules, now: time.Now, cfg: cfg}
	to, id := o.setScanAside(t)
	blobs, err := cfg.openBlobs(t.Context()) // as a server does
	if err != nil {
		t.Fatal(err)
	}
	if err := o.AttachAside(t.Context(), id, 0, "officer-7", "married-name"); !errors.Is(err, errServed) {
		t.Errorf("beside a server: %v", err)
	}
	if a, err := o.Aside(t.Context(), id); err != nil || a.State != record.Waiting {
		t.Errorf("%+v %v", a, err)
	}
	if err := blobs.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.AttachAside(t.Context(), id, 0, "officer-7", "married-name"); err != nil {
		t.Fatal(err)
	}
	a, err := o.Aside(t.Context(), id)
	if err != nil || a.State != record.Attached || a.Steps[1].Against != to {
		t.Errorf("%+v %v", a, err)
	}
	if err := o.DB.View(t.Context(), func(s store.Stores) error {
		have, err := s.Records.Versions(to)
		if len(have) != 1 {
			t.Errorf("of the person: %v", have)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// setScanAside registers somebody and sets a scan of the same NIK and another name aside.
func (o *Operator) setScanAside(t *testing.T) (to, id identity.PersonID) {
	t.Helper()
	f, err := o.care()
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string) *record.Claim {
		p, err := f.Reader.Read([]byte(`{"resourceType":"Patient","identifier":[{"system":"` + record.NIKSystem + `","value":"9901011508900001"}],"name":[{"text":"` + name + `"}],"birthDate":"1990-08-15"}`))
		if err != nil {
			t.Fatal(err)
		}
		c, err := record.ClaimOf(p)
		if err != nil {
			t.Fatal(err)
		}
		return &c
	}
	to = o.registered(t, *claim("Ani Contoh"))
	by := care.Caller{Actor: "client-rs-99-001", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter}
	scan := care.Entry{Claim: claim("Ana Contoh"), Items: []care.Item{{Meta: record.Meta{Kind: record.Scan, ContentType: "application/dicom"}}}}
	if err := o.withDocuments(t.Context(), f, func() error {
		done, err := f.EnterDocument(t.Context(), by, scan, strings.NewReader("a scan"))
		id = done.Aside
		return err
	}); err != nil || id == 0 {
		t.Fatalf("set aside %d: %v", id, err)
	}
	return to, id
}

// registered registers whom a claim names.
func (o *Operator) registered(t *testing.T, c record.Claim) identity.PersonID {
	t.Helper()
	p := identity.Person{NIK: c.NIK, Name: c.Names[0], Birth: c.Birth, Sex: c.NIK.Sex()}
	if _, err := o.flow().People(t.Context(), []evidence.Newcomer{{Line: 1, Person: p}}, identity.Progress{Source: "people"}); err != nil {
		t.Fatal(err)
	}
	f, err := o.care()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := f.Find(t.Context(), c.NIK)
	if err != nil {
		t.Fatal(err)
	}
	return ref.Person
}
