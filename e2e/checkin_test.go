package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// people are synthetic; the names, NIKs and numbers are canaries that no log,
// error, metric or file may show.
const people = `nik,name,birth_date,phone
9901011508900001,Canary Satu Kenari,1990-08-15,+628990000000001
9901025509850002,Canary Dua Kenari,1985-09-15,+628990000000002
9901030101700003,Canary Tiga Kenari,1970-01-01,+628990000000003
9901040202150004,Canary Kecil Kenari,2015-02-02,
`

// evidence makes the first person fully vaccinated with a booster, the second
// unvaccinated by the registry's word and the third a case of yesterday; the
// fourth is a child.
func evidence(now time.Time) string {
	d := func(days int) string { return now.AddDate(0, 0, -days).Format("2006-01-02") }
	var b strings.Builder
	for i, on := range []int{300, 270, 100} {
		fmt.Fprintf(&b, `{"nik":"9901011508900001","kind":"dose","on":"%s","vaccine":"sinovac","ref":"d%d"}`+"\n", d(on), i)
	}
	fmt.Fprintf(&b, `{"nik":"9901025509850002","kind":"inquiry","on":"%s","ref":"i1"}`+"\n", d(1))
	fmt.Fprintf(&b, `{"nik":"9901030101700003","kind":"test","at":"%s","test":"pcr","result":"positive","ref":"t1"}`+"\n", now.AddDate(0, 0, -1).UTC().Format(time.RFC3339))
	for i, on := range []int{200, 170} {
		fmt.Fprintf(&b, `{"nik":"9901040202150004","kind":"dose","on":"%s","vaccine":"sinovac","ref":"c%d"}`+"\n", d(on), i)
	}
	return b.String()
}

// country is a small installation with everything a check-in needs.
type country struct {
	*site
	relay  string
	entry  string
	exit   string
	phones map[string]string // by the NIK's last digit
}

func newCountry(t testing.TB, bin string, database ...string) *country {
	t.Helper()
	c := &country{site: newSite(t, bin, database...), phones: map[string]string{}}
	c.startKeeper()
	write(t, c.path("people.csv"), people)
	write(t, c.path("evidence.ndjson"), evidence(time.Now()))
	c.operate("", "person", "import", c.path("people.csv"))
	c.operate("", "evidence", "import", c.path("evidence.ndjson"))
	c.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "100", "--doors", "2")
	c.entry = c.operate("", "venue", "code", "1", "--door", "1")
	c.exit = c.operate("", "venue", "code", "1", "--door", "2", "--exit")
	c.operate("", "partner", "add", "Mitra Uji", "--platform", "http://"+c.listen, "--out", c.path("relay.json"))
	c.startServer()
	c.relay = c.startRelay(c.path("relay.json"))
	for i, line := range strings.Split(strings.TrimSpace(people), "\n")[1:] {
		nik, _, _ := strings.Cut(line, ",")
		name := fmt.Sprint(i + 1)
		c.phones[name] = c.path("phone" + name + ".json")
		c.operate(nik+"\n", "link", "add", "--partner", "1", "--relay", c.relay, "--out", c.phones[name])
	}
	return c
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// engines are the databases that an installation may stand on.
func engines(t *testing.T, run func(t *testing.T, database ...string)) {
	t.Run("sqlite", func(t *testing.T) { run(t) })
	t.Run("postgres", func(t *testing.T) { run(t, postgres(t)...) })
}

