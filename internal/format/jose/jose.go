// Package jose reads public keys and signatures of the JOSE family (RFC 7515, 7517,
// 7638) in the narrow form that is taken here: P-256 with ES256 and Ed25519 with
// EdDSA, base64url in its one spelling, and no object that names a member twice.
package jose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of keys and signatures.
var (
	ErrKey       = fault.New(fault.Invalid, "a key is a public JWK for signatures: P-256 with x and y, or Ed25519 with x")
	ErrSignature = fault.New(fault.Denied, "the signature is no compact JWS (RFC 7515 §7.1) of this key by ES256 or EdDSA")
)

// Key is a public key. The zero Key holds for nothing.
type Key struct {
	alg    string // the one algorithm it signs with
	public any    // *ecdsa.PublicKey or ed25519.PublicKey
	jwk    string // the members that RFC 7638 hashes, in its order
}

// ParseKey reads a JWK. Members that say what it is for must agree with signing
// (RFC 7517 §4.2, §4.3, §4.4); others are passed over, except those of private keys.
func ParseKey(raw []byte) (Key, error) {
	o, err := ParseObject(raw)
	if err != nil {
		return Key{}, ErrKey
	}
	return o.key()
}

func (o Object) key() (Key, error) {
	for _, private := range []string{"d", "k", "p", "q", "dp", "dq", "qi", "oth"} {
		if _, there := o[private]; there {
			return Key{}, ErrKey
		}
	}
	kty, crv, x, y := o.Text("kty"), o.Text("crv"), o.Text("x"), o.Text("y")
	px, err := Decode(x)
	if err != nil || len(px) != 32 {
		return Key{}, ErrKey
	}
	var k Key
	switch {
	case kty == "OKP" && crv == "Ed25519" && o["y"] == nil:
		k = Key{"EdDSA", ed25519.PublicKey(px), `{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`}
	case kty == "EC" && crv == "P-256":
		py, err := Decode(y)
		if err != nil || len(py) != 32 {
			return Key{}, ErrKey
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, px...), py...))
		if err != nil {
			return Key{}, ErrKey
		}
		k = Key{"ES256", public, `{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`}
	default:
		return Key{}, ErrKey
	}
	if !o.signs(k.alg) {
		return Key{}, ErrKey
	}
	return k, nil
}

// signs reports whether what the key says of its use allows a signature of alg.
func (o Object) signs(alg string) bool {
	if o["use"] != nil && o.Text("use") != "sig" || o["alg"] != nil && o.Text("alg") != alg {
		return false
	}
	if o["key_ops"] == nil {
		return true
	}
	var ops []string
	return json.Unmarshal(o["key_ops"], &ops) == nil && slices.Contains(ops, "verify")
}

// JWK is the key in its one spelling (RFC 7638 §3.2); empty of the zero Key.
func (k Key) JWK() []byte { return []byte(k.jwk) }

// Thumbprint is the SHA-256 of JWK (RFC 7638).
func (k Key) Thumbprint() [32]byte { return sha256.Sum256([]byte(k.jwk)) }

// Alg is the algorithm that the key signs with, ES256 or EdDSA.
func (k Key) Alg() string { return k.alg }

// Holds reports whether signature, 64 bytes as in JWS (RFC 7518 §3.4, RFC 8037 §3.1),
// is the key's over message.
func (k Key) Holds(message, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}
	return false
}

// HoldsASN1 is Holds of a signature as WebAuthn has them (Level 2 §6.5.6): of P-256
// in ASN.1, of Ed25519 64 bytes.
func (k Key) HoldsASN1(message, signature []byte) bool {
	if public, ok := k.public.(*ecdsa.PublicKey); ok {
		sum := sha256.Sum256(message)
		return ecdsa.VerifyASN1(public, sum[:], signature)
	}
	return k.Holds(message, signature)
}

// Open returns header and payload of a compact JWS whose signature is the key's.
// A header may say alg, typ and kid and no more: what it does not know, nobody may
// have it pass over.
func (k Key) Open(jws string) (header Object, payload []byte, err error) {
	head, body, message, sig, ok := split(jws)
	if !ok {
		return nil, nil, ErrSignature
	}
	if header, err = head.object(); err != nil || header.Text("alg") != k.alg || !header.only("alg", "typ", "kid") {
		return nil, nil, ErrSignature
	}
	if payload, err = Decode(string(body)); err != nil || !k.Holds(message, sig) {
		return nil, nil, ErrSignature
	}
	return header, payload, nil
}

// OpenEmbedded returns payload and key of a compact JWS that brings its own key, as
// proofs of possession do (RFC 9449 §4.2): the signature holds, and who the key
// belongs to is for the caller to know. Its header says typ, alg and jwk and no more.
func OpenEmbedded(jws, typ string) (Key, []byte, error) {
	head, body, message, sig, ok := split(jws)
	if !ok {
		return Key{}, nil, ErrSignature
	}
	h, err := head.object()
	if err != nil || h.Text("typ") != typ || !h.only("typ", "alg", "jwk") {
		return Key{}, nil, ErrSignature
	}
	k, err := ParseKey(h["jwk"])
	if err != nil || h.Text("alg") != k.alg {
		return Key{}, nil, ErrSignature
	}
	payload, err := Decode(string(body))
	if err != nil || !k.Holds(message, sig) {
		return Key{}, nil, ErrSignature
	}
	return k, payload, nil
}

type segment string

func split(jws string) (head, body segment, message, sig []byte, ok bool) {
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return "", "", nil, nil, false
	}
	sig, err := Decode(parts[2])
	if err != nil {
		return "", "", nil, nil, false
	}
	return segment(parts[0]), segment(parts[1]), []byte(jws[:len(parts[0])+1+len(parts[1])]), sig, true
}

func (s segment) object() (Object, error) {
	raw, err := Decode(string(s))
	if err != nil {
		return nil, err
	}
	return ParseObject(raw)
}

// Decode reads base64url without padding in its one canonical form: package base64
// passes over line feeds, which would give one signature many spellings.
func Decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrSignature
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// Object is a JSON object's members as they are written.
type Object map[string]json.RawMessage

// ParseObject reads one JSON object, or refuses one that names a member twice, in
// whatever case: one reader would take the first and another the last (RFC 8725
// §2.4).
func ParseObject(raw []byte) (Object, error) {
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, ErrSignature
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, ErrSignature
	}
	o := Object{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || len(o) == 32 {
			return nil, ErrSignature
		}
		for before := range o {
			if strings.EqualFold(before, name) {
				return nil, ErrSignature
			}
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		o[name] = v
	}
	return o, nil
}

// Text returns a member that is a string; empty for another or none.
func (o Object) Text(name string) (s string) {
	if v := o[name]; len(v) > 0 && v[0] == '"' && json.Unmarshal(v, &s) == nil {
		return s
	}
	return ""
}

// Whole returns a member that is a whole number, written as one.
func (o Object) Whole(name string) (n int64, ok bool) {
	v := o[name]
	if len(v) == 0 || v[0] == '"' || v[0] == 'n' {
		return 0, false
	}
	err := json.Unmarshal(v, &n)
	return n, err == nil
}

func (o Object) only(names ...string) bool {
	for name := range o {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}
