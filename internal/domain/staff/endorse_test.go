package staff_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/format/jose"
)

func key(t testing.TB, s *stafftest.Signer) jose.Key {
	t.Helper()
	k, err := jose.ParseKey(s.JWK())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestEndorsementsHold(t *testing.T) {
	for _, passkey := range []*stafftest.Signer{stafftest.EC(t), stafftest.Ed(t)} {
		browser, until := stafftest.EC(t), now.Add(time.Hour)
		good := passkey.Assert(t, "staff-17", browser.Thumbprint(), until, stafftest.Origin, 0x05)
		e, err := staff.ParseEndorsement(good.Encode())
		if d := cmp.Diff(good, e); d != "" || err != nil {
			t.Fatalf("%v %s", err, d)
		}
		if !e.Holds(key(t, passkey), browser.Thumbprint(), stafftest.Origin) {
			t.Fatal("a good endorsement does not hold")
		}
		for name, no := range map[string]bool{
			"another browser's key": e.Holds(key(t, passkey), stafftest.EC(t).Thumbprint(), stafftest.Origin),
			"another passkey":       e.Holds(key(t, stafftest.EC(t)), browser.Thumbprint(), stafftest.Origin),
			"another site":          e.Holds(key(t, passkey), browser.Thumbprint(), "https://amanah.example.org"),
			"no key":                e.Holds(jose.Key{}, browser.Thumbprint(), stafftest.Origin),
			"nobody verified":       holds(t, passkey, browser, passkey.Assert(t, "staff-17", browser.Thumbprint(), until, stafftest.Origin, 0x01)),
			"nobody present":        holds(t, passkey, browser, passkey.Assert(t, "staff-17", browser.Thumbprint(), until, stafftest.Origin, 0x04)),
			"made elsewhere":        holds(t, passkey, browser, passkey.Assert(t, "staff-17", browser.Thumbprint(), until, "https://phish.example", 0x05)),
		} {
			if no {
				t.Errorf("%s: holds", name)
			}
		}
		for name, alter := range map[string]func(*staff.Endorsement){
			"a later end":         func(e *staff.Endorsement) { e.Until = e.Until.Add(time.Second) },
			"another site's data": func(e *staff.Endorsement) { e.Data[0] ^= 1 },
			"short data":          func(e *staff.Endorsement) { e.Data = e.Data[:36] },
			"signature":           func(e *staff.Endorsement) { e.Signature[10] ^= 1 },
			"a registration":      func(e *staff.Endorsement) { e.Client = bytes.Replace(e.Client, []byte("get"), []byte("create"), 1) },
			"in a frame":          func(e *staff.Endorsement) { e.Client = bytes.Replace(e.Client, []byte("false"), []byte("true"), 1) },
			"client data none":    func(e *staff.Endorsement) { e.Client = nil },
		} {
			altered, err := staff.ParseEndorsement(good.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if alter(&altered); altered.Holds(key(t, passkey), browser.Thumbprint(), stafftest.Origin) {
				t.Errorf("%s: holds", name)
			}
		}
	}
}

func holds(t *testing.T, passkey, browser *stafftest.Signer, e staff.Endorsement) bool {
	t.Helper()
	return e.Holds(key(t, passkey), browser.Thumbprint(), stafftest.Origin)
}

func TestRelyingParties(t *testing.T) {
	for origin, want := range map[string]string{"https://amanah.example": "amanah.example", "https://amanah.example:8443": "amanah.example", "http://localhost:8080": "localhost", "https://[::1]": "[::1]"} {
		if got := staff.RelyingParty(origin); got != want {
			t.Errorf("%s: %s", origin, got)
		}
	}
}

func FuzzEndorsement(f *testing.F) {
	s := stafftest.EC(f)
	f.Add(s.Endorse(f, "staff-17", [32]byte{1}, now))
	f.Add([]byte{1, 255, 'a'})
	f.Add([]byte{1, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	k := key(f, s)
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := staff.ParseEndorsement(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Encode(), raw) {
			t.Errorf("%x is read and written otherwise", raw)
		}
		e.Holds(k, [32]byte{1}, stafftest.Origin)
	})
}
