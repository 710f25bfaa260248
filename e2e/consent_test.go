package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The people of the pages' tests.
const (
	sitiNIK = "9901010403900001"
	aniNIK  = "9901010501200003" // her daughter
	noNIK   = "9901010403900008" // nobody's
	siti    = "+6281000000001"
	appURI  = "https://partner-1.example/linked"
)

// family is an installation behind TLS with a partner that came by itself, its relay,
// and a mother with her daughter.
type family struct {
	*site
	trust *tls.Config
	inbox inbox
	relay string
	entry string // a venue's code
}

// newFamily goes the whole way with commands alone: the partner drafts, signs and
// applies over the network.
func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{site: newSite(t, program)}
	_, roots := selfSigned(t, f.path("cert.pem"), f.path("key.pem"))
	t.Setenv("SSL_CERT_FILE", f.path("cert.pem")) // of the processes; this one has its own
	f.trust = &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13}
	f.inbox = inbox{t, f.path("messages")}
	write(t, f.inbox.file, "")
	f.startKeeper()
	f.people()
	f.database = []string{"--tls-cert", f.path("cert.pem"), "--tls-key", f.path("key.pem"), "--message-kind", "file", "--message-file", f.inbox.file}
	f.startServer()
	f.database = nil
	f.partner()
	f.relay = f.startRelay(f.path("relay.json"))
	return f
}

// people registers mother and daughter, who are green.
func (f *family) people() {
	f.t.Helper()
	write(f.t, f.path("people.csv"), "nik,name,birth_date,phone\n"+sitiNIK+",Siti,1990-03-04,"+siti+"\n"+aniNIK+",Ani,2020-01-05,\n")
	now := time.Now()
	write(f.t, f.path("facts.ndjson"), factsFor(sitiNIK, "green", now)+factsFor(aniNIK, "green", now))
	f.operate("", "person", "import", f.path("people.csv"))
	f.operate("", "evidence", "import", f.path("facts.ndjson"))
	f.operate(sitiNIK+"\n"+aniNIK+"\n", "guardian", "add", "--proof", "family-card", "--office", "facility-12")
	f.operate("", "venue", "add", "Mal Uji", "--category", "market", "--level", "1", "--holds", "1000")
	f.entry = f.operate("", "venue", "code", "1")
}

// partner applies by itself, and is led into the sandbox.
func (f *family) partner() {
	f.t.Helper()
	platform := "https://" + f.listen
	draft := f.run("", "partner", "draft", "Toko Maya", "--number", "1", "--keys", f.path("keys"))
	var terms map[string]any
	if err := json.Unmarshal([]byte(draft), &terms); err != nil {
		f.t.Fatal(err)
	}
	terms["scopes"], terms["purposes"] = []string{"colour", "decision:server"}, []string{"venue-check-in", "journey-admission"}
	terms["limits"] = map[string]int{"messages_per_minute": 60_000, "decisions_per_day": 1000}
	raw, err := json.Marshal(terms)
	if err != nil {
		f.t.Fatal(err)
	}
	write(f.t, f.path("terms.json"), string(raw))
	write(f.t, f.path("terms.jws"), f.run("", "partner", "sign", f.path("terms.json"), "--key", f.path("keys", "sign.jwk")))
	got := decode(f.t, f.run("", "partner", "apply", f.path("terms.json"), "--signature", f.path("terms.jws"), "--platform", platform, "--json"))
	key, _ := got["key"].(string)
	f.operate("", "partner", "countersign", "1", "--key="+key) // which may begin with a hyphen
	f.operate("", "partner", "promote", "1")
	f.operate("", "partner", "credential", "1", "--platform", platform, "--key", f.path("keys", "relay.jwk"), "--out", f.path("relay.json"))
	time.Sleep(2500 * time.Millisecond) // the server reads partners every two seconds
	if got := decode(f.t, f.run("", "partner", "standing", "--credential", f.path("relay.json"), "--json")); got["state"] != "sandbox" {
		f.t.Fatalf("%v", got)
	}
}

func (f *family) browser() *browser { return newBrowser(f.t.(*testing.T), f.listen, appURI, f.trust) }

// linking begins a device's link.
func (f *family) linking(out string) *begun {
	f.t.Helper()
	return f.begin("device", "link", "--credential", f.path("relay.json"), "--relay", f.relay, "--redirect", appURI,
		"--client-key", f.path("keys", "client.jwk"), "--out", out)
}

// consent goes through the pages for one of the family and returns where the browser
// was sent.
func (f *family) consent(address, who string) string {
	f.t.Helper()
	b := f.browser()
	before := len(f.inbox.all())
	b.open(address)
	b.send("who", "nik", sitiNIK)
	b.send("code", "code", f.inbox.next(before, siti))
	b.send("person", "pick", b.pick(who))
	if !strings.Contains(b.page.html, "Toko Maya") {
		f.t.Errorf("the person is not told with whom:\n%s", b.page.html)
	}
	return b.send("consent").app
}

