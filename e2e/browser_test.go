package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browser is a person's browser, as far as plain HTML needs one: it keeps cookies,
// follows redirects, sends the forms of the page that it shows, and stops where it is
// sent to an app.
type browser struct {
	t    *testing.T
	web  *http.Client
	app  string // the address at which an app waits
	page page
}

// page is what a browser shows, or the app's address that it was sent to.
type page struct {
	status int
	at     *url.URL
	head   http.Header
	html   string
	app    string // with what came back in it; empty on a page
}

// newBrowser makes a browser with no cookies. Whatever host an address names, the
// server that listens there is asked.
func newBrowser(t *testing.T, listen, app string, trust *tls.Config) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listen)
	}
	return &browser{t: t, app: app, web: &http.Client{
		Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: trust, DialContext: dial},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), app) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

func (b *browser) open(address string) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b *browser) do(req *http.Request) page {
	b.t.Helper()
	res, err := b.web.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.page = page{status: res.StatusCode, at: res.Request.URL, head: res.Header, html: string(raw)}
	if to := res.Header.Get("Location"); strings.HasPrefix(to, b.app) {
		b.page.app = to
	}
	return b.page
}

var (
	formTag  = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	pickTag  = regexp.MustCompile(`name="pick" value="([^"]*)"> <label[^>]*>([^<]*)<`)
)

// send fills in a form of the page shown, the one that leads to that step, and sends
// it.
func (b *browser) send(step string, fields ...string) page {
	b.t.Helper()
	for _, f := range formTag.FindAllStringSubmatch(b.page.html, -1) {
		action := html.UnescapeString(f[1])
		if !strings.HasPrefix(action, "/link/"+step+"?") && action != "/link/"+step {
			continue
		}
		form := url.Values{}
		for _, in := range inputTag.FindAllStringSubmatch(f[0], -1) {
			form.Set(in[1], html.UnescapeString(in[2]))
		}
		for i := 0; i < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		to, err := b.page.at.Parse(action)
		if err != nil {
			b.t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(form.Encode()))
		if err != nil {
			b.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		return b.do(req)
	}
	b.t.Fatalf("no form leads to %s on this page: %d %s\n%s", step, b.page.status, b.page.at, b.page.html)
	return page{}
}

// pick is the value of the choice whose label holds some text.
func (b *browser) pick(label string) string {
	b.t.Helper()
	for _, p := range pickTag.FindAllStringSubmatch(b.page.html, -1) {
		if strings.Contains(p[2], label) {
			return p[1]
		}
	}
	b.t.Fatalf("nobody to choose is %q:\n%s", label, b.page.html)
	return ""
}

// inbox is the file into which the messenger of trials writes.
type inbox struct {
	t    *testing.T
	file string
}

type letterLine struct{ To, Kind, Code string }

func (i inbox) all() []letterLine {
	i.t.Helper()
	raw, err := os.ReadFile(i.file)
	if err != nil {
		i.t.Fatal(err)
	}
	var out []letterLine
	for line := range strings.Lines(string(raw)) {
		var l letterLine
		if strings.HasSuffix(line, "\n") {
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				i.t.Fatal(err)
			}
			out = append(out, l)
		}
	}
	return out
}

// next waits for a message beyond the first n and returns its code.
func (i inbox) next(n int, to string) string {
	i.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all := i.all(); len(all) > n {
			if l := all[n]; l.To != to || l.Kind != "code" || l.Code == "" {
				i.t.Fatalf("a message to %s of kind %s", l.To, l.Kind)
			}
			return all[n].Code
		}
	}
	i.t.Fatal("no code was sent")
	return ""
}

// begun is a command that waits for a person to decide in their browser.
type begun struct {
	s    *site
	cmd  *exec.Cmd
	in   io.WriteCloser
	url  string
	rest *bufio.Reader
	err  *buffer
}

// begin starts a command that prints the address for the person's browser.
func (s *site) begin(args ...string) *begun {
	s.t.Helper()
	b := &begun{s: s, cmd: exec.Command(s.bin, args...), err: &buffer{}}
	b.cmd.Stderr = io.MultiWriter(b.err, &s.output)
	b.cmd.Env = append(os.Environ(), "TMPDIR="+s.mkdir("tmp"))
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	b.rest = bufio.NewReader(out)
	line, err := b.rest.ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "open ")
	if !ok {
		_ = b.cmd.Wait()
		s.t.Fatalf("%v: no address: %v %s%s", args, err, line, b.err)
	}
	b.url = address
	return b
}

// finish gives the command the address that the browser came back to.
func (b *begun) finish(back string) result {
	b.s.t.Helper()
	if _, err := fmt.Fprintln(b.in, back); err != nil {
		b.s.t.Fatal(err)
	}
	_ = b.in.Close() // the line was all
	out, err := io.ReadAll(b.rest)
	if err != nil {
		b.s.t.Fatal(err)
	}
	_ = b.cmd.Wait() // its status is read below
	return result{string(out), b.err.String(), b.cmd.ProcessState.ExitCode()}
}
