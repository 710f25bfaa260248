package evidence

import (
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
)

// Reasons for which a row cannot be read; none repeats what was given.
var (
	errSex    = fault.New(fault.Invalid, "sex: L, P, M or F, or leave it out: the NIK says it")
	errKind   = fault.New(fault.Invalid, "kind: dose, test, recovery, contact, exemption, arrival or inquiry")
	errRef    = fault.New(fault.Invalid, "ref: the record's number at its source, 1 to 48 characters; without it nobody could dispute the row")
	errAt     = fault.New(fault.Invalid, "at: the time the sample was taken, RFC 3339, such as 2026-11-24T09:30:00+07:00")
	errTest   = fault.New(fault.Invalid, "test: pcr or antigen")
	errResult = fault.New(fault.Invalid, "result: positive or negative")
	errFlag   = fault.New(fault.Invalid, "abroad: true or false, or leave it out")
)

// PersonColumns are the columns of a file of people, with the names they may have
// instead.
func PersonColumns() map[string]string {
	return map[string]string{
		"nik": "nik", "name": "name", "nama": "name", "birth_date": "birth_date", "birth": "birth_date", "tanggal_lahir": "birth_date",
		"sex": "sex", "jenis_kelamin": "sex", "phone": "phone", "telepon": "phone",
	}
}

// FactColumns are the columns of a file of evidence.
func FactColumns() map[string]string {
	out := map[string]string{}
	for _, c := range []string{"nik", "kind", "on", "at", "vaccine", "abroad", "test", "result", "until", "cleared", "ref"} {
		out[c] = c
	}
	return out
}

// ReadPerson reads one row of people. Missing columns read as empty.
func ReadPerson(column func(name string) string, today day.Day) (identity.Person, error) {
	var p identity.Person
	var err error
	if p.NIK, err = identity.ParseNIK(column("nik")); err != nil {
		return p, err
	}
	if p.Name, err = identity.ParseName(column("name")); err != nil {
		return p, err
	}
	if p.Birth, err = day.Parse(column("birth_date")); err != nil {
		return p, err
	}
	if phone := column("phone"); phone != "" {
		if p.Phone, err = identity.ParsePhone(phone); err != nil {
			return p, err
		}
	}
	switch strings.ToUpper(column("sex")) {
	case "":
		p.Sex = p.NIK.Sex()
	case "L", "M":
		p.Sex = identity.Male
	case "P", "F":
		p.Sex = identity.Female
	default:
		return p, errSex
	}
	return p, p.Check(today)
}

// ReadFact reads one row of evidence.
func ReadFact(column func(name string) string) (identity.NIK, status.Evidence, error) {
	nik, err := identity.ParseNIK(column("nik"))
	if err != nil {
		return nik, status.Evidence{}, err
	}
	e, err := readItem(column)
	return nik, e, err
}

func readItem(column func(name string) string) (e status.Evidence, err error) {
	ref := column("ref")
	if ref == "" || len(ref) > 48 {
		return e, errRef
	}
	kind := column("kind")
	if kind == "test" {
		t, err := readTest(column, ref)
		e.Tests = []status.Test{t}
		return e, err
	}
	on, err := day.Parse(column("on"))
	if err != nil {
		return e, err
	}
	switch kind {
	case "dose":
		abroad, err := readFlag(column("abroad"))
		if err != nil {
			return e, err
		}
		e.Doses = []status.Dose{{On: on, Vaccine: column("vaccine"), Abroad: abroad, Ref: ref}}
	case "recovery":
		e.Recoveries = []status.Recovery{{On: on, Ref: ref}}
	case "contact":
		e.Contacts = []status.Contact{{On: on, Ref: ref}}
	case "exemption":
		until, err := day.Parse(column("until"))
		if err != nil {
			return e, err
		}
		e.Exemptions = []status.Exemption{{From: on, Until: until, Ref: ref}}
	case "arrival":
		a := status.Arrival{On: on, Ref: ref}
		if cleared := column("cleared"); cleared != "" {
			if a.ClearedOn, err = day.Parse(cleared); err != nil {
				return e, err
			}
			a.Cleared = true
		}
		e.Arrivals = []status.Arrival{a}
	case "inquiry":
		e.Inquiries = []status.Inquiry{{On: on, Ref: ref}}
	default:
		return e, errKind
	}
	return e, nil
}

func readTest(column func(name string) string, ref string) (status.Test, error) {
	t := status.Test{Ref: ref}
	at, err := time.Parse(time.RFC3339, column("at"))
	if err != nil {
		return t, errAt
	}
	t.At = at.Truncate(time.Minute)
	switch column("test") {
	case "pcr":
		t.Kind = status.PCR
	case "antigen":
		t.Kind = status.Antigen
	default:
		return t, errTest
	}
	switch column("result") {
	case "positive":
		t.Positive = true
	case "negative":
	default:
		return t, errResult
	}
	return t, nil
}

func readFlag(s string) (bool, error) {
	switch s {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, errFlag
}