// link links a device for one of the family.
func (f *family) link(name, who string) string {
	f.t.Helper()
	out := f.path(name + ".json")
	l := f.linking(out)
	if r := l.finish(f.consent(l.url, who)); r.code != 0 {
		f.t.Fatalf("%s: exit %d: %s", name, r.code, r.err)
	}
	return out
}

// The choices on the page, in Indonesian as it comes.
const (
	herself  = "saya sendiri"
	daughter = "anak dalam perwalian"
)

// TestConsentPages: from a pushed request through the real pages, the second factor
// read from where the messenger puts it, to a code, tokens and a check-in; refused,
// proved wrongly, removed, and for a child.
func TestConsentPages(t *testing.T) {
	f := newFamily(t)
	phone := f.link("siti", herself)
	if v := f.ask(phone, "checkin", "--code", f.entry); v["decision"] != "admit" || v["colour"] != "green" {
		t.Errorf("Siti: %v", v)
	}
	f.run("", "device", "renew", "--link", phone, "--client-key", f.path("keys", "client.jwk"))
	if v := f.ask(phone, "status"); v["colour"] != "green" {
		t.Errorf("after a refresh: %v", v)
	}
	t.Run("refused", func(t *testing.T) {
		l := f.linking(f.path("refused.json"))
		b := f.browser()
		b.open(l.url)
		back := b.send("refuse").app
		u, err := url.Parse(back)
		if err != nil || u.Query().Get("error") != "access_denied" || u.Query().Has("code") {
			t.Errorf("sent to %s", back)
		}
		if r := l.finish(back); r.code != 5 || !strings.Contains(r.err, "declined") {
			t.Errorf("exit %d: %s", r.code, r.err)
		}
		if _, err := os.Stat(f.path("refused.json")); err == nil {
			t.Error("a credential was written")
		}
		if p := b.open(l.url); p.status != http.StatusForbidden {
			t.Errorf("the request may be used again: %d", p.status)
		}
	})
	t.Run("a child, by her guardian", func(t *testing.T) {
		child := f.link("ani", daughter)
		if v := f.ask(child, "checkin", "--code", f.entry); v["decision"] != "admit" {
			t.Errorf("Ani: %v", v)
		}
		// Her link is hers: the mother's list has one of her own, and not the child's.
		if r := f.try("", "device", "links", "--link", child, "--json"); strings.Count(r.out, `"link"`) != 1 {
			t.Errorf("the child's links: %s%s", r.out, r.err)
		}
	})
	t.Run("wrong code is as nobody", f.wrong)
	t.Run("unlinked", f.unlinked)
	t.Run("nothing is written down", func(t *testing.T) {
		h := newHunter([]string{sitiNIK, aniNIK, strings.TrimPrefix(siti, "+"), "1990-03-04"})
		for name, text := range map[string]string{"server": f.server.log.String(), "keeper": f.keeper.log.String(), "relay": f.relays[0].log.String(), "commands": f.output.String()} {
			for v := range h.search([]byte(text)) {
				t.Errorf("%s wrote %q", name, v)
			}
		}
	})
}

var (
	tokenIn = regexp.MustCompile(`name="form" value="[^"]*"`)
	perHead = []string{"Date", "Set-Cookie"}
)

// looks is all of a page but its form's token, by which no two are alike.
func looks(p page) string {
	head := p.head.Clone()
	for _, name := range perHead {
		head.Del(name)
	}
	return fmt.Sprint(p.status, p.at.Path, head, tokenIn.ReplaceAllString(p.html, ""))
}

// wrong: what somebody sees who guesses a code is what somebody sees who made up the
// NIK, step by step and to the byte.
func (f *family) wrong(t *testing.T) {
	guess := func(nik string) (seen []string) {
		l := f.linking(f.path("guess-" + nik + ".json"))
		b := f.browser()
		seen = append(seen, looks(b.open(l.url)), looks(b.send("who", "nik", nik)))
		for _, code := range []string{"000000", "123456", "1", "999999", "000001", "000002", "000003"} {
			seen = append(seen, looks(b.send("code", "code", code)))
		}
		if r := l.finish(b.send("refuse").app); r.code != 5 {
			t.Errorf("exit %d: %s", r.code, r.err)
		}
		return seen
	}
	before := len(f.inbox.all())
	known, unknown := guess(sitiNIK), guess(noNIK)
	if got := len(f.inbox.all()); got != before+1 {
		t.Errorf("%d messages for one that is somebody and one that is nobody", got-before)
	}
	for i := range known {
		if known[i] != unknown[i] {
			t.Errorf("step %d tells who is registered:\n%s\n%s", i, known[i], unknown[i])
		}
	}
	if known[2] == known[1] || known[4] == known[3] { // the control: pages that differ are seen to
		t.Error("every page looks alike: the comparison sees nothing")
	}
}

