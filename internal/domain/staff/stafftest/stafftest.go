// Package stafftest signs for tests as facilities' systems, browsers and passkeys do.
package stafftest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
)

// Origin is where tests' platform answers.
const Origin = "https://amanah.example"

// Signer holds a private key.
type Signer struct {
	private crypto.Signer
	key     jose.Key
}

// Ed makes an Ed25519 key.
func Ed(t testing.TB) *Signer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, private, `{"kty":"OKP","crv":"Ed25519","x":"`+b64(public)+`"}`)
}

// EC makes a P-256 key, as passkeys and browsers have.
func EC(t testing.TB) *Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, private, `{"kty":"EC","crv":"P-256","x":"`+b64(raw[1:33])+`","y":"`+b64(raw[33:])+`"}`)
}

func signer(t testing.TB, private crypto.Signer, jwk string) *Signer {
	t.Helper()
	key, err := jose.ParseKey([]byte(jwk))
	if err != nil {
		t.Fatal(err)
	}
	return &Signer{private, key}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// PKCS8 is the private key as other programs take it.
func (s *Signer) PKCS8(t testing.TB) []byte {
	t.Helper()
	out, err := x509.MarshalPKCS8PrivateKey(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// JWK is the public key, as it is enrolled.
func (s *Signer) JWK() []byte { return s.key.JWK() }

// Thumbprint is the key's RFC 7638 name.
func (s *Signer) Thumbprint() [32]byte { return s.key.Thumbprint() }

// Claims are a proof's payload.
type Claims map[string]any

// Request is the claims of a proof for one request, as RFC 9449 has them.
func Request(method, url string, now time.Time) Claims {
	return Claims{"jti": rand.Text(), "htm": method, "htu": url, "iat": now.Unix()}
}

// Proof signs claims as a DPoP proof.
func (s *Signer) Proof(t testing.TB, c Claims) string {
	t.Helper()
	return s.JWS(t, map[string]any{"typ": "dpop+jwt", "alg": s.key.Alg(), "jwk": json.RawMessage(s.key.JWK())}, c)
}

// JWS signs whatever header and payload.
func (s *Signer) JWS(t testing.TB, header, payload map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	p, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	message := b64(h) + "." + b64(p)
	if k, ok := s.private.(*ecdsa.PrivateKey); ok {
		sum := sha256.Sum256([]byte(message))
		r, v, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return message + "." + b64(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
	}
	return message + "." + b64(s.sign(t, []byte(message)))
}

func (s *Signer) sign(t testing.TB, message []byte) []byte {
	t.Helper()
	opts, digest := crypto.SignerOpts(crypto.Hash(0)), message
	if _, ok := s.private.(*ecdsa.PrivateKey); ok {
		sum := sha256.Sum256(message)
		opts, digest = crypto.SHA256, sum[:]
	}
	sig, err := s.private.Sign(rand.Reader, digest, opts)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// Endorse is a passkey's assertion for a browser's key, encoded, with the flags of
// somebody present and verified.
func (s *Signer) Endorse(t testing.TB, actor staff.ActorID, browser [32]byte, until time.Time) []byte {
	t.Helper()
	return s.Assert(t, actor, browser, until, Origin, 0x05).Encode()
}

// Assert is Endorse on whatever site and with whatever flags.
func (s *Signer) Assert(t testing.TB, actor staff.ActorID, browser [32]byte, until time.Time, origin string, flags byte) staff.Endorsement {
	t.Helper()
	challenge := staff.Challenge(browser, until)
	client, err := json.Marshal(map[string]any{"type": "webauthn.get", "challenge": b64(challenge[:]), "origin": origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	e := staff.Endorsement{Actor: actor, Until: until.Truncate(time.Second), Client: client}
	site := sha256.Sum256([]byte(staff.RelyingParty(origin)))
	e.Data = binary.BigEndian.AppendUint32(append(site[:], flags), 1)
	hash := sha256.Sum256(client)
	e.Signature = s.sign(t, append(append([]byte{}, e.Data...), hash[:]...))
	return e
}
