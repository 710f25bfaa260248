package client

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// Errors of linking.
var (
	// ErrReturn: what came back to the app is not the answer to what it began.
	ErrReturn = errors.New("client: this is not the answer to the link that was begun")
	// ErrDeclined: the person did not consent.
	ErrDeclined = errors.New("client: the person declined")
	// ErrNoRefresh: the credential was made by an operator and is renewed by one.
	ErrNoRefresh = errors.New("client: the credential cannot be renewed by itself")
)

// LinkRequest says for whom a device asks to be linked. A key is made for it.
type LinkRequest struct {
	Host     string // of the platform
	Relay    string // URL of the partner's relay
	Pin      []byte // Ed25519 public key that signs the platform's keys
	Partner  uint32
	Redirect string // redirect_uri: one of the agreement's, that the app receives
	Attest   Attester
}

// Linking is a link that was begun. The person decides in their own browser, at
// URL; the browser comes back to the app at the LinkRequest's redirect, with what
// Finish takes. It is a secret, and holds in memory what makes the code worthless to
// anybody else.
type Linking struct {
	device *Device
	asking
	attest Attester
	url    string
}

// asking is one request for a person's consent, with what makes its code worthless to
// anybody else (RFC 7636).
type asking struct{ host, redirect, state, verifier string }

func newAsking(host, redirect string) asking {
	return asking{host, redirect, rand.Text(), rand.Text() + rand.Text()}
}

// push is what is asked for a scope.
func (a asking) push(scope string) url.Values {
	challenge := sha256.Sum256([]byte(a.verifier))
	return url.Values{
		"response_type": {"code"}, "redirect_uri": {a.redirect}, "scope": {scope}, "state": {a.state},
		"code_challenge": {b64(challenge[:])}, "code_challenge_method": {"S256"},
	}
}

// authorize is where the browser goes with the reference that was given.
func (a asking) authorize(client, reference string) string {
	return "https://" + a.host + "/oauth/authorize?" + url.Values{"client_id": {client}, "request_uri": {reference}}.Encode()
}

// exchange reads the URL with which the browser came back (RFC 9207); ErrReturn,
// ErrDeclined.
func (a asking) exchange(returned string) (url.Values, error) {
	u, err := url.Parse(returned)
	if err != nil {
		return nil, ErrReturn
	}
	q := u.Query()
	u.RawQuery = ""
	if u.String() != a.redirect || q.Get("iss") != "https://"+a.host || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) != 1 {
		return nil, ErrReturn
	}
	switch {
	case q.Get("error") == "access_denied":
		return nil, ErrDeclined
	case q.Get("code") == "":
		return nil, ErrReturn
	}
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {a.redirect}, "code_verifier": {a.verifier},
	}, nil
}

// Format hides the linking from every verb.
func (*Linking) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// Begin pushes the request through the relay (RFC 9126, 7636).
func Begin(ctx context.Context, r LinkRequest, opt Options) (*Linking, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	d, err := Open(Credential{Host: r.Host, Relay: r.Relay, Pin: r.Pin, Partner: r.Partner, Key: key.Seed()}, opt)
	if err != nil {
		return nil, err
	}
	l := &Linking{device: d, asking: newAsking(r.Host, r.Redirect), attest: r.Attest}
	var pushed pushedJSON
	err = d.link(ctx, "/oauth/par", l.asking.push("colour"), r.Attest, true, &pushed)
	l.url = l.asking.authorize(d.client(), pushed.Reference)
	return l, err
}

// pushedJSON is the answer to a pushed request.
type pushedJSON struct {
	Reference string `json:"request_uri"`
}

// URL is what the system's browser opens: never a view inside the app, where the
// app could see what the person types (RFC 8252).
func (l *Linking) URL() string { return l.url }