// postgres makes a database of its own on the throw-away cluster.
func postgres(t *testing.T) []string {
	t.Helper()
	base := os.Getenv("TEST_POSTGRES")
	if base == "" {
		if os.Getenv("SKIP_POSTGRES") == "1" {
			t.Skip("SKIP_POSTGRES=1: POSTGRESQL IS NOT TESTED")
		}
		t.Fatal("TEST_POSTGRES is not set: run `make test`, or set SKIP_POSTGRES=1")
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + createDatabase(t, base)
	file := t.TempDir() + "/url"
	write(t, file, u.String())
	return []string{"--database-engine", "postgres", "--database-url-file", file}
}

func TestCheckIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, database ...string) {
		c := newCountry(t, program, database...)

		t.Run("green is admitted and told why", func(t *testing.T) {
			a := c.ask(c.phones["1"], "checkin", "--code", c.entry)
			if a["colour"] != "green" || a["decision"] != "admit" || a["inside"] != 1.0 || a["limit"] != 100.0 {
				t.Fatalf("answer: %v", a)
			}
			reason, _ := a["reason"].(map[string]any)
			if reason["code"] == "" || reason["text"] == "" {
				t.Errorf("no reason: %v", a["reason"])
			}
			screen, _ := a["screen"].(string)
			checked := decode(t, c.run(screen, "ticket", "check", "--platform", "http://"+c.listen, "--pin-of", c.phones["1"], "--json"))
			if checked["decision"] != "admit" || checked["venue"] != 1.0 {
				t.Errorf("the ticket does not hold: %v", checked)
			}
			tampered := screen[:len(screen)-8] + "AAAAAAAA"
			if r := c.try(tampered, "ticket", "check", "--platform", "http://"+c.listen, "--pin-of", c.phones["1"]); r.code == 0 {
				t.Error("a tampered ticket is accepted")
			}
			left := c.ask(c.phones["1"], "leave", "--visit", a["visit"].(string))
			if left["closed"] != 1.0 {
				t.Errorf("leave: %v", left)
			}
		})

		t.Run("unvaccinated is not no data", func(t *testing.T) {
			a := c.ask(c.phones["2"], "status")
			reason, _ := a["reason"].(map[string]any)
			if a["colour"] != "red" || reason["code"] != "unvaccinated" {
				t.Errorf("status: %v", a)
			}
			if a := c.ask(c.phones["2"], "checkin", "--code", c.entry); a["decision"] == "admit" {
				t.Errorf("red is admitted to a mall: %v", a)
			}
		})

		t.Run("a case is black, refused, and told when that ends", func(t *testing.T) {
			a := c.ask(c.phones["3"], "checkin", "--code", c.entry)
			if a["colour"] != "black" || a["decision"] != "refuse" || a["ticket"] != nil {
				t.Fatalf("answer: %v", a)
			}
			next, _ := a["next"].(map[string]any)
			at, err := time.Parse(time.RFC3339, fmt.Sprint(next["at"]))
			if err != nil || at.Before(time.Now()) || at.After(time.Now().AddDate(0, 0, 20)) {
				t.Errorf("next: %v", a["next"])
			}
		})

		t.Run("check-out by the exit's code", func(t *testing.T) {
			c.ask(c.phones["1"], "checkin", "--code", c.entry, "--party", "3")
			if v := c.ask(c.phones["1"], "venue", "1"); v["name"] != "Mal Uji" {
				t.Errorf("venue: %v", v)
			}
			if left := c.ask(c.phones["1"], "leave", "--code", c.exit); left["closed"] != 1.0 {
				t.Errorf("leave: %v", left)
			}
		})

		t.Run("history", func(t *testing.T) {
			h := c.ask(c.phones["1"], "history")
			visits, _ := h["visits"].([]any)
			if len(visits) != 2 {
				t.Fatalf("history: %v", h)
			}
			last := visits[0].(map[string]any)
			if last["venue"] != "Mal Uji" || last["colour"] != "green" || last["left"] == nil {
				t.Errorf("the last visit: %v", last)
			}
		})

		t.Run("bad input", func(t *testing.T) { badInput(t, c) })

		t.Run("a link that ended asks no more", func(t *testing.T) {
			phone := c.path("phone-ended.json")
			out := c.operate("9901011508900001\n", "link", "add", "--partner", "1", "--relay", c.relay, "--out", phone)
			c.ask(phone, "status")
			c.operate("", "link", "end", strings.TrimPrefix(out, "link "))
			if r := c.try("", "device", "status", "--link", phone); r.code == 0 || !strings.Contains(r.err, "not linked") {
				t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
			}
		})

		t.Run("a suspended partner is cut off in 5 s", func(t *testing.T) {
			c.operate("", "partner", "suspend", "1")
			time.Sleep(5 * time.Second)
			if r := c.try("", "device", "status", "--link", c.phones["1"], "--timeout", "3s"); r.code == 0 {
				t.Errorf("still served: %s", r.out)
			}
			c.operate("", "partner", "resume", "1")
		})

		report := decode(t, c.operate("", "log", "check", "--json"))
		if n, _ := report["events"].(float64); n < 10 || report["faults"] != nil {
			t.Errorf("log: %v", report)
		}
		noCanaries(t, c)
	})
}

