// Package dpop verifies proofs of possession as RFC 9449 defines them.
//
// A proof shows that the sender of a request holds the private key to which
// their token is bound. The package checks everything a proof says of itself and
// of the request; that it is used once is for Once to say.
package dpop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of verification. ErrNonce asks the sender to try again with the nonce
// that comes with the answer (RFC 9449 §8).
var (
	ErrProof  = fault.New(fault.Denied, "the DPoP proof is malformed")
	ErrKey    = fault.New(fault.Denied, "the DPoP proof's key is not EdDSA (Ed25519) or ES256 (P-256)")
	ErrSigned = fault.New(fault.Denied, "the DPoP proof's signature does not hold")
	ErrBound  = fault.New(fault.Denied, "the DPoP proof is for another request or token")
	ErrNonce  = fault.New(fault.Denied, "use_dpop_nonce: repeat the request with the nonce given")
	ErrReplay = fault.New(fault.Denied, "the DPoP proof was used before")
)

// MaxProof bounds a proof's length in bytes.
const MaxProof = 1024

// Want is what a proof must be for.
type Want struct {
	Method string
	URL    string // without query and fragment
	Token  string // the access token it comes with; empty for none
	// Fresh reports whether a nonce was given lately, and in which run.
	Fresh func(nonce string) (run uint64, ok bool)
	Known *Known // headers parsed before; may be nil
}

// Known remembers parsed headers by their encoded text: a relay's is the same in
// every proof. It is safe for concurrent use and bounded.
type Known struct {
	mu   sync.RWMutex
	keys map[string]proofKey
}

// maxKnown is more relays than any country has partners.
const maxKnown = 4096

// NewKnown makes a Known that remembers nothing yet.
func NewKnown() *Known { return &Known{keys: map[string]proofKey{}} }

func (k *Known) get(head string) (proofKey, bool) {
	if k == nil {
		return proofKey{}, false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	key, ok := k.keys[head]
	return key, ok
}

func (k *Known) put(head string, key proofKey) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) < maxKnown {
		k.keys[head] = key
	}
}

// proofKey is the key of a proof's header.
type proofKey struct {
	alg        string
	key        any
	thumbprint [32]byte
}

// Proof is a verified proof.
type Proof struct {
	Thumbprint [32]byte // RFC 7638, SHA-256
	ID         string   // jti
	Issued     time.Time
	Run        uint64 // in which its nonce was given
	Purpose    string // what its sender says that it is for; of most requests nothing
}

// Name names the proof: its key and its own id. No two good proofs have one name.
func (p Proof) Name() [16]byte {
	sum := sha256.Sum256(append(p.Thumbprint[:], p.ID...))
	return [16]byte(sum[:])
}

type header struct {
	Typ string `json:"typ"`
	Alg string `json:"alg"`
	JWK *jwk   `json:"jwk"`
}

type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	D   string `json:"d"`
}

type claims struct {
	ID     string `json:"jti"`
	Method string `json:"htm"`
	URL    string `json:"htu"`
	Issued int64  `json:"iat"`
	Hash   string `json:"ath"`
	Nonce  string `json:"nonce"`
	// Purpose is no claim of RFC 9449, and such a proof is read by the general parser.
	Purpose string `json:"purpose"`
}

// Verify checks a proof against what it must be for.
func Verify(proof string, w Want) (Proof, error) {
	if len(proof) > MaxProof {
		return Proof{}, ErrProof
	}
	head, rest, ok := strings.Cut(proof, ".")
	body, sig, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 {
		return Proof{}, ErrProof
	}
	k, known := w.Known.get(head)
	if !known {
		var err error
		if k, err = parseHeader(head); err != nil {
			return Proof{}, err
		}
	}
	raw, err := decode(sig)
	if err != nil || len(raw) != 64 {
		return Proof{}, ErrProof
	}
	c, err := parseClaims(body)
	if err != nil || c.ID == "" || len(c.ID) > 64 || c.Issued <= 0 || len(c.Purpose) > 32 {
		return Proof{}, ErrProof
	}
	if c.Method != w.Method || c.URL != w.URL || !bound(c.Hash, w.Token) {
		return Proof{}, ErrBound
	}
	run, fresh := w.Fresh(c.Nonce)
	if !fresh {
		return Proof{}, ErrNonce
	}
	if !k.verify([]byte(proof[:len(head)+1+len(body)]), raw) {
		return Proof{}, ErrSigned
	}
	if !known {
		w.Known.put(head, k) // only what a signature vouched for is remembered
	}
	return Proof{k.thumbprint, c.ID, time.Unix(c.Issued, 0), run, c.Purpose}, nil
}

