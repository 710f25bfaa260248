package client

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"sync"
	"time"
)

// prover makes DPoP proofs (RFC 9449) with one key. The platform's nonce is kept
// from answer to answer; it carries the platform's clock.
type prover struct {
	signer crypto.Signer
	jwk    string // the public key
	head   string // of every proof, encoded
	mu     sync.Mutex
	nonce  string
}

func newProver(s crypto.Signer) *prover {
	jwk := `{"kty":"OKP","crv":"Ed25519","x":"` + b64(s.Public().(ed25519.PublicKey)) + `"}`
	return &prover{signer: s, jwk: jwk, head: b64([]byte(`{"typ":"dpop+jwt","alg":"EdDSA","jwk":` + jwk + `}`))}
}

// prove makes a proof for one request, with a token or without; now is the
// platform's time.
func (p *prover) prove(method, url, token string, now time.Time) (string, error) {
	var id [16]byte
	rand.Read(id[:])
	hash := sha256.Sum256([]byte(token))
	body := make([]byte, 0, 384)
	body = append(body, `{"jti":"`...)
	body = base64.RawURLEncoding.AppendEncode(body, id[:])
	body = append(body, `","htm":"`+method+`","htu":"`+url+`","iat":`...)
	body = strconv.AppendInt(body, now.Unix(), 10)
	if token != "" {
		body = append(body, `,"ath":"`...)
		body = base64.RawURLEncoding.AppendEncode(body, hash[:])
		body = append(body, '"')
	}
	body = append(body, `,"nonce":"`+p.last()+`"}`...)
	signed := p.head + "." + b64(body)
	sig, err := p.signer.Sign(nil, []byte(signed), crypto.Hash(0))
	if err != nil {
		return "", err
	}
	return signed + "." + b64(sig), nil
}

func (p *prover) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nonce
}

func (p *prover) keep(nonce string) {
	if nonce == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nonce = nonce
}

// platformTime reads the platform's clock out of its nonce.
func platformTime(nonce string) (time.Time, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(raw) < 8 {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw)), 0), true
}
