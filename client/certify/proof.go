package certify

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"time"
)

// proof is what a DPoP proof (RFC 9449) says, once its signature was verified.
type proof struct {
	key    [32]byte // RFC 7638 thumbprint
	id     string
	issued time.Time
	nonce  string
}

// Reasons why a proof is not the one that was due.
var (
	errNoProof    = errors.New("no DPoP proof")
	errMalformed  = errors.New("the DPoP proof is malformed")
	errAlgorithm  = errors.New("the DPoP proof is not signed with EdDSA (Ed25519) or ES256")
	errUnverified = errors.New("the DPoP proof's signature does not hold")
	errOther      = errors.New("the DPoP proof is for another method, URL or token")
	errToken      = errors.New("the token is not the one that was given")
)

type proofHead struct {
	Typ string `json:"typ"`
	Alg string `json:"alg"`
	JWK struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		X   string `json:"x"`
		Y   string `json:"y"`
		D   string `json:"d"`
	} `json:"jwk"`
}

type proofBody struct {
	ID     string `json:"jti"`
	Method string `json:"htm"`
	URL    string `json:"htu"`
	Issued int64  `json:"iat"`
	Hash   string `json:"ath"`
	Nonce  string `json:"nonce"`
}

// checkProof reads the proof and token of a request for method and url, which must
// be with that token. What it could read of a wrong proof is returned as well.
func checkProof(raw, authorization, token, method, url string) (proof, error) {
	if raw == "" {
		return proof{}, errNoProof
	}
	parts := strings.Split(raw, ".")
	if len(raw) > 4096 || len(parts) != 3 {
		return proof{}, errMalformed
	}
	var head proofHead
	var body proofBody
	sig, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || segment(parts[0], &head) != nil || segment(parts[1], &body) != nil || head.Typ != "dpop+jwt" || head.JWK.D != "" {
		return proof{}, errMalformed
	}
	p := proof{id: body.ID, issued: time.Unix(body.Issued, 0), nonce: body.Nonce}
	if p.key, err = head.verify([]byte(parts[0]+"."+parts[1]), sig); err != nil {
		return p, err
	}
	hash := sha256.Sum256([]byte(token))
	switch {
	case authorization != "DPoP "+token:
		return p, errToken
	case body.Method != method || body.URL != url || body.Hash != b64(hash[:]):
		return p, errOther
	}
	return p, nil
}

func segment(s string, v any) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return err
	}
	return json.NewDecoder(bytes.NewReader(raw)).Decode(v)
}

// verify checks the signature by the header's own key and returns its thumbprint.
func (h *proofHead) verify(message, sig []byte) ([32]byte, error) {
	x, err := base64.RawURLEncoding.Strict().DecodeString(h.JWK.X)
	if err != nil || len(x) != 32 || len(sig) != 64 {
		return [32]byte{}, errMalformed
	}
	holds := false
	name := `{"crv":"Ed25519","kty":"OKP","x":"` + h.JWK.X + `"}`
	switch {
	case h.Alg == "EdDSA" && h.JWK.Kty == "OKP" && h.JWK.Crv == "Ed25519":
		holds = ed25519.Verify(x, message, sig)
	case h.Alg == "ES256" && h.JWK.Kty == "EC" && h.JWK.Crv == "P-256":
		y, err := base64.RawURLEncoding.Strict().DecodeString(h.JWK.Y)
		if err != nil || len(y) != 32 {
			return [32]byte{}, errMalformed
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			return [32]byte{}, errMalformed
		}
		sum := sha256.Sum256(message)
		holds = ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
		name = `{"crv":"P-256","kty":"EC","x":"` + h.JWK.X + `","y":"` + h.JWK.Y + `"}`
	default:
		return [32]byte{}, errAlgorithm
	}
	if !holds {
		return [32]byte{}, errUnverified
	}
	return sha256.Sum256([]byte(name)), nil
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