func bound(hash, token string) bool {
	if token == "" {
		return hash == ""
	}
	sum := sha256.Sum256([]byte(token))
	var want [43]byte
	base64.RawURLEncoding.Encode(want[:], sum[:])
	return subtle.ConstantTimeCompare(want[:], []byte(hash)) == 1
}

// decode reads base64url in its one canonical form: package base64 passes over
// line feeds, which would give one proof many spellings.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrProof
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// Unmarshal reads one segment of a compact JWS, base64url of JSON, in which no object
// names a member twice.
func Unmarshal(segment string, v any) error {
	raw, err := decode(segment)
	if err != nil {
		return err
	}
	return strict(raw, v)
}

// strict reads JSON in which no object names a member twice.
func strict(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	return distinct(json.NewDecoder(bytes.NewReader(raw)))
}

// distinct returns ErrProof when an object names a member twice, in whatever case:
// the last one would count here, and perhaps the first one elsewhere (RFC 8725
// §2.4). What it reads is JSON already.
func distinct(d *json.Decoder) error {
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return err
	}
	var names [16]string
	for n := 0; d.More(); n++ {
		t, err := d.Token()
		if err != nil || n == len(names) {
			return ErrProof
		}
		name, _ := t.(string)
		for _, before := range names[:n] {
			if strings.EqualFold(before, name) {
				return ErrProof
			}
		}
		names[n] = name
		if err := value(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// value passes over one value, looking into objects; of arrays no member has one.
func value(d *json.Decoder) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	if len(raw) > 0 && raw[0] == '{' {
		return distinct(json.NewDecoder(bytes.NewReader(raw)))
	}
	return nil
}

func parseHeader(head string) (proofKey, error) {
	var h header
	if err := Unmarshal(head, &h); err != nil || h.Typ != "dpop+jwt" || h.JWK == nil || h.JWK.D != "" {
		return proofKey{}, ErrProof
	}
	return h.key()
}

func (h header) key() (proofKey, error) {
	x, err := decode(h.JWK.X)
	if err != nil || len(x) != 32 {
		return proofKey{}, ErrKey
	}
	switch {
	case h.Alg == "EdDSA" && h.JWK.Kty == "OKP" && h.JWK.Crv == "Ed25519" && h.JWK.Y == "":
		canonical := `{"crv":"Ed25519","kty":"OKP","x":"` + h.JWK.X + `"}`
		return proofKey{h.Alg, ed25519.PublicKey(x), sha256.Sum256([]byte(canonical))}, nil
	case h.Alg == "ES256" && h.JWK.Kty == "EC" && h.JWK.Crv == "P-256":
		y, err := decode(h.JWK.Y)
		if err != nil || len(y) != 32 {
			return proofKey{}, ErrKey
		}
		point := append(append([]byte{4}, x...), y...)
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return proofKey{}, ErrKey
		}
		canonical := `{"crv":"P-256","kty":"EC","x":"` + h.JWK.X + `","y":"` + h.JWK.Y + `"}`
		return proofKey{h.Alg, pub, sha256.Sum256([]byte(canonical))}, nil
	}
	return proofKey{}, ErrKey
}

func (k proofKey) verify(message, sig []byte) bool {
	switch pub := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(pub, message, sig)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
	return false
}
