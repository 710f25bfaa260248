package staff_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/format/jose"
)

var here = staff.Site{ID: "amanah.example", Origin: "https://amanah.example"}

var noon = time.Unix(1_796_000_000, 0)

func TestRegisterAndEndorse(t *testing.T) {
	for name, a := range map[string]*stafftest.Authenticator{"ES256": stafftest.Passkey(t), "EdDSA": stafftest.PasskeyEd(t)} {
		attestation, client := a.Register(here, [32]byte{1})
		made, err := here.Register([32]byte{1}, attestation, client)
		if err != nil || !bytes.Equal(made.Credential, a.Credential) || made.Key.Thumbprint() != a.Key().Thumbprint() {
			t.Fatalf("%s: %v", name, err)
		}
		challenge := [32]byte{7}
		if err := here.Verify(made.Key, challenge, a.Sign(here, challenge)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		browser, until := [32]byte{8}, noon.Add(time.Hour)
		e := a.Endorses(here, "staff-17", browser, until)
		if err := here.Verify(made.Key, staff.Challenge(browser, until), e.Assertion()); err != nil || !e.Holds(made.Key, browser, here.Origin) {
			t.Errorf("%s: the endorsement: %v", name, err)
		}
	}
}

// TestRefusedPasskeys: everything right but one thing.
func TestRefusedPasskeys(t *testing.T) {
	a := stafftest.Passkey(t)
	challenge := [32]byte{7}
	good := a.Sign(here, challenge)
	with := func(flags byte) staff.Assertion {
		a.Flags = flags
		defer func() { a.Flags = stafftest.Present | stafftest.Verified }()
		return a.Sign(here, challenge)
	}
	other, elsewhere := here, here
	other.Origin, elsewhere.ID = "https://amanah.example.evil", "evil.example"
	framed, short := good, good
	framed.ClientData = bytes.Replace(good.ClientData, []byte("false"), []byte("true "), 1)
	short.AuthData = good.AuthData[:36]
	const copied = stafftest.Present | stafftest.Verified | stafftest.Eligible
	for name, c := range map[string]struct {
		signed staff.Assertion
		key    jose.Key
		want   error
	}{
		"good":                    {good, a.Key(), nil},
		"another challenge":       {a.Sign(here, [32]byte{8}), a.Key(), staff.ErrAsserted},
		"another passkey":         {good, stafftest.Passkey(t).Key(), staff.ErrAsserted},
		"no passkey":              {good, jose.Key{}, staff.ErrAsserted},
		"nobody verified":         {with(stafftest.Present), a.Key(), staff.ErrVerified},
		"nobody present":          {with(stafftest.Verified), a.Key(), staff.ErrVerified},
		"copied to other devices": {with(copied), a.Key(), staff.ErrSynced},
		"for another origin":      {a.Sign(other, challenge), a.Key(), staff.ErrAsserted},
		"for another site":        {a.Sign(elsewhere, challenge), a.Key(), staff.ErrAsserted},
		"in a frame":              {framed, a.Key(), staff.ErrAsserted},
		"cut":                     {short, a.Key(), staff.ErrPasskey},
		"extensions without any":  {with(stafftest.Present | stafftest.Verified | 1<<7), a.Key(), staff.ErrPasskey},
	} {
		if err := here.Verify(c.key, challenge, c.signed); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	synced := here
	synced.Synced = true
	if err := synced.Verify(a.Key(), challenge, with(copied)); err != nil {
		t.Errorf("where copies are allowed: %v", err)
	}
}

// TestEveryByteCounts: no registration or endorsement with a byte changed, cut or added
// is taken for the same; the good one is the control.
func TestEveryByteCounts(t *testing.T) {
	a := stafftest.Passkey(t)
	attestation, client := a.Register(here, [32]byte{1})
	if _, err := here.Register([32]byte{1}, attestation, client); err != nil {
		t.Fatal(err)
	}
	for i := range attestation {
		changed := bytes.Clone(attestation)
		changed[i] ^= 0x55
		made, err := here.Register([32]byte{1}, changed, client)
		if err == nil && made.Key.Thumbprint() == a.Key().Thumbprint() && bytes.Equal(made.Credential, a.Credential) && !unread(attestation, i) {
			t.Errorf("byte %d changed, and nothing noticed", i)
		}
		if _, err := here.Register([32]byte{1}, attestation[:i], client); err == nil {
			t.Errorf("cut at %d, and taken", i)
		}
	}
	if _, err := here.Register([32]byte{1}, append(attestation, 0), client); err == nil {
		t.Error("a byte more, and taken")
	}
	good := a.Sign(here, [32]byte{7})
	for _, part := range []*[]byte{&good.AuthData, &good.ClientData, &good.Signature} {
		whole := *part
		for i := range whole {
			*part = bytes.Clone(whole)
			if (*part)[i] ^= 1; here.Verify(a.Key(), [32]byte{7}, good) == nil {
				t.Errorf("byte %d of %q changed, and it holds", i, whole)
			}
		}
		*part = whole
	}
}

// unread reports whether a byte of an attestation object tells us nothing: the name of
// its form, the passkey's model and its count of signatures, which no signature covers
// where no attestation is asked for.
func unread(attestation []byte, i int) bool {
	at := bytes.Index(attestation, []byte("authData")) + len("authData") + 2
	return i >= 6 && i < 10 || i >= at+33 && i < at+53
}

func TestFingerprint(t *testing.T) {
	k, err := jose.ParseKey([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)) // RFC 8037 appendix A
	if err != nil || staff.Fingerprint(k) != "SD5M-V7VJ-WFKW-NGCU-B5YM" {
		t.Error(staff.Fingerprint(k), err)
	}
}

func FuzzRegister(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(unhex(f, v.Attestation))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		made, err := staff.ParseAttestation(raw)
		if err != nil {
			return
		}
		again, err := jose.ParseKey(made.Key.JWK())
		if err != nil || again.Thumbprint() != made.Key.Thumbprint() {
			t.Fatalf("the key does not come back: %v", err)
		}
	})
}