// Finish takes the URL with which the browser came back and exchanges its code.
// When its answer is lost the link has to be begun again: a code is taken once.
func (l *Linking) Finish(ctx context.Context, returned string) (Credential, error) {
	form, err := l.asking.exchange(returned)
	if err != nil {
		return Credential{}, err
	}
	return l.device.grant(ctx, form, l.attest, false)
}

// Refresh gets the next token and returns the credential to keep instead of the old
// one. Called again after a lost answer it does the same.
func (d *Device) Refresh(ctx context.Context, attest Attester) (Credential, error) {
	d.mu.Lock()
	refresh := d.credential.Refresh
	d.mu.Unlock()
	if refresh == "" {
		return Credential{}, ErrNoRefresh
	}
	return d.grant(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, attest, true)
}

// Revoke ends the device's link (RFC 7009).
func (d *Device) Revoke(ctx context.Context, attest Attester) error {
	return d.link(ctx, "/oauth/revoke", url.Values{"token": {d.token()}}, attest, true, &struct{}{})
}

// grant asks for tokens and puts them to use.
func (d *Device) grant(ctx context.Context, form url.Values, attest Attester, again bool) (Credential, error) {
	var got grantedJSON
	if err := d.link(ctx, "/oauth/token", form, attest, again, &got); err != nil {
		return Credential{}, err
	}
	if got.Access == "" || !strings.EqualFold(got.Type, "DPoP") || got.Scope != "colour" {
		return Credential{}, errors.New("client: the platform gave no token for colours")
	}
	now := d.Now().Truncate(time.Second)
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &d.credential
	c.Token, c.Refresh, c.Expires = got.Access, got.Refresh, now.Add(time.Duration(got.Expires)*time.Second)
	if c.Created.IsZero() {
		c.Created = now
	}
	return *c, nil
}

// grantedJSON is the answer to a grant.
type grantedJSON struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
}

// Partner is the number of the partner whose app the device runs.
func (d *Device) Partner() uint32 { return d.credential.Partner }

// client is the OAuth client_id of the partner's app.
func (d *Device) client() string { return strconv.FormatUint(uint64(d.credential.Partner), 10) }

// link sends a form to one of the authorization server's endpoints and decodes its
// answer into v. It is sent again when nothing was taken of it, for want of a nonce
// or of the right keys; and when again is set, after a lost answer as well.
func (d *Device) link(ctx context.Context, path string, form url.Values, attest Attester, again bool, v any) error {
	word, err := attest(ctx, []byte(d.prover.jwk))
	if err != nil {
		return err
	}
	form.Set("client_id", d.client())
	var last error
	for try := range tries {
		if try > 0 {
			if err := wait(ctx, try); err != nil {
				return errors.Join(ErrUnavailable, last)
			}
		}
		a, err := d.send(ctx, http.MethodPost, path, "", []ohttp.Field{
			{Name: "content-type", Value: "application/x-www-form-urlencoded"}, {Name: "oauth-client-attestation", Value: word},
		}, []byte(form.Encode()))
		var p *Problem
		switch {
		case errors.As(err, &p) && p.Type == ohttp.ProblemKey:
			d.forgetConfig()
		case errors.As(err, &p) && p.Status != http.StatusServiceUnavailable && p.Status != http.StatusBadGateway:
			return err
		case err != nil && !again:
			return errors.Join(ErrUnavailable, err)
		case err == nil && a.status < http.StatusMultipleChoices:
			return json.Unmarshal(a.body, v)
		case err == nil:
			refused := grantProblem(a.status, a.body)
			if err = refused; !nonceWanted(refused) && a.status != http.StatusServiceUnavailable {
				return refused
			}
		}
		last = err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, last)
}

func nonceWanted(p *Problem) bool { return p.Type == "use_dpop_nonce" || isNonce(p) }

// grantProblem reads an error as OAuth writes it (RFC 6749 §5.2).
func grantProblem(status int, body []byte) *Problem {
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &e) != nil || e.Error == "" {
		return problemOf(status, body)
	}
	return &Problem{Type: e.Error, Title: e.Description, Status: status}
}
