package app

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/token"
)

const mediaForm = "application/x-www-form-urlencoded"

// attest is partner 1's word that a key is one of its app's.
func (m *town) attest(key ed25519.PrivateKey) string {
	m.t.Helper()
	jwk := partner.PublicJWK(key.Public().(ed25519.PublicKey))
	word, err := client.Attest(m.client, 1, jwk, time.Now(), time.Minute)
	if err != nil {
		m.t.Fatal(err)
	}
	return word
}

func (m *town) push() (string, string, []byte) {
	sum := sha256.Sum256([]byte("verifier"))
	form := url.Values{
		"client_id": {"1"}, "response_type": {"code"}, "redirect_uri": {"https://partner-1.example/linked"}, "scope": {"colour"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	return "/oauth/par", mediaForm, []byte(form.Encode())
}

// browse comes with a reference that the device was given.
func (m *town) browse() (string, string, []byte) {
	m.t.Helper()
	path, media, body := m.push()
	got := m.outside(device, contract.Operation{Method: "POST"}, path, media, body)
	var pushed struct {
		Reference string `json:"request_uri"`
	}
	if err := json.Unmarshal(got.body, &pushed); err != nil || pushed.Reference == "" {
		m.t.Fatalf("pushed: %d %s", got.status, got.body)
	}
	return "/oauth/authorize?" + url.Values{"client_id": {"1"}, "request_uri": {pushed.Reference}}.Encode(), "", nil
}

// held is a refresh token of a link of the device's own, made for the occasion.
func (m *town) held() string {
	m.t.Helper()
	m.made++
	id, key := identity.LinkID{8, m.made}, identity.Thumbprint(thumbprintOf(m.holders[device].key))
	m.update(func(s store.Stores) error {
		return s.Links.Put(identity.Link{ID: id, Partner: 1, Subject: subjectOf(device), Device: key, Created: time.Now().Truncate(time.Second), Synthetic: true})
	})
	sealed, err := m.server.ring.tokens().SealRefresh(token.Refresh{Partner: 1, Link: id, Person: 1, Key: key, Generation: 1, Expires: time.Now().Add(time.Hour)}, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	return sealed
}

func (m *town) renew() (string, string, []byte) {
	form := url.Values{"client_id": {"1"}, "grant_type": {"refresh_token"}, "refresh_token": {m.held()}}
	return "/oauth/token", mediaForm, []byte(form.Encode())
}

func (m *town) revoke() (string, string, []byte) {
	return "/oauth/revoke", mediaForm, []byte(url.Values{"client_id": {"1"}, "token": {m.held()}}.Encode())
}
