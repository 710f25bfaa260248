package identity_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

func TestNumberSealedForm(t *testing.T) {
	phone, err := identity.ParsePhone("+62 812 0000 0001")
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Number{Phone: phone, From: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)}
	raw, err := want.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := identity.OpenNumber(raw); err != nil || got != want {
		t.Errorf("opened: %v, %v", got, err)
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "cut": raw[:9], "another format": append([]byte{2}, raw[1:]...), "no digits": append(raw[:10:10], "abc"...),
		"written otherwise": append(raw[:9:9], "62-81200000001"...),
	} {
		if _, err := identity.OpenNumber(bad); !errors.Is(err, identity.ErrNumber) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOpenNumber: a number is sealed in one form, and nothing else is one.
func FuzzOpenNumber(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x6a\x0b\x5c\x006281200000001"))
	f.Add([]byte("\x01\x80\x00\x00\x00\x00\x00\x00\x0012345678"))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x0008120000"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := identity.OpenNumber(b)
		if err != nil {
			if !errors.Is(err, identity.ErrNumber) || n != (identity.Number{}) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if again, err := n.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%v: opened %x, written %x", err, b, again)
		}
		if n.Phone.Masked() == "" {
			t.Error("a number that cannot be shown")
		}
	})
}

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		"Siti Nurhaliza": "S••• N•••", "Sukarno": "S•••", "A B C": "A••• B••• C•••", "'Āisyah": "'•••", "王 芳": "王••• 芳•••",
	} {
		n, err := identity.ParseName(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Masked(); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	short, long := identity.Phone{}, identity.Phone{}
	long, err := identity.ParsePhone("081200000123")
	if err != nil {
		t.Fatal(err)
	}
	if short.Masked() != "" || long.Masked() != "••••123" {
		t.Errorf("numbers: %q, %q", short.Masked(), long.Masked())
	}
}

func TestProofs(t *testing.T) {
	for p := identity.BirthCertificate; p <= identity.CourtOrder; p++ {
		if got, err := identity.ParseProof(p.String()); err != nil || got != p {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	for _, s := range []string{"", "none", "a friend"} {
		if _, err := identity.ParseProof(s); !errors.Is(err, identity.ErrProof) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, want := range map[string]error{"facility-12": nil, "": identity.ErrOffice, "Dr Siti": identity.ErrOffice, "a23456789012345678901234567890123456789 1": identity.ErrOffice} {
		if err := identity.CheckOffice(s); !errors.Is(err, want) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestCodesSentAreCounted(t *testing.T) {
	at := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	var g identity.Guesses
	for n := range identity.CodesPerDay {
		var err error
		if g, err = g.Send(n%identity.CodesPerAttempt, at); err != nil || g.Sent != n+1 {
			t.Fatalf("code %d: %v, %v", n, g, err)
		}
	}
	if _, err := g.Send(0, at); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("one more on that day: %v", err)
	}
	if next, err := g.Send(0, at.Add(24*time.Hour)); err != nil || next.Sent != 1 || next.Wrong != 0 {
		t.Errorf("on the next day: %v, %v", next, err)
	}
	if _, err := (identity.Guesses{}).Send(identity.CodesPerAttempt, at); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("one more in that attempt: %v", err)
	}
	wrong := identity.Guesses{Day: g.Day, Wrong: identity.TriesPerDay}
	if _, err := wrong.Send(0, at); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("a code that nobody would look at: %v", err)
	}
}
