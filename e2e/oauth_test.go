package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/ohttp"
)

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

// tunnel encapsulates whatever is asked of it and sends it through the relay: what an
// app's SDK does around the requests of an OAuth library.
type tunnel struct {
	t      *testing.T
	relay  string
	config ohttp.Config
}

// ServeHTTP implements http.Handler.
func (n *tunnel) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	res, err := n.pass(req)
	if err != nil {
		n.t.Errorf("%s: %v", req.URL.Path, err)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	for _, f := range res.Header {
		w.Header().Add(f.Name, f.Value)
	}
	w.WriteHeader(res.Status)
	_, _ = w.Write(res.Body)
}

func (n *tunnel) pass(req *http.Request) (ohttp.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return ohttp.Response{}, err
	}
	inner := &ohttp.Request{Method: req.Method, Scheme: "https", Authority: "localhost", Path: req.URL.RequestURI(), Body: body}
	for _, name := range []string{"Authorization", "DPoP", "Content-Type", "OAuth-Client-Attestation"} {
		if v := req.Header.Get(name); v != "" {
			inner.Header = append(inner.Header, ohttp.Field{Name: strings.ToLower(name), Value: v})
		}
	}
	plain, err := ohttp.AppendRequest(nil, inner)
	if err != nil {
		return ohttp.Response{}, err
	}
	sealed, exchange, err := n.config.Encapsulate(plain)
	if err != nil {
		return ohttp.Response{}, err
	}
	_, _, raw, err := deliver(n.relay, sealed)
	if err != nil {
		return ohttp.Response{}, err
	}
	opened, err := exchange.Open([]byte(raw))
	if err != nil {
		return ohttp.Response{}, err
	}
	return ohttp.ParseResponse(opened)
}

// TestIndependentClient: oauth4webapi and jose, as published, link a person on the
// platform's real pages, refresh and check in over TLS; directly and through the relay.
func TestIndependentClient(t *testing.T) {
	node(t)
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "link.mjs"} {
		write(t, filepath.Join(dir, name), read(t, filepath.Join("oauth", name)))
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v; set SKIP_NODE=1 to go without\n%s", err, out)
	}
	f := newFamily(t)
	relay, err := client.ParseRelay([]byte(read(t, f.path("relay.json"))))
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: f.trust}}
	desk := newDesk(t, f.path("relay.json"), "https://"+f.listen, relay.Pin, web)
	through := httptest.NewServer(&tunnel{t, f.relay, desk.config})
	t.Cleanup(through.Close)
	_, port, _ := strings.Cut(f.listen, ":")
	input, err := json.Marshal(map[string]any{
		"issuer": "https://localhost", "connect": "https://localhost:" + port, "tunnel": through.URL, "client_id": "1",
		"client_key": json.RawMessage(read(t, f.path("keys", "client.jwk"))), "redirect": appURI, "venue_code": f.entry,
		"nik": sitiNIK, "pick": herself, "messages": f.inbox.file,
	})
	if err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(t.Context(), "node", "link.mjs")
	script.Dir, script.Stdin = dir, bytes.NewReader(input)
	script.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+f.path("cert.pem"))
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
