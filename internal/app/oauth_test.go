package app

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/oauth"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// consenting are pages on which everybody consents at once to their own link.
type consenting struct {
	r   *rig
	to  *oauth.Server
	who identity.PersonID
}

// Start implements oauth.Pages.
func (c consenting) Start(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	tokens := c.r.server.ring.tokens()
	err := c.r.server.db.Update(r.Context(), func(s store.Stores) error {
		a, err := s.Authorizations.Get(id)
		if err != nil {
			return err
		}
		asked, err := tokens.OpenAsking(id, a.Sealed)
		if err != nil {
			return err
		}
		asked.Page = identity.PageState{Asked: c.who, Proved: true, Person: c.who}
		a.Version++
		if a.Sealed, err = tokens.SealAsking(id, asked, a.Expires.Add(-identity.PageLife)); err != nil {
			return err
		}
		return s.Authorizations.Put(a)
	})
	if err != nil {
		c.r.t.Error(err)
	}
	c.to.Finish(w, r, id)
}

// consent puts pages before the rig's authorization server on which its person
// consents.
func (r *rig) consent() {
	r.t.Helper()
	own, err := r.server.ring.tokens().Open(r.token, token.ScopeColour, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	r.server.pages = func(o *oauth.Server) oauth.Pages { return consenting{r, o, own.Person} }
}

// tunnel encapsulates whatever is asked of it and sends it through the relay: what
// an app's SDK does around the requests of an OAuth library.
func (r *rig) tunnel(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	inner := &ohttp.Request{Method: req.Method, Scheme: "https", Authority: "localhost", Path: req.URL.RequestURI(), Body: body}
	for _, name := range []string{"Authorization", "DPoP", "Content-Type", "OAuth-Client-Attestation"} {
		if v := req.Header.Get(name); v != "" {
			inner.Header = append(inner.Header, ohttp.Field{Name: strings.ToLower(name), Value: v})
		}
	}
	plain, err := ohttp.AppendRequest(nil, inner)
	if err != nil {
		r.t.Error(err)
	}
	sealed, exchange, err := r.config.Encapsulate(plain)
	if err != nil {
		r.t.Errorf("%s does not fit a message: %v", req.URL.Path, err)
		return
	}
	opened, err := exchange.Open(r.forward(sealed))
	if err != nil {
		r.t.Error(err)
	}
	res, err := ohttp.ParseResponse(opened)
	if err != nil {
		r.t.Error(err)
	}
	for _, f := range res.Header {
		w.Header().Add(f.Name, f.Value)
	}
	w.WriteHeader(res.Status)
	_, _ = w.Write(res.Body)
}

// node finds Node and npm; it fails without them, unless SKIP_NODE=1, and says so.
func node(t *testing.T) {
	t.Helper()
	if os.Getenv("SKIP_NODE") == "1" {
		t.Log("WARNING: SKIP_NODE=1: NO INDEPENDENT OAUTH CLIENT IS TRIED")
		t.SkipNow()
	}
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is needed, for the independent OAuth client: install Node.js 20, or set SKIP_NODE=1 to go without", name)
		}
	}
}

// TestIndependentClient: oauth4webapi and jose, as published, link a person, refresh
// and check in; directly and through the relay.
func TestIndependentClient(t *testing.T) {
	node(t)
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "link.mjs"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "e2e", "oauth", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v; set SKIP_NODE=1 to go without\n%s", err, out)
	}
	r := newRig(t)
	r.consent()
	direct := httptest.NewServer(r.contract.Watch("public", r.server.routes(), func(err error) { t.Error(err) }))
	t.Cleanup(direct.Close)
	tunnel := httptest.NewServer(http.HandlerFunc(r.tunnel))
	t.Cleanup(tunnel.Close)
	code, err := r.server.ring.set.Load().venues.Code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	input, err := json.Marshal(map[string]any{
		"issuer": "https://localhost", "connect": direct.URL, "tunnel": tunnel.URL, "client_id": "1",
		"client_key": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(r.client.Public().(ed25519.PublicKey)), "d": b64(r.client.Seed())},
		"redirect":   "https://partner-1.example/linked", "venue_code": code,
	})
	if err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(t.Context(), "node", "link.mjs")
	script.Dir, script.Stdin = dir, bytes.NewReader(input)
	var stderr bytes.Buffer
	script.Stderr = &stderr
	raw, err := script.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	type visit struct {
		Status                  int
		Decision, Colour, Title string
	}
	var got struct {
		Sub, Scope, Twice             string
		Refreshed, Same               bool
		Visit, After, Inside, Revoked visit
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	admitted := func(v visit) bool { return v.Status == 200 && v.Decision == "admit" && v.Colour == "green" }
	refused := func(v visit) bool { return v.Status == 403 && v.Title == identity.ErrNoLink.Error() }
	if got.Scope != "colour" || len(got.Sub) != 22 || !got.Refreshed || !got.Same || got.Twice != "invalid_grant" ||
		!admitted(got.Visit) || !refused(got.After) || !admitted(got.Inside) || !refused(got.Revoked) {
		t.Errorf("%s", raw)
	}
}
