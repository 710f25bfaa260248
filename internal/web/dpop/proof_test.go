package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/web/dpop"
)

const (
	testURL   = "https://amanah.example/v1/visits"
	testToken = "opaque-access-token"
)

var testNow = time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signer holds a key of either kind and writes proofs with it.
type signer struct {
	t   testing.TB
	key crypto.Signer
	alg string
	jwk map[string]any
}

func newEd(t testing.TB) *signer {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, priv, "EdDSA", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(pub)}}
}

func newEC(t testing.TB) *signer {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := priv.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, priv, "ES256", map[string]any{"kty": "EC", "crv": "P-256", "x": b64(raw[1:33]), "y": b64(raw[33:])}}
}

func (s *signer) thumbprint() [32]byte {
	canonical, err := json.Marshal(s.jwk) // members in lexicographic order, as RFC 7638 wants
	if err != nil {
		s.t.Fatal(err)
	}
	return sha256.Sum256(canonical)
}

// sign signs the two segments as they are, however malformed.
func (s *signer) sign(head, body string) string {
	s.t.Helper()
	message := []byte(head + "." + body)
	if k, ok := s.key.(*ecdsa.PrivateKey); ok {
		sum := sha256.Sum256(message)
		r, v, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			s.t.Fatal(err)
		}
		return string(message) + "." + b64(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
	}
	sig, err := s.key.Sign(nil, message, crypto.Hash(0))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(message) + "." + b64(sig)
}

// draft is a proof that Verify accepts until it is altered.
type draft struct {
	head, body map[string]any
}

func (s *signer) draft(nonce string) *draft {
	hash := sha256.Sum256([]byte(testToken))
	return &draft{
		map[string]any{"typ": "dpop+jwt", "alg": s.alg, "jwk": maps.Clone(s.jwk)},
		map[string]any{
			"jti": rand.Text(), "htm": "POST", "htu": testURL, "iat": testNow.Unix(), "ath": b64(hash[:]), "nonce": nonce,
		},
	}
}

func (d *draft) key() map[string]any { return d.head["jwk"].(map[string]any) }

func (d *draft) texts(t testing.TB) (head, body string) {
	t.Helper()
	h, err := json.Marshal(d.head)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(d.body)
	if err != nil {
		t.Fatal(err)
	}
	return string(h), string(b)
}

func (s *signer) proof(d *draft) string {
	s.t.Helper()
	head, body := d.texts(s.t)
	return s.sign(b64([]byte(head)), b64([]byte(body)))
}

func testNonces() *dpop.Nonces {
	return dpop.NewNonces([]byte(strings.Repeat("k", 32)), 5*time.Minute, func() time.Time { return testNow })
}

func want(n *dpop.Nonces) dpop.Want {
	return dpop.Want{Method: "POST", URL: testURL, Token: testToken, Fresh: n.Fresh}
}
