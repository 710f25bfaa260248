package staff_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/staff"
)

// vector is one of the W3C's (Web Authentication Level 3, §16): a registration and an
// assertion of the same passkey, for example.org.
type vector struct {
	Name         string
	Challenge    string // of the registration
	Client       string
	Attestation  string
	Credential   string
	GetChallenge string
	AuthData     string
	GetClient    string
	Signature    string
	Unknown      bool // of a kind of key that we do not take
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/webauthn3.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	if err := json.Unmarshal(raw, &out); err != nil || len(out) < 2 {
		t.Fatal(len(out), err)
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors: the published registrations parse to their key and the published
// assertions verify under it. None of them is by a verified holder, so that our rules
// refuse them for that and for nothing else; a changed byte is refused before.
func TestVectors(t *testing.T) {
	site := staff.Site{ID: "example.org", Origin: "https://example.org", Synced: true}
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			attestation, client := unhex(t, v.Attestation), unhex(t, v.Client)
			made, err := staff.ParseAttestation(attestation)
			if v.Unknown {
				if !errors.Is(err, staff.ErrKeyKind) {
					t.Fatalf("another kind of key: %v", err)
				}
				return
			}
			if err != nil || !bytes.Equal(made.Credential, unhex(t, v.Credential)) {
				t.Fatalf("%x %v", made.Credential, err)
			}
			if _, err := site.Register([32]byte(unhex(t, v.Challenge)), attestation, client); !errors.Is(err, staff.ErrVerified) {
				t.Errorf("register: %v", err)
			}
			a := staff.Assertion{AuthData: unhex(t, v.AuthData), ClientData: unhex(t, v.GetClient), Signature: unhex(t, v.Signature)}
			challenge := [32]byte(unhex(t, v.GetChallenge))
			if err := site.Verify(made.Key, challenge, a); !errors.Is(err, staff.ErrVerified) {
				t.Errorf("verify: %v", err)
			}
			for name, change := range map[string]func(){
				"challenge": func() { challenge[0] ^= 1 },
				"signature": func() { a.Signature = bytes.Clone(a.Signature); a.Signature[len(a.Signature)-1] ^= 1 },
				"data":      func() { a.AuthData = bytes.Clone(a.AuthData); a.AuthData[36] ^= 1 },
				"origin":    func() { a.ClientData = bytes.Replace(a.ClientData, []byte("example"), []byte("exampla"), 1) },
			} {
				c, b := challenge, a
				if change(); site.Verify(made.Key, challenge, a) == nil || !errors.Is(site.Verify(made.Key, challenge, a), staff.ErrAsserted) {
					t.Errorf("%s changed: %v", name, site.Verify(made.Key, challenge, a))
				}
				challenge, a = c, b
			}
		})
	}
}
