package record

import (
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// NIKSystem is how FHIR names the national identity number (SATUSEHAT).
const NIKSystem = "https://fhir.kemkes.go.id/id/nik"

// Errors of claims.
var (
	ErrNoNIK  = fault.New(fault.Invalid, "the patient has no NIK: an identifier of system "+NIKSystem+" with 16 digits")
	ErrClaim  = fault.New(fault.Invalid, "the patient needs a NIK, a name and a whole date of birth to be matched")
	ErrNobody = fault.New(fault.NotFound, "nobody is registered under this NIK: the person must be registered first")
)

// Claim is who a record says that it is about.
type Claim struct {
	NIK   identity.NIK
	Names []identity.Name // any of them may agree
	Birth day.Day
}

// ClaimOf reads the claim of a FHIR Patient; ErrNoNIK, ErrClaim, or why its NIK is none.
func ClaimOf(patient *fhir.Resource) (Claim, error) {
	var c Claim
	var err error
	found := false
	for id := range patient.Get("identifier").Each() {
		if id.Get("system").Text() != NIKSystem || id.Get("use").Text() == "old" {
			continue
		}
		if found {
			return Claim{}, ErrClaim // two numbers are nobody's
		}
		found = true
		if c.NIK, err = identity.ParseNIK(id.Get("value").Text()); err != nil {
			return Claim{}, err
		}
	}
	if !found {
		return Claim{}, ErrNoNIK
	}
	return ClaimAs(patient, c.NIK)
}

// ClaimAs is the claim of a FHIR Patient whose NIK is known from elsewhere; ErrClaim.
func ClaimAs(patient *fhir.Resource, nik identity.NIK) (Claim, error) {
	c := Claim{NIK: nik}
	var err error
	for n := range patient.Get("name").Each() {
		c.addName(n.Get("text").Text())
		var given []string
		for g := range n.Get("given").Each() {
			given = append(given, g.Text())
		}
		c.addName(strings.Join(append(given, n.Get("family").Text()), " "))
	}
	if c.Birth, err = day.Parse(patient.Get("birthDate").Text()); err != nil || len(c.Names) == 0 {
		return Claim{}, ErrClaim
	}
	return c, nil
}

// ClaimOfDICOM reads the claim of a DICOM file, whose patient's number must be a NIK;
// ErrNoNIK, ErrClaim.
func ClaimOfDICOM(f *dicom.File) (Claim, error) {
	var c Claim
	var err error
	if c.NIK, err = identity.ParseNIK(strings.TrimSpace(f.PatientID)); err != nil {
		return Claim{}, ErrNoNIK
	}
	c.addName(f.Patient.Text())
	c.addName(f.Patient.Family + " " + f.Patient.Given)
	t, err := time.ParseInLocation("20060102", f.Birth, day.Zone())
	if err != nil || len(c.Names) == 0 {
		return Claim{}, ErrClaim
	}
	c.Birth = day.Of(t)
	return c, nil
}

func (c *Claim) addName(s string) {
	if n, err := identity.ParseName(s); err == nil && len(c.Names) < 16 {
		c.Names = append(c.Names, n)
	}
}

// Person is the claim as a registration of one of its names.
func (c Claim) person(n identity.Name) identity.Person {
	return identity.Person{NIK: c.NIK, Name: n, Birth: c.Birth}
}

// Registration is the claim as a person to register, under its first name;
// identity.ErrBirth or ErrFuture.
func (c Claim) Registration(today day.Day) (identity.Person, error) {
	if len(c.Names) == 0 {
		return identity.Person{}, ErrClaim
	}
	p := c.person(c.Names[0])
	p.Sex = c.NIK.Sex()
	return p, p.Check(today)
}

// Reasons for which a record is set aside.
const (
	ReasonName  Reason = "name-differs"
	ReasonBirth Reason = "birth-date-differs"
	ReasonBoth  Reason = "name-and-birth-date-differ"
	ReasonNIK   Reason = "nik-differs"
)

// Match holds a claim against the person registered under its NIK. The empty reason
// means that all agree, and only then may a record be attached. Names are compared as
// registrations are (identity.SamePerson): case, punctuation and spaces aside, any of
// the claim's names.
func Match(p identity.Person, c Claim) Reason {
	if p.NIK != c.NIK {
		return ReasonNIK
	}
	name := false
	for _, n := range c.Names {
		one := c.person(n)
		one.Birth = p.Birth
		name = name || identity.SamePerson(p, one)
	}
	switch birth := p.Birth == c.Birth; {
	case name && birth:
		return ""
	case name:
		return ReasonBirth
	case birth:
		return ReasonName
	}
	return ReasonBoth
}
