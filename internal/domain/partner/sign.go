package partner

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
)

// Detached signs a payload as Verify reads it: a detached JWS with EdDSA.
func Detached(key ed25519.PrivateKey, payload []byte) string {
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA"}`))
	sig := ed25519.Sign(key, []byte(head+"."+base64.RawURLEncoding.EncodeToString(payload)))
	return head + ".." + base64.RawURLEncoding.EncodeToString(sig)
}

// PublicJWK is an Ed25519 key as terms bind it.
func PublicJWK(key ed25519.PublicKey) json.RawMessage {
	return json.RawMessage(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`)
}