// FuzzCBOR: what is passed over is in the one spelling, so that no item contains
// another spelling of itself.
func FuzzCBOR(f *testing.F) {
	for _, seed := range []string{"\x00", "\x18\x18", "\xa1\x01\x02", "\x82\x01\x20", "\x78\x18aaaaaaaaaaaaaaaaaaaaaaaa", "\x9f\xff", "\xf5", "\xfb"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		item, err := staff.Skip(raw)
		if err != nil {
			return
		}
		again, err := staff.Skip(item)
		if err != nil || !bytes.Equal(item, again) || !bytes.HasPrefix(raw, item) {
			t.Fatalf("%x in %x: %v", item, raw, err)
		}
	})
}

// TestCBOR: everything but the canonical spelling is refused.
func TestCBOR(t *testing.T) {
	for name, c := range map[string]struct {
		raw string
		ok  bool
	}{
		"number":               {"\x17", true},
		"longer than needed":   {"\x18\x17", false},
		"24":                   {"\x18\x18", true},
		"two bytes for one":    {"\x19\x00\xff", false},
		"four for two":         {"\x1a\x00\x00\xff\xff", false},
		"eight for four":       {"\x1b\x00\x00\x00\x00\xff\xff\xff\xff", false},
		"eight":                {"\x1b\x00\x00\x00\x01\x00\x00\x00\x00", true},
		"indefinite":           {"\x5f\x41\x00\xff", false},
		"tag":                  {"\xc0\x00", false},
		"half float":           {"\xf9\x3c\x00", false},
		"undefined":            {"\xf7", false},
		"cut string":           {"\x43ab", false},
		"keys ascend":          {"\xa2\x01\x00\x20\x00", true},
		"keys descend":         {"\xa2\x20\x00\x01\x00", false},
		"key twice":            {"\xa2\x01\x00\x01\x00", false},
		"shorter key first":    {"\xa2\x62zz\x00\x63aaa\x00", true},
		"deep":                 {"\x81\x81\x81\x81\x01", true},
		"too deep":             {"\x81\x81\x81\x81\x81\x01", false},
		"huge list":            {"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", false},
		"reserved information": {"\x1c", false},
	} {
		item, err := staff.Skip([]byte(c.raw))
		if (err == nil) != c.ok || c.ok && string(item) != c.raw {
			t.Errorf("%s: %x %v", name, item, err)
		}
	}
}
