package certify_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sync"
	"testing"
	"time"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// prover makes DPoP proofs as wrong as a mutant wants them.
type prover struct {
	key   ed25519.PrivateKey
	id    string        // of every proof; empty for a new one each
	age   time.Duration // of every proof
	mu    sync.Mutex
	nonce string
}

func (p *prover) keep(nonce string) {
	if nonce != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.nonce = nonce
	}
}

func (p *prover) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nonce
}

func (p *prover) prove(method, url, token string) string {
	id := p.id
	if id == "" {
		id = rand.Text()
	}
	hash := sha256.Sum256([]byte(token))
	head := map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": map[string]string{
		"kty": "OKP", "crv": "Ed25519", "x": b64(p.key.Public().(ed25519.PublicKey)),
	}}
	body := map[string]any{"jti": id, "htm": method, "htu": url, "iat": time.Now().Add(-p.age).Unix(), "ath": b64(hash[:]), "nonce": p.last()}
	signed := segment(head) + "." + segment(body)
	return signed + "." + b64(ed25519.Sign(p.key, []byte(signed)))
}

func segment(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b64(raw)
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
