package client

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"time"
)

// Attester returns the partner's word that a key belongs to an instance of its app.
// An app asks its own server, which knows its users; the server calls Attest.
type Attester func(ctx context.Context, jwk []byte) (string, error)

// Attest signs, on a partner's server, that the device key given as a JWK belongs to
// an instance of the partner's app (OAuth-Client-Attestation). Key is one of the
// client keys of the agreement: Ed25519, or ECDSA on P-256.
func Attest(key crypto.Signer, partner uint32, jwk []byte, now time.Time, life time.Duration) (string, error) {
	if !json.Valid(jwk) {
		return "", errors.New("client: the device's key is no JWK")
	}
	alg := algEdDSA
	if _, ok := key.Public().(*ecdsa.PublicKey); ok {
		alg = "ES256"
	}
	claims, err := json.Marshal(map[string]any{
		"sub": strconv.FormatUint(uint64(partner), 10), "exp": now.Add(life).Unix(),
		"cnf": map[string]any{"jwk": json.RawMessage(jwk)},
	})
	if err != nil {
		return "", err
	}
	message := b64([]byte(`{"typ":"oauth-client-attestation+jwt","alg":"`+alg+`"}`)) + "." + b64(claims)
	sig, err := sign(key, []byte(message))
	return message + "." + b64(sig), err
}

// sign signs as a JWS of the key's own algorithm does (RFC 7518, 8037).
func sign(key crypto.Signer, message []byte) ([]byte, error) {
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		return key.Sign(nil, message, crypto.Hash(0))
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			break
		}
		sum := sha256.Sum256(message)
		der, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &rs); err != nil {
			return nil, err
		}
		return append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...), nil
	}
	return nil, errors.New("client: a key is Ed25519, or ECDSA on P-256")
}
