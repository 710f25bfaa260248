package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

const back = "https://toko.example/back"

// authority answers as an authorization server that is content with everything.
func (p *platform) authority(lose string) (lost *int) {
	lost = new(int)
	p.answer = func(r *ohttp.Request) (int, string) {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil || form.Get("client_id") != "7" || ohttp.Get(r.Header, "oauth-client-attestation") != "word" ||
			ohttp.Get(r.Header, "authorization") != "" || strings.Contains(claims(p.t, ohttp.Get(r.Header, "dpop")), `"ath"`) {
			p.t.Errorf("%+v", r)
		}
		switch r.Path {
		case "/oauth/par":
			if form.Get("code_challenge_method") != "S256" || len(form.Get("code_challenge")) != 43 {
				p.t.Errorf("%v", form)
			}
			return 201, `{"request_uri":"urn:x","expires_in":90}`
		case "/oauth/token":
			if lose == form.Get("grant_type") {
				*lost++
			}
			return 200, `{"access_token":"new-` + form.Get("grant_type") + `","token_type":"DPoP","expires_in":60,"refresh_token":"r2","scope":"colour"}`
		}
		return 200, `{}`
	}
	return lost
}

func (p *platform) request() LinkRequest {
	return LinkRequest{
		Host: "sehat.example", Relay: p.relay.URL, Pin: p.pin.Public().(ed25519.PublicKey), Partner: 7, Redirect: back,
		Attest: func(context.Context, []byte) (string, error) { return "word", nil },
	}
}

func (l *Linking) returned(change func(url.Values)) string {
	q := url.Values{"code": {"c"}, "state": {l.state}, "iss": {"https://sehat.example"}}
	change(q)
	return back + "?" + q.Encode()
}

func TestLinkRefreshRevoke(t *testing.T) {
	p := newPlatform(t)
	p.authority("")
	l, err := Begin(t.Context(), p.request(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://sehat.example/oauth/authorize?client_id=7&request_uri=urn%3Ax"; l.URL() != want {
		t.Errorf("%s", l.URL())
	}
	if text := fmt.Sprintf("%v %+v", l, l); strings.Contains(text, l.verifier) {
		t.Error("it prints its secret")
	}
	c, err := l.Finish(t.Context(), l.returned(func(url.Values) {}))
	if err != nil || c.Token != "new-authorization_code" || c.Refresh != "r2" || c.Created.IsZero() || c.Expires.Sub(c.Created) != time.Minute {
		t.Fatalf("%+v, %v", c, err)
	}
	d, err := Open(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err = d.Refresh(t.Context(), p.request().Attest); err != nil || c.Token != "new-refresh_token" || d.token() != c.Token {
		t.Errorf("%v", err)
	}
	if err := d.Revoke(t.Context(), p.request().Attest); err != nil {
		t.Error(err)
	}
	if c, err := p.device(Options{}).Refresh(t.Context(), p.request().Attest); !errors.Is(err, ErrNoRefresh) || c.Token != "" {
		t.Errorf("an operator's: %v", err)
	}
}

// TestFinishRefuses what another server, page or link sent back.
func TestFinishRefuses(t *testing.T) {
	p := newPlatform(t)
	p.authority("")
	l, err := Begin(t.Context(), p.request(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"no URL": "://", "another address": strings.Replace(l.returned(func(url.Values) {}), back, back+"/", 1),
		"another state":  l.returned(func(q url.Values) { q.Set("state", "x") }),
		"no state":       l.returned(func(q url.Values) { q.Del("state") }),
		"another issuer": l.returned(func(q url.Values) { q.Set("iss", "https://evil.example") }),
		"no issuer":      l.returned(func(q url.Values) { q.Del("iss") }),
		"no code":        l.returned(func(q url.Values) { q.Del("code") }),
	} {
		if _, err := l.Finish(t.Context(), bad); !errors.Is(err, ErrReturn) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.Finish(t.Context(), l.returned(func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") })); !errors.Is(err, ErrDeclined) {
		t.Errorf("declined: %v", err)
	}
}

// TestCodeIsSentOnce: a code that may have been taken is not sent again, for that
// would end the link; a refresh is.
func TestCodeIsSentOnce(t *testing.T) {
	p := newPlatform(t)
	lost := p.authority("authorization_code")
	l, err := Begin(t.Context(), p.request(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	drop := func(n int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.outer = func(w http.ResponseWriter) bool {
			if n--; n >= 0 {
				w.WriteHeader(http.StatusBadGateway)
			}
			return n >= 0
		}
	}
	drop(1)
	if _, err := l.Finish(t.Context(), l.returned(func(url.Values) {})); !errors.Is(err, ErrUnavailable) || *lost != 1 {
		t.Errorf("%v, sent %d times", err, *lost)
	}
	lost = p.authority("refresh_token")
	d := p.device(Options{})
	d.credential.Refresh = "r1"
	if _, err := d.Refresh(t.Context(), p.request().Attest); err != nil { // it has a nonce now
		t.Fatal(err)
	}
	drop(1)
	if _, err := d.Refresh(t.Context(), p.request().Attest); err != nil || *lost != 3 {
		t.Errorf("%v, sent %d times", err, *lost)
	}
}

func TestLinkingRefused(t *testing.T) {
	p := newPlatform(t)
	p.answer = func(*ohttp.Request) (int, string) {
		return 401, `{"error":"invalid_client","error_description":"not known"}`
	}
	_, err := Begin(t.Context(), p.request(), Options{})
	var refused *Problem
	if !errors.As(err, &refused) || refused.Type != "invalid_client" || refused.Title != "not known" || refused.Status != 401 {
		t.Errorf("%v", err)
	}
	bad := p.request()
	bad.Attest = func(context.Context, []byte) (string, error) { return "", errors.New("the app's server is away") }
	if _, err := Begin(t.Context(), bad, Options{}); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("%v", err)
	}
}

func TestAttest(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	jwk := []byte(`{"kty":"OKP","crv":"Ed25519","x":"AA"}`)
	word, err := Attest(ed, 7, jwk, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(word, ".")
	var c map[string]any
	if err := json.Unmarshal([]byte(claims(t, word)), &c); err != nil || c["sub"] != "7" || c["exp"] != float64(now.Add(time.Hour).Unix()) {
		t.Errorf("%v, %v", c, err)
	}
	if !ed25519.Verify(ed.Public().(ed25519.PublicKey), []byte(parts[0]+"."+parts[1]), unb64(t, parts[2])) {
		t.Error("Ed25519: the signature does not hold")
	}
	word, err = Attest(p256, 7, jwk, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	parts = strings.Split(word, ".")
	sig, sum := unb64(t, parts[2]), sha256.Sum256([]byte(parts[0]+"."+parts[1]))
	if len(sig) != 64 || !ecdsa.Verify(&p256.PublicKey, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Error("P-256: the signature does not hold")
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Attest(p384, 7, jwk, now, time.Hour); err == nil {
		t.Error("signed with P-384")
	}
	if _, err := Attest(ed, 7, []byte("{"), now, time.Hour); err == nil {
		t.Error("attested no key")
	}
}

func unb64(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
