package verify

import (
	"crypto/elliptic"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"testing"
)

// hexBytes is hexadecimal in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

type vectors struct {
	NumberOfTests int
	TestGroups    []struct {
		PublicKey struct {
			PK           hexBytes // Ed25519
			Uncompressed hexBytes // P-256
		}
		Tests []struct {
			ID       int `json:"tcId"`
			Comment  string
			Msg, Sig hexBytes
			Result   string
		}
	}
}

func readVectors(t *testing.T, name string) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/wycheproof/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWycheproofEd25519(t *testing.T) {
	v := readVectors(t, "ed25519_test.json")
	ran, valid := 0, 0
	for _, g := range v.TestGroups {
		key, err := ParsePublicKey(Ed25519, g.PublicKey.PK)
		if err != nil {
			t.Fatalf("key %x: %v", []byte(g.PublicKey.PK), err)
		}
		for _, x := range g.Tests {
			ran++
			want := x.Result == "valid"
			if got := key.verify(x.Msg, x.Sig); got != want {
				t.Errorf("%d %s: got %v, want %v", x.ID, x.Comment, got, want)
			}
			if want {
				valid++
			}
		}
	}
	if ran != v.NumberOfTests || valid != 88 {
		t.Errorf("%d tests of %d, %d valid", ran, v.NumberOfTests, valid)
	}
}

// Wycheproof takes either s of an ECDSA signature as valid; we take the lower.
// A valid signature with the higher s must fail, and hold once s is lowered.
func TestWycheproofP256(t *testing.T) {
	v := readVectors(t, "ecdsa_secp256r1_sha256_p1363_test.json")
	ran, valid, high := 0, 0, 0
	n := elliptic.P256().Params().N
	for _, g := range v.TestGroups {
		key, err := ParsePublicKey(P256, compress(g.PublicKey.Uncompressed))
		if err != nil {
			t.Fatalf("key %x: %v", []byte(g.PublicKey.Uncompressed), err)
		}
		for _, x := range g.Tests {
			ran++
			want := x.Result == "valid"
			if s := new(big.Int).SetBytes(x.Sig[len(x.Sig)/2:]); want && s.Cmp(halfOrder()) > 0 {
				high++
				want = false
				lowered := append(hexBytes{}, x.Sig...)
				new(big.Int).Sub(n, s).FillBytes(lowered[32:])
				if !key.verify(x.Msg, lowered) {
					t.Errorf("%d %s: refused with the lower s", x.ID, x.Comment)
				}
			}
			if got := key.verify(x.Msg, x.Sig); got != want {
				t.Errorf("%d %s: got %v, want %v", x.ID, x.Comment, got, want)
			}
			if want {
				valid++
			}
		}
	}
	if ran != v.NumberOfTests || valid+high != 173 || valid == 0 || high == 0 {
		t.Errorf("%d tests of %d, %d valid, %d with the higher s", ran, v.NumberOfTests, valid, high)
	}
	t.Logf("%d vectors, %d valid, %d valid but for the higher s", ran, valid, high)
}
