package staff_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
)

var now = time.Date(2026, 11, 29, 8, 0, 0, 0, day.Zone())

func proof(t testing.TB, s *stafftest.Signer, path string) staff.Proof {
	t.Helper()
	p, err := staff.ParseProof(s.Proof(t, stafftest.Request("GET", stafftest.Origin+path, now)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}

func TestProofsAreRead(t *testing.T) {
	for _, s := range []*stafftest.Signer{stafftest.Ed(t), stafftest.EC(t)} {
		c := stafftest.Request("GET", stafftest.Origin+"/fhir/R4/Patient/7", now)
		maps.Copy(c, stafftest.Claims{"jti": "one", "ath": "x", "nonce": "y", "purpose": "break-glass"})
		p, err := staff.ParseProof(s.Proof(t, c))
		if err != nil || p.Key.Thumbprint() != s.Thumbprint() || p.ID != "one" || p.Method != "GET" || p.Origin != stafftest.Origin ||
			!p.Issued.Equal(now) || p.Purpose != "break-glass" {
			t.Errorf("%+v %v", p, err)
		}
		for name, alter := range map[string]func(stafftest.Claims){
			"no id":           func(c stafftest.Claims) { delete(c, "jti") },
			"a long id":       func(c stafftest.Claims) { c["jti"] = strings.Repeat("x", 65) },
			"no method":       func(c stafftest.Claims) { delete(c, "htm") },
			"no address":      func(c stafftest.Claims) { delete(c, "htu") },
			"no time":         func(c stafftest.Claims) { delete(c, "iat") },
			"time as text":    func(c stafftest.Claims) { c["iat"] = "1" },
			"time in parts":   func(c stafftest.Claims) { c["iat"] = 1.5 },
			"time far":        func(c stafftest.Claims) { c["iat"] = int64(1) << 50 },
			"purpose a list":  func(c stafftest.Claims) { c["purpose"] = []string{"treatment"} },
			"purpose empty":   func(c stafftest.Claims) { c["purpose"] = "" },
			"too long":        func(c stafftest.Claims) { c["x"] = strings.Repeat("x", staff.MaxProof) },
			"query":           func(c stafftest.Claims) { c["htu"] = stafftest.Origin + "/Patient/7?x=Patient/8" },
			"fragment":        func(c stafftest.Claims) { c["htu"] = stafftest.Origin + "/Patient/7#8" },
			"dots":            func(c stafftest.Claims) { c["htu"] = stafftest.Origin + "/Patient/7/../8" },
			"escaped dots":    func(c stafftest.Claims) { c["htu"] = stafftest.Origin + "/Patient/7/%2e%2e/8" },
			"empty segment":   func(c stafftest.Claims) { c["htu"] = stafftest.Origin + "/Patient//7" },
			"slash at end":    func(c stafftest.Claims) { c["htu"] = stafftest.Origin + "/Patient/7/" },
			"a path alone":    func(c stafftest.Claims) { c["htu"] = "/fhir/R4/Patient/7" },
			"an origin alone": func(c stafftest.Claims) { c["htu"] = stafftest.Origin },
		} {
			altered := maps.Clone(c)
			alter(altered)
			if _, err := staff.ParseProof(s.Proof(t, altered)); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
	}
}

func TestWhomAPathNames(t *testing.T) {
	s := stafftest.Ed(t)
	for path, want := range map[string]record.Ref{
		"/fhir/R4/Patient/123":                              {Person: 123},
		"/fhir/R4/Patient/123/$everything":                  {Person: 123},
		"/dicomweb/patients/123/studies":                    {Person: 123},
		"/dicomweb/patients/123/studies/5/series/7":         {Person: 123},
		"/dicomweb/patients/123/patients/124":               {},
		"/fhir/R4/Patient/123/Observation":                  {Person: 123},
		"/fhir/R4/Observation/123-65536":                    {Person: 123, Number: 65536},
		"/fhir/R4/Observation/123-65536/_history/2":         {Person: 123, Number: 65536}, // and not person 2
		"/fhir/R4/Patient/123/Observation/123-65536":        {Person: 123, Number: 65536},
		"/dicom-web/Patient/123/studies/1.2.3/series/4":     {Person: 123},
		"/fhir/R4/Patient/123/Observation/124-65536":        {},
		"/fhir/R4/Patient/124/Observation/Patient/123":      {},
		"/fhir/R4/Observation/123-65536/123-65537":          {},
		"/fhir/R4/Observation/123-65536/Patient/124":        {},
		"/v1/venues/123":                                    {},
		"/fhir/R4/Patient/0":                                {},
		"/fhir/R4/Patient/0123":                             {},
		"/fhir/R4/patient/123":                              {},
		"/123":                                              {},
		"/fhir/R4/Observation/123-65535":                    {},
		"/fhir/R4/Patient/123/_history/124-65536/x/Patient": {},
	} {
		got, ok := proof(t, s, path).Ref()
		if got != want || ok != (want.Person != 0) {
			t.Errorf("%s names %v (%t), want %v", path, got, ok, want)
		}
	}
}

func TestWhatElsePathsSay(t *testing.T) {
	s := stafftest.Ed(t)
	d, err := day.Parse("2027-01-31")
	if err != nil {
		t.Fatal(err)
	}
	r, until, ok := proof(t, s, "/v1/Patient/7/relation/2027-01-31").Relation()
	if !ok || r.Person != 7 || !until.Equal(d.Add(1).Start()) {
		t.Errorf("relation: %v until %v, %t", r, until, ok)
	}
	for _, path := range []string{"/v1/Patient/7/relation", "/v1/Patient/7/relation/2027-02-30", "/v1/Patient/7/relation/2027-01-31/x", "/Patient/8/Patient/7/relation/2027-01-31"} {
		if _, _, ok := proof(t, s, path).Relation(); ok {
			t.Errorf("%s is a relation", path)
		}
	}
	if id, ok := proof(t, s, "/v1/actors/staff-17/approval").Approval(); !ok || id != "staff-17" {
		t.Errorf("approval of %q", id)
	}
	for _, path := range []string{"/v1/actors/Staff/approval", "/v1/actors/staff-17/approval/x", "/approval"} {
		if _, ok := proof(t, s, path).Approval(); ok {
			t.Errorf("%s is an approval", path)
		}
	}
	a := staff.Actor{ID: "staff-17", Facility: "rs-99-001", Role: staff.RoleClinician, Rights: staff.View, Key: stafftest.EC(t).JWK()}
	p := proof(t, s, "/v1/actors/staff-17/"+a.Digest())
	if !p.Enrols(a) {
		t.Error("what was signed is not enrolled")
	}
	for name, alter := range map[string]func(*staff.Actor){
		"id":       func(a *staff.Actor) { a.ID = "staff-18" },
		"facility": func(a *staff.Actor) { a.Facility = "rs-99-002" },
		"role":     func(a *staff.Actor) { a.Role = staff.RoleOfficer },
		"rights":   func(a *staff.Actor) { a.Rights |= staff.Enter },
		"key":      func(a *staff.Actor) { a.Key = s.JWK() },
		"ended":    func(a *staff.Actor) { a.Ended = now },
	} {
		other := a
		if alter(&other); p.Enrols(other) {
			t.Errorf("another %s is enrolled than was signed", name)
		}
	}
}

func TestNamesDiffer(t *testing.T) {
	s, other := stafftest.Ed(t), stafftest.Ed(t)
	c := stafftest.Request("GET", stafftest.Origin+"/x", now)
	a, err := staff.ParseProof(s.Proof(t, c))
	if err != nil {
		t.Fatal(err)
	}
	b, err := staff.ParseProof(other.Proof(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if a.Name() == b.Name() || a.Name() == proof(t, s, "/x").Name() {
		t.Error("two proofs have one name")
	}
}

func FuzzProof(f *testing.F) {
	s := stafftest.Ed(f)
	f.Add(s.Proof(f, stafftest.Request("GET", stafftest.Origin+"/Patient/7", now)))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := staff.ParseProof(text)
		if err != nil {
			return
		}
		if p.ID == "" || p.Method == "" || p.Origin == "" {
			t.Errorf("%+v", p)
		}
		p.Ref()
		p.Relation()
		p.Approval()
	})
}

// FuzzPath: whatever the path, it names one person or nobody, and nobody who is not
// in it.
func FuzzPath(f *testing.F) {
	s := stafftest.Ed(f)
	f.Add("/Patient/7/Observation/7-65536")
	f.Add("//..%2f/Patient/1?#")
	f.Fuzz(func(t *testing.T, path string) {
		p, err := staff.ParseProof(s.Proof(t, stafftest.Request("GET", stafftest.Origin+path, now)))
		if err != nil {
			return
		}
		if r, ok := p.Ref(); ok && !strings.Contains(path, "/"+r.String()) {
			t.Errorf("%q names %v", path, r)
		}
	})
}
