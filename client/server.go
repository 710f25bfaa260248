package client

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ServerCredential is what lets a partner's server ask whether one person may make a
// journey: admit or refuse, never a colour. It is a secret: it prints as [redacted].
type ServerCredential struct {
	Host     string // of the platform, as proofs name it
	Platform string // URL by which the server reaches it
	Partner  uint32
	Token    string
	Refresh  string
	Key      []byte // Ed25519 seed; empty when the tokens are bound to the server's certificate
	Created  time.Time
	Expires  time.Time // of the token
}

const (
	kindServer = "amanah-server/1"
	algMTLS    = "mtls" // in place of a key's algorithm
)

// Marshal writes the credential as the document that ParseServer reads.
func (c ServerCredential) Marshal() ([]byte, error) {
	j := credentialJSON{
		Kind: kindServer, Host: c.Host, Platform: c.Platform, Partner: c.Partner, Token: c.Token, Refresh: c.Refresh,
		Alg: algEdDSA, Key: b64(c.Key), Created: c.Created.UTC(), Expires: c.Expires.UTC(),
	}
	if len(c.Key) == 0 {
		j.Alg = algMTLS
	}
	return json.MarshalIndent(j, "", "  ")
}

// ParseServer reads a server's credential.
func ParseServer(raw []byte) (ServerCredential, error) {
	var j credentialJSON
	if len(raw) > 16<<10 || json.Unmarshal(raw, &j) != nil || j.Kind != kindServer || j.Host == "" || j.Platform == "" || j.Token == "" {
		return ServerCredential{}, fmt.Errorf("%w: expected a document of kind %q", ErrCredential, kindServer)
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(j.Key)
	if err != nil || !(j.Alg == algEdDSA && len(key) == ed25519.SeedSize || j.Alg == algMTLS && len(key) == 0) {
		return ServerCredential{}, fmt.Errorf("%w: its key is damaged", ErrCredential)
	}
	if err := j.dated(); err != nil {
		return ServerCredential{}, err
	}
	return ServerCredential{j.Host, j.Platform, j.Partner, j.Token, j.Refresh, key, j.Created, j.Expires}, nil
}

// Format hides the credential from every verb.
func (ServerCredential) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalJSON hides the credential; Marshal is the way to write it.
func (ServerCredential) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// ServerKeys are by what a partner's server is known.
type ServerKeys struct {
	// Client is a client key of the agreement, Ed25519 or P-256 (private_key_jwt, RFC
	// 7523). Decide does not need it.
	Client crypto.Signer
	// Certificate binds the tokens (RFC 8705 §3) in place of a key made for each link;
	// any that the server made for itself will do. Keep it as long as the links.
	Certificate *tls.Certificate
}

// ServerRequest says for what a server asks a person's consent.
type ServerRequest struct {
	Host     string // of the platform
	Platform string // URL by which it is reached; https:// and the host when empty
	Partner  uint32
	Redirect string // redirect_uri: one of the agreement's
	Keys     ServerKeys
}

// ServerLinking is a link that a server began: see Linking.
type ServerLinking struct {
	server *Server
	asking
	url string
}

// Format hides the linking from every verb.
func (*ServerLinking) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// URL is where the person's browser goes.
func (l *ServerLinking) URL() string { return l.url }

// Server asks about one person's journeys. It may be used by several goroutines, but
// for Refresh.
type Server struct {
	credential ServerCredential
	keys       ServerKeys
	opt        Options
	prover     *prover // nil with a certificate
	http       *http.Client
}

// BeginServer pushes the request (RFC 9126).
func BeginServer(ctx context.Context, r ServerRequest, opt Options) (*ServerLinking, error) {
	c := ServerCredential{Host: r.Host, Platform: strings.TrimSuffix(r.Platform, "/"), Partner: r.Partner}
	if c.Platform == "" {
		c.Platform = "https://" + r.Host
	}
	if r.Keys.Certificate == nil {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, err
		}
		c.Key = key.Seed()
	}
	s, err := OpenServer(c, r.Keys, opt)
	if err != nil {
		return nil, err
	}
	l := &ServerLinking{server: s, asking: newAsking(r.Host, r.Redirect)}
	var pushed pushedJSON
	err = s.grant(ctx, "/oauth/par", l.asking.push("decision:server"), &pushed)
	l.url = l.asking.authorize(s.client(), pushed.Reference)
	return l, err
}

// Finish exchanges the code with which the browser came back.
func (l *ServerLinking) Finish(ctx context.Context, returned string) (ServerCredential, error) {
	form, err := l.asking.exchange(returned)
	if err != nil {
		return ServerCredential{}, err
	}
	return l.server.take(ctx, form)
}

// OpenServer makes a Server; it does not ask anything yet. With a certificate,
// opt.Transport must show it when it is no *http.Transport.
func OpenServer(c ServerCredential, keys ServerKeys, opt Options) (*Server, error) {
	if c.Host == "" || c.Platform == "" || (len(c.Key) == 0) != (keys.Certificate != nil) {
		return nil, fmt.Errorf("%w: its tokens are bound to a key of its own, or to the server's certificate", ErrCredential)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Transport == nil {
		opt.Transport = &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true}
	}
	s := &Server{credential: c, keys: keys, opt: opt}
	if keys.Certificate == nil {
		s.prover = newProver(ed25519.NewKeyFromSeed(c.Key))
	} else if plain, ok := opt.Transport.(*http.Transport); ok {
		plain = plain.Clone()
		if plain.TLSClientConfig == nil {
			plain.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13}
		}
		plain.TLSClientConfig.Certificates = []tls.Certificate{*keys.Certificate}
		opt.Transport = plain
	}
	s.http = &http.Client{Transport: opt.Transport, Timeout: askTime, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return s, nil
}