// badInput checks that wrong codes and parties get an answer that says what is
// wrong, and change nothing.
func badInput(t *testing.T, c *country) {
	altered := c.entry[:len(c.entry)-6] + "AAAAAA"
	for _, bad := range []struct {
		name string
		args []string
		want string
	}{
		{"a forged code", []string{"checkin", "--code", altered}, "signature"},
		{"a foreign code", []string{"checkin", "--code", strings.Replace(c.entry, "localhost", "evil.example", 1)}, "host"},
		{"an exit's code", []string{"checkin", "--code", c.exit}, "exit"},
		{"a party of none", []string{"checkin", "--code", c.entry, "--party", "0"}, "party"},
		{"a party of a thousand", []string{"checkin", "--code", c.entry, "--party", "1000"}, "party"},
	} {
		r := c.try("", append(append([]string{"device"}, bad.args...), "--link", c.phones["1"])...)
		if r.code == 0 || !strings.Contains(r.err, bad.want) {
			t.Errorf("%s: exit %d, %s%s", bad.name, r.code, r.out, r.err)
		}
	}
}

// canaries are the people's NIKs, names, dates and numbers, as addresses and digests have
// them, too. Of names and numbers the part is looked for that all ways to write them share.
func canaries() (all []string) {
	for _, line := range strings.Split(strings.TrimSpace(people), "\n")[1:] {
		f := strings.Split(line, ",")
		_, name, _ := strings.Cut(f[1], " ")
		digest := sha256.Sum256([]byte(f[0]))
		all = append(all, f[0], name, strings.ToLower(name), url.QueryEscape(name), url.PathEscape(name), f[2], string(digest[:]))
		if number := strings.TrimPrefix(f[3], "+62"); number != "" {
			all = append(all, number)
		}
	}
	return all
}

// noCanaries searches all that the processes and commands said, and the metrics, for
// canaries in every form that the hunter knows. The controls are a harmless word of each of
// them, and each canary in two encodings at the end of the same text.
func noCanaries(t *testing.T, c *country) {
	t.Helper()
	said := map[string]string{"commands": c.output.String(), "metrics": metrics(t, c.ops)}
	word := map[string]string{"commands": `"decision"`, "metrics": "amanah_gate_asks_total"}
	for i, p := range c.ran {
		name := fmt.Sprintf("process %d, %s", i, p.cmd.Args[1])
		said[name] = p.log.String()
		word[name] = map[string]string{"keeper": "msg=keeping", "serve": "msg=serving", "partner": "msg=relaying"}[p.cmd.Args[1]]
	}
	for name, text := range said {
		if w := word[name]; !newHunter([]string{w}).search([]byte(text))[w] {
			t.Errorf("control: %q is not found in what %s said", w, name)
		}
		h := newHunter(canaries())
		for secret := range h.search([]byte(text)) {
			t.Errorf("%q is in what %s said", secret, name)
		}
		for _, secret := range canaries() {
			tail := []byte("x" + secret)
			for _, encoded := range []string{base64.StdEncoding.EncodeToString(tail), hex.EncodeToString(tail)} {
				if len(h.search([]byte(text+encoded))) == 0 {
					t.Errorf("control: %q is not found at the end of what %s said", secret, name)
				}
			}
		}
	}
}
