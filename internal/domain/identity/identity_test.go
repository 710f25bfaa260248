package identity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestParseNIK(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"a man", "9901011508900001", nil},
		{"a woman", "9901015508900001", nil},
		{"born on a leap day", "9901012902000001", nil},
		{"fifteen digits", "990101150890001", identity.ErrNIKLength},
		{"seventeen digits", "99010115089000011", identity.ErrNIKLength},
		{"empty", "", identity.ErrNIKLength},
		{"spaces inside", "9901 0115 0890 0001", identity.ErrNIKDigits},
		{"a space behind", "9901011508900001 ", identity.ErrNIKDigits},
		{"full-width digits", "９９01011508900001", identity.ErrNIKDigits},
		{"31 February", "9901013102900001", identity.ErrNIKDate},
		{"29 February 1999", "9901012902990001", identity.ErrNIKDate},
		{"month 13", "9901011513900001", identity.ErrNIKDate},
		{"day 0", "9901010008900001", identity.ErrNIKDate},
		{"day 40", "9901014008900001", identity.ErrNIKDate},
		{"day 72", "9901017208900001", identity.ErrNIKDate},
		{"province 00", "0001011508900001", identity.ErrNIKRegion},
		{"regency 00", "9900011508900001", identity.ErrNIKRegion},
		{"serial 0000", "9901011508900000", identity.ErrNIKSerial},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := identity.ParseNIK(c.in)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err != nil && c.in != "" && strings.Contains(err.Error(), c.in) {
				t.Error("the error repeats the number")
			}
		})
	}
}

func person(t testing.TB, nik, name, birth, phone string) identity.Person {
	t.Helper()
	n, err := identity.ParseNIK(nik)
	if err != nil {
		t.Fatal(err)
	}
	nm, err := identity.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := day.Parse(birth)
	if err != nil {
		t.Fatal(err)
	}
	p := identity.Person{NIK: n, Name: nm, Birth: b, Sex: n.Sex()}
	if phone != "" {
		if p.Phone, err = identity.ParsePhone(phone); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestSecretsNeverPrint(t *testing.T) {
	p := person(t, "9901011508900001", "Siti Rahayu", "1990-08-15", "0812 0000 0001")
	js, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "person", p, "nik", p.NIK, "name", p.Name, "phone", p.Phone)
	all := fmt.Sprintf("%v %+v %#v %s %q %d %x", p, p, p, p.NIK, p.Name, p.Phone, p.NIK) + string(js) + log.String()
	for _, secret := range []string{"9901011508900001", "Siti", "Rahayu", "6281200000001", "53697469", "39393031"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q prints in %s", secret, all)
		}
	}
	if p.NIK.Reveal() != "9901011508900001" || p.Name.Reveal() != "Siti Rahayu" || p.Phone.Reveal() != "6281200000001" {
		t.Error("Reveal does not return the value")
	}
}

func TestCheckBirth(t *testing.T) {
	today, _ := day.Parse("2026-11-24")
	if err := person(t, "9901015508900001", "Ani", "1990-08-15", "").Check(today); err != nil {
		t.Errorf("a woman's day plus 40: %v", err)
	}
	if err := person(t, "9901011508900001", "Budi", "1990-08-16", "").Check(today); !errors.Is(err, identity.ErrBirth) {
		t.Errorf("another day: %v", err)
	}
	if err := person(t, "9901011508300001", "Budi", "2030-08-15", "").Check(today); !errors.Is(err, identity.ErrFuture) {
		t.Errorf("future: %v", err)
	}
}

func TestSamePersonForgivesSpellingOnly(t *testing.T) {
	a := person(t, "9901015508900001", "Nur'aini  Putri", "1990-08-15", "")
	if !identity.SamePerson(a, person(t, "9901015508900001", "NURAINI PUTRI", "1990-08-15", "")) {
		t.Error("spelling makes two people")
	}
	if identity.SamePerson(a, person(t, "9901015508900001", "Aini Putri", "1990-08-15", "")) {
		t.Error("another name is the same person")
	}
	if identity.SamePerson(a, person(t, "9901015508900001", "Nur'aini Putri", "1890-08-15", "")) {
		t.Error("another century is the same person")
	}
}

var compare = cmp.Options{
	cmp.AllowUnexported(identity.Person{}, identity.NIK{}, identity.Name{}, identity.Phone{}),
	cmpopts.EquateEmpty(),
}

func TestPersonRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, err := identity.ParseName(rapid.StringMatching(`[\pL][\pL ']{0,40}[\pL]`).Draw(t, "name"))
		if err != nil {
			t.Skip()
		}
		d := rapid.IntRange(1, 28).Draw(t, "day")
		m := rapid.IntRange(1, 12).Draw(t, "month")
		nik, err := identity.ParseNIK(fmt.Sprintf("990101%02d%02d90%04d", d, m, rapid.IntRange(1, 9999).Draw(t, "serial")))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := day.Parse(fmt.Sprintf("1990-%02d-%02d", m, d))
		p := identity.Person{NIK: nik, Name: name, Birth: b, Sex: nik.Sex()}
		raw, _ := p.AppendBinary(nil)
		got, err := identity.OpenPerson(raw)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, got, compare); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzOpenPerson(f *testing.F) {
	raw, _ := person(f, "9901011508900001", "Siti", "1990-08-15", "+62 812 0000 0001").AppendBinary(nil)
	f.Add(raw)
	f.Add(raw[:22])
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := identity.OpenPerson(b)
		if err != nil {
			return
		}
		if again, _ := p.AppendBinary(nil); string(again) != string(b) {
			t.Errorf("%x reads and writes back as %x", b, again)
		}
	})
}

func FuzzParseNIK(f *testing.F) {
	f.Add("9901011508900001")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := identity.ParseNIK(s); err == nil && n.Reveal() != s {
			t.Errorf("%q parses as another number", s)
		}
	})
}