// Journey is what a server asks about.
type Journey struct {
	Name     string    // the partner's own for it, 1 to 64 bytes without personal data
	On       time.Time // its day in Western Indonesian Time, from today to 30 days from now
	Category string    // of the policy; transport when empty
}

// wib is Western Indonesian Time, in which days begin and end.
var wib = time.FixedZone("WIB", 7*60*60)

// Decide returns admit or refuse. Asking again about a journey is answered alike, and
// costs nothing.
func (s *Server) Decide(ctx context.Context, j Journey) (string, error) {
	body, err := json.Marshal(struct {
		Journey  string `json:"journey"`
		Date     string `json:"date"`
		Category string `json:"category,omitempty"`
	}{j.Name, j.On.In(wib).Format(time.DateOnly), j.Category})
	if err != nil {
		return "", err
	}
	var got struct {
		Decision string `json:"decision"`
	}
	for try := 0; ; try++ {
		status, answer, err := s.send(ctx, "/v1/decisions", s.credential.Token, "application/json", body)
		if err != nil {
			return "", err
		}
		if status == http.StatusOK {
			err = json.Unmarshal(answer, &got)
			return got.Decision, err
		}
		if p := problemOf(status, answer); try > 0 || !isNonce(p) {
			return "", p
		}
	}
}

// Refresh gets the next token and returns the credential to keep instead of the old
// one. Called again after a lost answer it does the same.
func (s *Server) Refresh(ctx context.Context) (ServerCredential, error) {
	return s.take(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.credential.Refresh}})
}

// Revoke ends the link (RFC 7009).
func (s *Server) Revoke(ctx context.Context) error {
	return s.grant(ctx, "/oauth/revoke", url.Values{"token": {s.credential.Token}}, &struct{}{})
}

// take asks for tokens and puts them to use.
func (s *Server) take(ctx context.Context, form url.Values) (ServerCredential, error) {
	var got grantedJSON
	if err := s.grant(ctx, "/oauth/token", form, &got); err != nil {
		return ServerCredential{}, err
	}
	kind := "DPoP"
	if s.prover == nil {
		kind = "Bearer"
	}
	if got.Access == "" || !strings.EqualFold(got.Type, kind) || got.Scope != "decision:server" {
		return ServerCredential{}, errors.New("client: the platform gave no token for decisions that is bound as asked")
	}
	now := s.opt.Now().Truncate(time.Second)
	c := &s.credential
	c.Token, c.Refresh, c.Expires = got.Access, got.Refresh, now.Add(time.Duration(got.Expires)*time.Second)
	if c.Created.IsZero() {
		c.Created = now
	}
	return *c, nil
}

func (s *Server) client() string { return strconv.FormatUint(uint64(s.credential.Partner), 10) }

// grant sends a form to one of the authorization server's endpoints, and once more
// when the proof needed the platform's nonce.
func (s *Server) grant(ctx context.Context, path string, form url.Values, v any) error {
	for try := 0; ; try++ {
		assertion, err := s.assert()
		if err != nil {
			return err
		}
		form.Set("client_id", s.client())
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
		status, answer, err := s.send(ctx, path, "", "application/x-www-form-urlencoded", []byte(form.Encode()))
		if err != nil {
			return err
		}
		if status < http.StatusMultipleChoices {
			return json.Unmarshal(answer, v)
		}
		if p := grantProblem(status, answer); try > 0 || !nonceWanted(p) {
			return p
		}
	}
}

// assert makes a client assertion, good once.
func (s *Server) assert() (string, error) {
	if s.keys.Client == nil {
		return "", errors.New("client: the agreement's client key is needed")
	}
	alg := algEdDSA
	if _, ok := s.keys.Client.Public().(*ecdsa.PublicKey); ok {
		alg = "ES256"
	}
	now := s.opt.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": s.client(), "sub": s.client(), "aud": "https://" + s.credential.Host, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	message := b64([]byte(`{"typ":"client-authentication+jwt","alg":"`+alg+`"}`)) + "." + b64(claims)
	sig, err := sign(s.keys.Client, []byte(message))
	return message + "." + b64(sig), err
}

// send sends one request, with what the tokens are bound to, and reads its answer.
func (s *Server) send(ctx context.Context, path, token, media string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.credential.Platform+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", media)
	scheme := "Bearer "
	if s.prover != nil {
		proof, err := s.prover.prove(http.MethodPost, "https://"+s.credential.Host+path, token, s.opt.Now())
		if err != nil {
			return 0, nil, err
		}
		req.Header.Set("DPoP", proof)
		scheme = "DPoP "
	}
	if token != "" {
		req.Header.Set("Authorization", scheme+token)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if s.prover != nil {
		s.prover.keep(res.Header.Get("DPoP-Nonce"))
	}
	return res.StatusCode, answer, err
}
