package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/client/certify"
)

// nginxProgram is where nginx is, or the test ends.
func nginxProgram(t *testing.T) string {
	t.Helper()
	if os.Getenv("SKIP_NGINX") == "1" {
		t.Skip("SKIP_NGINX=1: THE REVERSE PROXY IS NOT TESTED")
	}
	program := os.Getenv("TEST_NGINX")
	if program == "" {
		program = "nginx"
	}
	for _, p := range []string{program, "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if found, err := exec.LookPath(p); err == nil {
			return found
		}
	}
	t.Fatal("no nginx: run scripts/nginx.sh go test ./e2e, install the package nginx, or set SKIP_NGINX=1")
	return ""
}

// published is the configuration as partners read it, in docs/partners.md.
func published(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../docs/partners.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```nginx\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/partners.md has no configuration of nginx")
	}
	return text
}

// certified is a certificate of its own that names nobody but a host.
type certified struct {
	cert, key string // PEM files
	sum       string // base64url of its SHA-256
}

func makeCertificate(t *testing.T, dir, name string) certified {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	c := certified{filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"), base64.RawURLEncoding.EncodeToString(sum[:])}
	write(t, c.cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, c.key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
	return c
}

// trusting is a client of those who show one of these certificates.
func trusting(t *testing.T, files ...string) *http.Transport {
	t.Helper()
	pool := x509.NewCertPool()
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil || !pool.AppendCertsFromPEM(raw) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true, MaxIdleConnsPerHost: 8}
}

// proxy is a running nginx with the published configuration.
type proxy struct {
	url   string // of the relay
	shows certified
	dir   string
	text  string
}

// startNginx runs the published configuration. Only what a partner writes into it
// itself is replaced, and then what the caller names; everything must be there. With
// the scheme http devices reach it without TLS.
func startNginx(t *testing.T, scheme, platform, authority string, relay certified, more ...string) *proxy {
	t.Helper()
	program, dir := nginxProgram(t), t.TempDir()
	p := &proxy{shows: makeCertificate(t, dir, "front"), dir: dir, text: published(t)}
	addr := freeAddr(t)
	listen := map[string]string{"https": "listen " + addr + " ssl;", "http": "listen " + addr + ";"}[scheme]
	p.url = scheme + "://localhost:" + addr[strings.LastIndex(addr, ":")+1:] + "/amanah"
	for i, pairs := 0, append([]string{
		"health.example.id:443", platform, "listen 443 ssl;", listen, "health.example.id", "localhost", "relay.toko-maya.example", "localhost",
		"/etc/nginx/tls/toko-maya.pem", p.shows.cert, "/etc/nginx/tls/toko-maya.key", p.shows.key,
		"/etc/nginx/tls/relay.pem", relay.cert, "/etc/nginx/tls/relay.key", relay.key, "/etc/ssl/certs/ca-certificates.crt", authority,
	}, more...); i < len(pairs); i += 2 {
		if !strings.Contains(p.text, pairs[i]) {
			t.Fatalf("the published configuration has no %q", pairs[i])
		}
		p.text = strings.ReplaceAll(p.text, pairs[i], pairs[i+1])
	}
	config := filepath.Join(dir, "nginx.conf")
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	write(t, config, fmt.Sprintf("daemon off;\nmaster_process off;\npid %s;\nerror_log stderr info;\nevents {}\nhttp {\n%s%s}\n", filepath.Join(dir, "pid"), temp.String(), p.text))
	cmd := exec.Command(program, "-c", config, "-p", dir, "-e", "stderr")
	log := &buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx:\n%s", tail(log.String()))
		}
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return p
		}
		if time.Now().After(end) {
			t.Fatalf("nginx does not listen: %v\n%s", err, log)
		}
	}
}

// TestNginxCertification runs the published list of cases of a relay against the
// published configuration. Without its own precautions, the control, it fails in the
// cases that these are for.
func TestNginxCertification(t *testing.T) {
	t.Parallel()
	relay := makeCertificate(t, t.TempDir(), "relay")
	for _, c := range []struct {
		name  string
		alter []string
		fails []string
	}{
		{"as published", nil, nil},
		{"without precautions", []string{"proxy_pass_request_headers off;", "", "if ($is_args) { return 404; }", "", "proxy_ssl_verify on;", ""}, []string{
			"relay/one-resource", "relay/no-passing", "relay/platform-certificate",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			_, port, _ := net.SplitHostPort(l.Addr().String())
			setup, err := certify.NewSetup(3, "https://localhost:"+port, nil)
			if err != nil {
				t.Fatal(err)
			}
			authority := filepath.Join(t.TempDir(), "authority.pem")
			write(t, authority, string(setup.Authority()))
			p := startNginx(t, "http", l.Addr().String(), authority, relay, append([]string{"proxy_read_timeout 20s", "proxy_read_timeout 2s"}, c.alter...)...)
			report, err := certify.Run(context.WithoutCancel(t.Context()), certify.Options{
				Setup: setup, Listener: l, Relay: p.url, Certificate: relay.sum, Bound: 10 * time.Second, Quiet: 2 * time.Second, Wait: 30 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			failed := map[string]bool{}
			for _, r := range report.Cases {
				if strings.HasPrefix(r.ID, "relay/") && r.Verdict != certify.Passed && r.Verdict != certify.NotApplicable {
					failed[r.ID] = true
					t.Logf("%s: %s: %s", r.ID, r.Verdict, r.Evidence)
				}
			}
			for _, id := range c.fails {
				if !failed[id] {
					t.Errorf("%s passes without the precaution", id)
				}
			}
			if c.fails == nil && len(failed) > 0 {
				t.Errorf("%d cases failed", len(failed))
			}
		})
	}
}

// TestNginxRelay: a device checks in through nginx, which holds a certificate and
// nothing else, at a server that ends TLS; both legs are TLS. A proxy with another
// certificate, or none, is refused, and so is this one once its partner is suspended.
func TestNginxRelay(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	platform, relay, other := makeCertificate(t, keys, "platform"), makeCertificate(t, keys, "relay"), makeCertificate(t, keys, "other")
	s := newSite(t, program, "--tls-cert", platform.cert, "--tls-key", platform.key)
	s.startKeeper()
	write(t, s.path("people.csv"), people)
	write(t, s.path("evidence.ndjson"), evidence(time.Now()))
	s.operate("", "person", "import", s.path("people.csv"))
	s.operate("", "evidence", "import", s.path("evidence.ndjson"))
	s.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "100")
	code := s.operate("", "venue", "code", "1")
	s.agree(relay.sum)
	s.startServer()
	p := startNginx(t, "https", s.listen, platform.cert, relay)
	s.operate("9901011508900001\n", "link", "add", "--partner", "1", "--relay", p.url, "--out", s.path("phone.json"))
	open := func(p *proxy) *client.Device {
		credential, _ := openPhone(t, s.path("phone.json"), client.Options{})
		credential.Relay = p.url
		device, err := client.Open(credential, client.Options{Language: "en", Transport: trusting(t, p.shows.cert)})
		if err != nil {
			t.Fatal(err)
		}
		return device
	}
	device := open(p)
	visit, err := device.CheckIn(t.Context(), client.CheckIn{Code: code, Party: 1})
	if err != nil || visit.Colour != "green" || visit.Decision != "admit" {
		t.Fatalf("%+v, %v", visit, err)
	}
	if left, err := device.Leave(t.Context(), visit.Visit); err != nil || left.Closed != 1 {
		t.Errorf("leaving: %+v, %v", left, err)
	}
	refused := func(what string, p *proxy, want string) {
		t.Helper()
		var problem *client.Problem
		if _, err := open(p).Status(t.Context()); !errors.As(err, &problem) || problem.Status != 403 || !strings.Contains(problem.Title, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("another certificate", startNginx(t, "https", s.listen, platform.cert, other), "not known")
	refused("no certificate", startNginx(t, "https", s.listen, platform.cert, relay, "proxy_ssl_certificate ", "# "), "token")
	s.operate("", "partner", "suspend", "1", "--reason", "trial")
	time.Sleep(5 * time.Second)
	refused("a suspended partner", p, "suspended")
}

// agree leads a partner through docs/partners.md into the sandbox, with the
// certificate of its relay in the agreement.
func (s *site) agree(certificate string) {
	s.t.Helper()
	terms := decode(s.t, s.run("", "partner", "draft", "Toko Maya", "--number", "1", "--keys", s.path("keys")))
	terms["keys"].(map[string]any)["certificate"] = certificate
	raw, err := json.Marshal(terms)
	if err != nil {
		s.t.Fatal(err)
	}
	file, signature := s.path("terms.json"), s.path("terms.jws")
	write(s.t, file, string(raw))
	write(s.t, signature, s.run("", "partner", "sign", file, "--key", s.path("keys", "sign.jwk")))
	checked := decode(s.t, s.run("", "partner", "terms", "check", file, "--json"))
	s.operate("", "partner", "apply", file, "--signature", signature)
	s.operate("", "partner", "countersign", "1", "--key="+checked["sign"].(string))
	s.operate("", "partner", "promote", "1")
}
