package record

import (
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// ErrSubject: a record of nobody, or of several people.
var ErrSubject = fault.New(fault.Invalid, "a record is of one person: subject or patient refers to Patient/ and our number, or to the Patient of the same transaction")

// subjectMembers hold whose a resource is, whatever its type calls that.
var subjectMembers = []string{"subject", "patient", "beneficiary", "individual"}

// SubjectOf returns whose a resource says that it is by our own numbers: by its subject,
// and without one by all that it refers to. Zero is of whom it does not say: of the
// Patient in the same transaction, or of nobody. ErrSubject, when it names several.
func SubjectOf(r *fhir.Resource) (identity.PersonID, error) {
	for _, name := range subjectMembers {
		target := r.Get(name).Get("reference").Text()
		if target == "" {
			continue
		}
		if local(target) {
			return 0, nil
		}
		ref, ok := strings.CutPrefix(target, "Patient/")
		who, err := ParseRef(ref)
		if !ok || err != nil || who.Number != 0 {
			return 0, ErrSubject
		}
		return who.Person, nil
	}
	var found identity.PersonID
	for _, one := range r.References {
		_, id, _ := strings.Cut(one.Target, "/")
		ref, err := ParseRef(id)
		switch {
		case err != nil:
		case found != 0 && found != ref.Person:
			return 0, ErrSubject
		default:
			found = ref.Person
		}
	}
	return found, nil
}

// local reports whether a reference is to another entry of the same bundle.
func local(target string) bool { return strings.HasPrefix(target, "urn:") }

// SubjectOfAll returns whose the resources of one transaction say that they are;
// ErrSubject, when not all of one person. Zero is of whom none says.
func SubjectOfAll(all []*fhir.Resource) (identity.PersonID, error) {
	var found identity.PersonID
	for _, r := range all {
		if r == nil || r.Type == "Patient" {
			continue
		}
		who, err := SubjectOf(r)
		if err != nil {
			return 0, err
		}
		if found != 0 && who != 0 && found != who {
			return 0, ErrSubject
		}
		found = max(found, who)
	}
	return found, nil
}

// directory are the types of what a health service has and no patient does (FHIR R4: in no
// patient's compartment by their own elements): an export in bulk has them beside records.
var directory = []string{
	"Endpoint", "HealthcareService", "InsurancePlan", "Location", "Medication", "Organization", "OrganizationAffiliation",
	"Practitioner", "PractitionerRole", "Substance",
}

// Directory reports whether a resource is of a health service's directory, and no record
// of anybody's.
func Directory(r *fhir.Resource) bool {
	return slices.Contains(directory, r.Type) && SubjectName(r) == ""
}

// SubjectName is what a resource calls whose it is, as it stands there: Patient/ and a
// number of some system's; "" when it names nobody.
func SubjectName(r *fhir.Resource) string {
	for _, name := range subjectMembers {
		if target := r.Get(name).Get("reference").Text(); target != "" {
			return target
		}
	}
	return ""
}