// unlinked: from the person's one device another of theirs is removed, and refused.
func (f *family) unlinked(t *testing.T) {
	one, other := f.link("one", herself), f.link("other", herself)
	if v := f.ask(other, "status"); v["colour"] != "green" {
		t.Fatalf("%v", v)
	}
	var links []struct {
		Link string
		This bool
	}
	if err := json.Unmarshal([]byte(f.run("", "device", "links", "--link", other, "--json")), &links); err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, l := range links {
		if l.This {
			id = l.Link
		}
	}
	f.run("", "device", "unlink", id, "--link", one)
	began := time.Now()
	r := f.try("", "device", "status", "--link", other)
	for r.code == 0 && time.Since(began) < 2*time.Minute {
		r = f.try("", "device", "status", "--link", other)
	}
	took := time.Since(began)
	if r.code != 5 || took > time.Minute {
		t.Errorf("after %s: exit %d: %s", took, r.code, r.err)
	}
	t.Logf("a removed link was refused after %s", took.Round(time.Millisecond))
	if v := f.ask(one, "status"); v["colour"] != "green" { // the control: the other link lives
		t.Errorf("%v", v)
	}
	if r := f.try("", "device", "renew", "--link", other, "--client-key", f.path("keys", "client.jwk")); r.code == 0 {
		t.Error("an ended link is renewed")
	}
}

// TestJourneys: a partner's server asks whether a person who consented may travel, its
// tokens bound to a key or to its certificate, and to nothing else.
func TestJourneys(t *testing.T) {
	f := newFamily(t)
	own, other := makeCertificate(t, f.dir, "server"), makeCertificate(t, f.dir, "thief")
	by := func(c certified) []string { return []string{"--tls-cert", c.cert, "--tls-key", c.key} }
	link := func(name string, more ...string) string {
		t.Helper()
		out := f.path(name + ".json")
		l := f.begin(append([]string{"journey", "link", "--credential", f.path("relay.json"), "--redirect", appURI,
			"--client-key", f.path("keys", "client.jwk"), "--out", out}, more...)...)
		if r := l.finish(f.consent(l.url, herself)); r.code != 0 {
			t.Fatalf("%s: exit %d: %s", name, r.code, r.err)
		}
		return out
	}
	day := time.Now().In(time.FixedZone("WIB", 7*60*60)).AddDate(0, 0, 1).Format(time.DateOnly)
	decide := func(file, journey string, more ...string) result {
		t.Helper()
		return f.try("", append([]string{"journey", "decide", journey, "--on", day, "--link", file, "--json"}, more...)...)
	}
	keyed, bound := link("keyed"), link("bound", by(own)...)
	for name, r := range map[string]result{"by a key": decide(keyed, "a"), "by a certificate": decide(bound, "b", by(own)...)} {
		if r.code != 0 || decode(t, r.out)["decision"] != "admit" {
			t.Errorf("%s: exit %d: %s%s", name, r.code, r.out, r.err)
		}
	}
	if r := decide(bound, "c", by(other)...); r.code != 5 || !strings.Contains(r.err, "bound to another certificate") {
		t.Errorf("by another's certificate: exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := decide(bound, "c"); r.code != 2 {
		t.Errorf("without one: exit %d: %s%s", r.code, r.out, r.err)
	}
	// A thief who has the token and makes a key of their own for it.
	stolen := decode(t, read(t, bound))
	stolen["alg"], stolen["key"] = "EdDSA", strings.Repeat("A", 43)
	raw, err := json.Marshal(stolen)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.dir, "stolen.json"), string(raw))
	if r := decide(f.path("stolen.json"), "c"); r.code != 5 {
		t.Errorf("by a key of the thief's: exit %d: %s%s", r.code, r.out, r.err)
	}
	for _, l := range [][]string{append([]string{bound}, by(own)...), {keyed}} {
		args := append([]string{"--link", l[0], "--client-key", f.path("keys", "client.jwk")}, l[1:]...)
		f.run("", append([]string{"journey", "renew"}, args...)...)
		if r := decide(l[0], "a2", l[1:]...); r.code != 0 {
			t.Errorf("after a refresh: exit %d: %s", r.code, r.err)
		}
		f.run("", append([]string{"journey", "unlink"}, args...)...)
		if r := decide(l[0], "a2", l[1:]...); r.code != 5 {
			t.Errorf("after the link ended: exit %d: %s", r.code, r.err)
		}
	}
}

func read(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
