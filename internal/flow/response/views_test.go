package response_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// viewer enrols somebody of a hospital, and returns what opens a record by their signature.
func (s *stand) viewer(id staff.ActorID) func(ref record.Ref) care.Record {
	s.T.Helper()
	key, browser := stafftest.Ed(s.T), stafftest.EC(s.T)
	rights := staff.Enter | staff.Correct | staff.View
	a := staff.Actor{ID: id, Facility: "rs-99-001", Role: staff.RoleClient, Rights: rights, Key: key.JWK()}
	by := keeper.Ask{
		Proof:       browser.Proof(s.T, stafftest.Request("POST", stafftest.Origin+"/v1/actors/"+string(id)+"/"+a.Digest(), time.Now())),
		Endorsement: s.Officers.Keys["officer-1"].Endorses(caretest.Desk, "officer-1", browser.Thumbprint(), time.Now().Add(time.Hour)).Encode(),
	}
	if err := s.Server.Enrol(s.T.Context(), keeper.Enrolment{Actor: a, By: by}); err != nil {
		s.T.Fatal(err)
	}
	s.Care.Keeper = s.Server
	return func(ref record.Ref) care.Record {
		s.T.Helper()
		ask := keeper.Ask{Proof: key.Proof(s.T, stafftest.Request("GET", stafftest.Origin+"/fhir/R4/Condition/"+ref.String(), time.Now()))}
		r, err := s.Care.Open(s.T.Context(), care.Caller{Actor: id, Facility: a.Facility, Role: a.Role, Rights: rights, Ask: ask}, ref, 0)
		if err != nil {
			s.T.Fatal(err)
		}
		return r
	}
}

// someRecord is the last record of somebody's.
func (s *stand) someRecord() (ref record.Ref) {
	s.T.Helper()
	who, err := s.Care.Find(s.T.Context(), s.niks[0])
	if err != nil {
		s.T.Fatal(err)
	}
	err = s.DB.View(s.T.Context(), func(st store.Stores) error {
		all, err := st.Records.Versions(who.Person)
		for _, v := range all {
			ref = record.RefOf(who.Person, v.Number)
		}
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return ref
}

// TestSingleViews: a view has a name beside the record, whose bytes stay; a page of it that was
// copied with its foot names that view among all, under a bound of its own, and one without it,
// or with a name that was made up, names none. What copies must reach does not change.
func TestSingleViews(t *testing.T) {
	s := open(t, 4)
	copied, text := s.copy(staff.FormCSV)
	before := s.trace("copy.csv", text)
	one, two := s.viewer("client-7"), s.viewer("client-8")
	ref := s.someRecord()
	a, again, b := one(ref), one(ref), two(ref)
	if a.View == (leak.ViewToken{}) || a.View == again.View || a.View == b.View || !bytes.Equal(a.Body, b.Body) || bytes.Contains(a.Body, []byte("amv-")) {
		t.Fatalf("views %s, %s and %s of the same bytes", a.View, again.View, b.View)
	}
	page := func(name string) string {
		return fmt.Sprintf("<h2>Warga A</h2>\n<p>%s</p>\n<footer>Nama tampilan: %s</footer>\n", a.Body, name)
	}
	found := func(c *response.Case) (views []response.Found) {
		for _, f := range c.Found {
			if f.View != "" {
				views = append(views, f)
			}
		}
		return views
	}
	c := s.trace("page.html", page(a.View.String()))
	if got := found(c); len(got) != 1 || got[0].Grade != leak.Established || got[0].Account != "client-7" || got[0].View != a.View.String() || c.Views != 3 {
		t.Errorf("of %d views: %+v", c.Views, got)
	}
	if got := found(s.trace("capitals.html", strings.ToUpper(page(b.View.String())))); len(got) != 1 || got[0].Account != "client-8" {
		t.Errorf("in capitals: %+v", got)
	}
	for what, name := range map[string]string{"without its foot": "", "made up": leak.ViewToken{7}.String(), "cut": a.View.String()[:30]} {
		if got := found(s.trace("page.html", page(name))); len(got) != 0 {
			t.Errorf("%s: %+v", what, got)
		}
	}
	after := s.trace("copy.csv", text+"\n")
	s.established("the copy", after, copied)
	k, l := leak.Spend(leak.Epsilon, before.N, 1), leak.Spend(leak.Epsilon, after.N, 1)
	if d := after.Threshold - before.Threshold - (l.Threshold()-k.Threshold())/2.302585092994046; d > 1e-9 || d < -1e-9 || before.Copies != 1 || after.Copies != 1 {
		t.Errorf("views count among copies: %d and %d, threshold %f and %f", before.Copies, after.Copies, before.Threshold, after.Threshold)
	}
}
