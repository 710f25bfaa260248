package partner

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of keys and signatures.
var (
	ErrKey       = fault.New(fault.Invalid, "a key is a public JWK with kty, crv, x and y alone: P-256, or Ed25519 without y")
	ErrSignature = fault.New(fault.Denied, "signature is not the key's over these terms: a detached JWS (RFC 7515 appendix F) with ES256 or EdDSA is needed")
)

// maxSignature bounds a detached JWS: a short header and 64 bytes.
const maxSignature = 1024

// Key is a public key of a partner. The zero Key verifies nothing.
type Key struct {
	alg    string // the one algorithm it signs with
	public any    // *ecdsa.PublicKey or ed25519.PublicKey
	jwk    string // the members RFC 7638 hashes, in its order
}

type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// ParseKey reads a JWK; ErrKey for a private key, another kind, or a member more.
func ParseKey(raw []byte) (Key, error) {
	var k jwk
	if strict(raw, &k) != nil {
		return Key{}, ErrKey
	}
	x, err := decode(k.X)
	if err != nil || len(x) != 32 {
		return Key{}, ErrKey
	}
	switch {
	case k.Kty == "OKP" && k.Crv == "Ed25519" && k.Y == "":
		return Key{"EdDSA", ed25519.PublicKey(x), `{"crv":"Ed25519","kty":"OKP","x":"` + k.X + `"}`}, nil
	case k.Kty == "EC" && k.Crv == "P-256":
		y, err := decode(k.Y)
		if err != nil || len(y) != 32 {
			return Key{}, ErrKey
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			return Key{}, ErrKey
		}
		return Key{"ES256", public, `{"crv":"P-256","kty":"EC","x":"` + k.X + `","y":"` + k.Y + `"}`}, nil
	}
	return Key{}, ErrKey
}

// Thumbprint is the key's RFC 7638 name, as Partner.Relay holds it.
func (k Key) Thumbprint() [32]byte { return sha256.Sum256([]byte(k.jwk)) }

// Verify returns nil when signature is this key's detached JWS over payload, else
// ErrSignature. The key says which algorithm counts; the header only agrees. A
// header with any other member, such as crit, b64 or a key of its own, is refused.
func (k Key) Verify(signature string, payload []byte) error {
	head, sig, ok := strings.Cut(signature, "..")
	if !ok || len(signature) > maxSignature {
		return ErrSignature
	}
	raw, err := decode(head)
	if err != nil {
		return ErrSignature
	}
	var h struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"` // tells the reader something, not us
		Typ string `json:"typ"`
	}
	if strict(raw, &h) != nil || k.alg == "" || h.Alg != k.alg {
		return ErrSignature
	}
	rs, err := decode(sig)
	if err != nil || len(rs) != 64 {
		return ErrSignature
	}
	if !k.signed([]byte(head+"."+base64.RawURLEncoding.EncodeToString(payload)), rs) {
		return ErrSignature
	}
	return nil
}

func (k Key) signed(message, sig []byte) bool {
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, sig)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
	return false
}

// Verify returns nil when signature is over these terms by the key they bind for
// signing. Whether that key may speak for the partner is for who calls to know: a
// first application vouches for itself, a later version does not.
func (t Terms) Verify(signature string) error {
	k, err := ParseKey(t.Keys.Sign)
	if err != nil {
		return err
	}
	payload, err := t.Canonical()
	if err != nil {
		return err
	}
	return k.Verify(signature, payload)
}

// decode reads base64url in its one canonical form: package base64 passes over
// line feeds, which would give one signature many spellings.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrKey
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// canonical is the key's JWK in its one spelling, its members in order.
func (k Key) canonical() json.RawMessage { return json.RawMessage(k.jwk) }
