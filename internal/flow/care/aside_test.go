package care_test

import (
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
)

// imported enters a bundle of what a file calls its entries, as an import does.
func imported(s *caretest.Site, patient string, resources ...string) care.Done {
	s.Helper()
	e, err := care.Bundle(s.Read(bundle(append([]string{patient}, resources...)...)), 0)
	if err != nil {
		s.Fatal(err)
	}
	e.Foreign = true
	e.Resumable()
	d := enter(s, hospital, e)
	if d.Err != nil {
		s.Fatal(d.Err)
	}
	return d
}

// doses are the vaccinations of somebody that stand.
func doses(s *caretest.Site, who identity.PersonID) int {
	s.Helper()
	all, err := s.Care.Compartment(s.Context(), hospital, who, record.Filter{Types: []string{"Immunization"}})
	if err != nil {
		s.Fatal(err)
	}
	return len(all)
}

// stands checks where a case stands after so many steps.
func stands(s *caretest.Site, id identity.PersonID, want record.State, steps int) {
	s.Helper()
	a, err := s.Care.Aside(s.Context(), office, id-1, 1, true)
	if err != nil || len(a) != 1 || a[0].ID != id || a[0].State != want || len(a[0].Steps) != steps {
		s.Fatalf("%+v %v, want state %d after %d steps", a, err, want, steps)
	}
}

// TestAttachedAgain: what was attached by mistake and taken back is attached again, also
// when its records have names in a file, and the file taken again between finds them aside.
func TestAttachedAgain(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	dose := `{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"urn:uuid:Patient-0"},"occurrenceDateTime":"2021-07-01"}`
	near := patientOf(nikA, "Ana Contoh", birthA)
	id := imported(s, near, dose).Aside
	stands(s, id, record.Waiting, 1)
	for n := range 2 {
		if _, err := s.Care.Attach(t.Context(), office, id, who, "married-name"); err != nil {
			t.Fatal(err)
		}
		stands(s, id, record.Attached, 2+2*n)
		if got := doses(s, who); got != 1 {
			t.Errorf("time %d: %d doses attached", n+1, got)
		}
		if err := s.Care.Undo(t.Context(), office, id, "another-person"); err != nil {
			t.Fatal(err)
		}
		stands(s, id, record.Waiting, 3+2*n)
		if got := doses(s, who); got != 0 {
			t.Errorf("time %d: %d doses after it was undone", n+1, got)
		}
		if again := imported(s, near, dose); again.Aside != id {
			t.Errorf("the file taken again is set aside anew: %+v", again)
		}
	}
}

// TestPatientAttached: a Patient who says another name than is registered is attached, and
// taken back, with nothing entered: it is no record of care, and how the person is called is
// what is registered.
func TestPatientAttached(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	id := imported(s, patientOf(nikA, "Ana Contoh", birthA)).Aside
	if d, err := s.Care.Attach(t.Context(), office, id, who, "married-name"); err != nil || len(d.Placed) != 0 {
		t.Fatalf("%+v %v", d, err)
	}
	stands(s, id, record.Attached, 2)
	if err := s.Care.Undo(t.Context(), office, id, "another-person"); err != nil {
		t.Fatal(err)
	}
	stands(s, id, record.Waiting, 3)
	if d := imported(s, patientOf(nikA, nameA, birthA)); d.Person != who || d.Placed[0].Known {
		t.Errorf("their own Patient finds another there: %+v", d)
	}
}

// TestAttachedAgainAtOnce is TestAttachedAgain with no file taken between.
func TestAttachedAgainAtOnce(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	dose := `{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"urn:uuid:Patient-0"},"occurrenceDateTime":"2021-07-01"}`
	id := imported(s, patientOf(nikA, "Ana Contoh", birthA), dose).Aside
	for n := range 2 {
		if _, err := s.Care.Attach(t.Context(), office, id, who, "married-name"); err != nil {
			t.Fatal(err)
		}
		if got := doses(s, who); got != 1 {
			t.Errorf("time %d: %d doses attached", n+1, got)
		}
		stands(s, id, record.Attached, 2+2*n)
		if err := s.Care.Undo(t.Context(), office, id, "another-person"); err != nil {
			t.Fatal(err)
		}
	}
}
