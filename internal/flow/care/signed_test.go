package care_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
)

// TestSigned: over the server's own socket records are entered, matched and set aside
// without anybody's signature, and shown for a signature that names them alone.
func TestSigned(t *testing.T) {
	s := newSite(t)
	who, other := s.Register(nikA, nameA, birthA), s.Register(nikB, "Budi Contoh", "1990-08-15")
	s.Sign()
	rs := s.Enrol("client-rs-99-001", "rs-99-001", staff.Enter|staff.Correct|staff.View)
	a, b := must(s, who, immunization(who, "2021-07-01", "208")), must(s, other, immunization(other, "2021-07-01", "208"))
	one := "/fhir/R4/Immunization/" + a.Placed[0].Ref.String()
	patient := func(p identity.PersonID) string { return fmt.Sprintf("/fhir/R4/Patient/%d/$everything", p) }
	if _, err := s.Care.Open(t.Context(), rs.Get(one), a.Placed[0].Ref, 0); err != nil {
		t.Errorf("the record that was signed for: %v", err)
	}
	if _, err := s.Care.Open(t.Context(), rs.Get(one), b.Placed[0].Ref, 0); !errors.Is(err, keeper.ErrActor) {
		t.Errorf("another's: %v", err)
	}
	if _, err := s.Care.Everything(t.Context(), rs.Get(one), who); err != nil { // they have this one alone
		t.Errorf("all, signed for one: %v", err)
	}
	must(s, who, immunization(who, "2021-08-01", "208"))
	if _, err := s.Care.Everything(t.Context(), rs.Get(one), who); !errors.Is(err, keeper.ErrActor) {
		t.Errorf("all, signed for one: %v", err)
	}
	if all, err := s.Care.Everything(t.Context(), rs.Get(patient(who)), who); err != nil || len(all) != 2 {
		t.Errorf("all: %d %v", len(all), err)
	}
	used := rs.Get(one)
	for _, want := range []error{nil, keeper.ErrUsed} {
		if _, err := s.Care.Open(t.Context(), used, a.Placed[0].Ref, 0); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if _, err := s.Care.Open(t.Context(), hospital, a.Placed[0].Ref, 0); !errors.Is(err, keeper.ErrActor) {
		t.Errorf("signed by nobody: %v", err)
	}
	if err := s.Care.Restrict(t.Context(), office, who, true, "asked-by-the-person"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Care.Open(t.Context(), rs.Get(one), a.Placed[0].Ref, 0); !errors.Is(err, record.ErrRestricted) {
		t.Errorf("restricted: %v", err)
	}
	var loud []care.Caller
	s.Care.Loud = func(by care.Caller) { loud = append(loud, by) }
	if _, err := s.Care.Open(t.Context(), rs.Emergency(one), a.Placed[0].Ref, 0); err != nil {
		t.Errorf("in an emergency: %v", err)
	}
	if err := s.Care.Restrict(t.Context(), office, who, false, "withdrawn-by-the-person"); err != nil {
		t.Errorf("a second order: %v", err)
	}
	near := bundle(patientOf(nikA, "Ana Contoh", birthA), immunization(0, "2021-07-01", "208"))
	e, err := care.Bundle(s.Read(near), 0)
	if err != nil {
		t.Fatal(err)
	}
	d := enter(s, hospital, e)
	if d.Err != nil || d.Aside == 0 {
		t.Fatalf("set aside by the server: %+v", d)
	}
	if _, _, _, err := s.Care.ShowAside(t.Context(), rs.Get(patient(d.Aside)), d.Aside); err != nil {
		t.Errorf("what was set aside: %v", err)
	}
	if done, err := s.Care.Attach(t.Context(), office, d.Aside, who, "married-name"); err != nil || done.Err != nil {
		t.Errorf("attach: %v", err)
	}
	// Who is walked over without a care relationship is cut off by the keeper.
	opened := 0
	for n := range 20 {
		p := s.Register(fmt.Sprintf("99010115089000%02d", n+10), fmt.Sprintf("Orang %c", 'A'+n), "1990-08-15")
		must(s, p, immunization(p, "2021-07-01", "208"))
		if _, err := s.Care.Everything(t.Context(), rs.Get(patient(p)), p); err == nil {
			opened++
		} else if !errors.Is(err, keeper.ErrBudget) {
			t.Fatalf("person %d: %v", p, err)
		}
	}
	if opened >= 10 {
		t.Errorf("%d strangers opened after two people", opened)
	}
	if len(loud) != 1 || loud[0].Actor != rs.ID || loud[0].Facility != rs.Facility {
		t.Errorf("one emergency, and heard was %+v", loud)
	}
}
