package partner_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/partner"
)

func edSign(seed byte, head string, payload []byte) string {
	h := b64.EncodeToString([]byte(head))
	return h + ".." + b64.EncodeToString(ed25519.Sign(edKey(seed), []byte(h+"."+b64.EncodeToString(payload))))
}

func ecSign(t testing.TB, seed byte, head string, payload []byte) string {
	t.Helper()
	h := b64.EncodeToString([]byte(head))
	sum := sha256.Sum256([]byte(h + "." + b64.EncodeToString(payload)))
	r, s, err := ecdsa.Sign(rand.Reader, ecKey(t, seed), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var sig [64]byte
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return h + ".." + b64.EncodeToString(sig[:])
}

func TestSignatureOfEitherKind(t *testing.T) {
	byEd, byEC := terms(t), terms(t)
	byEC.Keys.Sign = ecJWK(t, 9)
	if err := byEd.Verify(edSign(1, `{"alg":"EdDSA","kid":"a","typ":"JOSE"}`, canonical(t, byEd))); err != nil {
		t.Error(err)
	}
	if err := byEC.Verify(ecSign(t, 9, `{"alg":"ES256"}`, canonical(t, byEC))); err != nil {
		t.Error(err)
	}
}

// TestEd25519Vector is RFC 8037 appendix A.4, its payload detached.
func TestEd25519Vector(t *testing.T) {
	k, err := partner.ParseKey([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		t.Fatal(err)
	}
	const sig = "eyJhbGciOiJFZERTQSJ9..hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	if err := k.Verify(sig, []byte("Example of Ed25519 signing")); err != nil {
		t.Error(err)
	}
	if got := k.Thumbprint(); b64.EncodeToString(got[:]) != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" { // A.3
		t.Errorf("thumbprint %x", got)
	}
}

// TestES256Vector is RFC 7515 appendix A.3, its payload detached.
func TestES256Vector(t *testing.T) {
	k, err := partner.ParseKey([]byte(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`))
	if err != nil {
		t.Fatal(err)
	}
	const sig = "eyJhbGciOiJFUzI1NiJ9..DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	payload := "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
	if err := k.Verify(sig, []byte(payload)); err != nil {
		t.Error(err)
	}
}

func TestSignatureRefused(t *testing.T) {
	good := terms(t)
	payload := canonical(t, good)
	sig := edSign(1, `{"alg":"EdDSA"}`, payload)
	head, mac, _ := strings.Cut(sig, "..")
	hs := b64.EncodeToString([]byte(`{"alg":"HS256"}`))
	h := hmac.New(sha256.New, edKey(1).Public().(ed25519.PublicKey)) // the public key taken for a shared one
	h.Write([]byte(hs + "." + b64.EncodeToString(payload)))
	changed := good
	changed.Version++
	for name, bad := range map[string]string{
		"nothing": "", "dots": "..", "no signature": head + "..",
		"alg none":              edSign(1, `{"alg":"none"}`, payload),
		"alg none, unsigned":    b64.EncodeToString([]byte(`{"alg":"none"}`)) + "..",
		"HS256":                 hs + ".." + b64.EncodeToString(h.Sum(nil)),
		"alg of another key":    edSign(1, `{"alg":"ES256"}`, payload),
		"no alg":                edSign(1, `{}`, payload),
		"alg in another case":   edSign(1, `{"ALG":"EdDSA"}`, payload),
		"alg twice":             edSign(1, `{"alg":"none","alg":"EdDSA"}`, payload),
		"crit":                  edSign(1, `{"alg":"EdDSA","crit":["b64"],"b64":false}`, payload),
		"its own key":           edSign(5, `{"alg":"EdDSA","jwk":`+string(edJWK(5))+`}`, payload),
		"another key":           edSign(5, `{"alg":"EdDSA"}`, payload),
		"the partner's relay":   ecSign(t, 2, `{"alg":"ES256"}`, payload),
		"other terms":           edSign(1, `{"alg":"EdDSA"}`, canonical(t, changed)),
		"payload within":        head + "." + b64.EncodeToString(payload) + "." + mac,
		"a part more":           sig + ".x",
		"a line feed":           sig + "\n",
		"padding":               sig + "=",
		"a longer signature":    sig + "AA",
		"a header without end":  strings.Repeat("A", 2000) + ".." + mac,
		"something after alg":   edSign(1, `{"alg":"EdDSA"} {}`, payload),
		"a header that is null": edSign(1, `null`, payload),
	} {
		if err := good.Verify(bad); !errors.Is(err, partner.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (partner.Key{}).Verify(sig, payload); !errors.Is(err, partner.ErrSignature) {
		t.Errorf("no key verifies: %v", err)
	}
	if err := (partner.Key{}).Verify(edSign(1, `{}`, payload), payload); !errors.Is(err, partner.ErrSignature) {
		t.Errorf("no key verifies no alg: %v", err)
	}
	if err := good.Verify(sig); err != nil { // the control: only the changes were refused
		t.Error(err)
	}
}

func TestKeysRefused(t *testing.T) {
	ed, ec := string(edJWK(1)), string(ecJWK(t, 2))
	for name, bad := range map[string]string{
		"nothing": "", "a word": `"x"`, "private": strings.Replace(ed, "{", `{"d":"AAAA",`, 1),
		"shared":            `{"kty":"oct","k":"AAAA"}`,
		"RSA":               `{"kty":"RSA","n":"AAAA","e":"AQAB"}`,
		"P-384":             strings.Replace(ec, "P-256", "P-384", 1),
		"X25519":            strings.Replace(ed, "Ed25519", "X25519", 1),
		"kinds mixed":       strings.Replace(ec, "EC", "OKP", 1),
		"Ed25519 with y":    strings.Replace(ed, "{", `{"y":"AAAA",`, 1),
		"off the curve":     `{"crv":"P-256","kty":"EC","x":"` + b64.EncodeToString(make([]byte, 32)) + `","y":"` + b64.EncodeToString(make([]byte, 32)) + `"}`,
		"a short x":         `{"crv":"Ed25519","kty":"OKP","x":"AAAA"}`,
		"a line feed in x":  strings.Replace(ed, `"x":"`, `"x":"\n`, 1),
		"something after":   ed + ed,
		"a number for text": `{"crv":"Ed25519","kty":"OKP","x":1}`,
	} {
		if _, err := partner.ParseKey([]byte(bad)); !errors.Is(err, partner.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, good := range []string{ed, ec} {
		if _, err := partner.ParseKey([]byte(good)); err != nil {
			t.Error(err)
		}
	}
}
