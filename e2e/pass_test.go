package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
)

// reported runs 'door seen' and returns what became of each pass.
func (s *site) reported(credential, list string) (codes []string) {
	s.t.Helper()
	r := s.try("", "door", "seen", "--credential", credential, "--list", list, "--json")
	var rows []struct{ Code string }
	if err := json.Unmarshal([]byte(r.out), &rows); err != nil {
		s.t.Fatalf("exit %d: %s%s", r.code, r.out, r.err)
	}
	for _, row := range rows {
		codes = append(codes, row.Code)
	}
	return codes
}

// fetch fetches a pass into a file.
func (c *country) fetch(who, name string, args ...string) map[string]any {
	c.t.Helper()
	return decode(c.t, c.run("", append([]string{"device", "pass", "fetch", "--link", c.phones[who], "--category", "mall", "--out", c.path(name), "--json"}, args...)...))
}

// TestPassWithoutNetwork: the server is away, the guard checks by the kit, and what was
// admitted is counted once when the server is back, whoever reports it how often.
func TestPassWithoutNetwork(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, database ...string) {
		c := newCountry(t, program, database...)
		c.operate("", "venue", "add", "Mal Lain", "--category", "mall", "--level", "1", "--holds", "100")
		door, other := c.path("door.json"), c.path("other.json")
		c.operate("", "venue", "door", "1", "--platform", "http://"+c.listen, "--out", door)
		c.operate("", "venue", "door", "2", "--platform", "http://"+c.listen, "--out", other)
		time.Sleep(3 * time.Second) // the server reads venues every two
		if p := c.fetch("1", "pass.json", "--party", "3"); p["decision"] != "check" || p["left_today"] != 11.0 {
			t.Fatalf("a party with two strangers: %v", p)
		}
		c.fetch("1", "unused.json")
		if p := c.fetch("3", "black.json"); p["decision"] != "refuse" || p["pass"] != nil {
			t.Fatalf("black: %v", p)
		}
		c.run("", "door", "kit", "--credential", door, "--out", c.path("kit.json"))
		c.run("", "door", "kit", "--credential", other, "--out", c.path("kit2.json"))
		c.server.stop()

		scan := c.run("", "device", "pass", "show", c.path("pass.json"))
		check := func(credential, kit, list, door, screen string) result {
			return c.try(screen, "door", "check", "--credential", credential, "--kit", c.path(kit), "--list", c.path(list), "--door", door, "--json")
		}
		if r := check(door, "kit.json", "list.jsonl", "1", scan); r.code != 0 || decode(t, r.out)["party"] != 3.0 || decode(t, r.out)["pass"] != true {
			t.Fatalf("exit %d: %s%s", r.code, r.out, r.err)
		}
		for name, screen := range map[string]string{"again": scan, "altered": scan[:80] + "AAAA" + scan[84:], "a tail": scan[:len(scan)-6] + "AAAAAA"} {
			if r := check(door, "kit.json", "list.jsonl", "1", screen); r.code == 0 {
				t.Errorf("%s: admitted: %s", name, r.out)
			}
		}
		// Another door and another venue, neither of which hears of the first.
		for _, x := range [][]string{{door, "kit.json", "list2.jsonl", "2"}, {other, "kit2.json", "list3.jsonl", "1"}} {
			again := c.run("", "device", "pass", "show", c.path("pass.json"))
			if r := check(x[0], x[1], x[2], x[3], again); r.code != 0 {
				t.Errorf("%v: exit %d: %s%s", x, r.code, r.out, r.err)
			}
		}
		if r := c.try("", "door", "seen", "--credential", door, "--list", c.path("list.jsonl")); r.code != 7 {
			t.Errorf("reported to nobody: exit %d: %s%s", r.code, r.out, r.err)
		}
		c.startServer()

		write(t, c.path("copy.jsonl"), read(t, c.path("list.jsonl"))) // an answer that was lost
		for _, x := range []struct{ credential, list, want string }{
			{door, "list.jsonl", "counted"}, {door, "list.jsonl", ""}, {door, "copy.jsonl", "again"},
			{door, "list2.jsonl", "used_here"}, {other, "list3.jsonl", "used_elsewhere"},
		} {
			if got := strings.Join(c.reported(x.credential, c.path(x.list)), " "); got != x.want {
				t.Errorf("%s: %q, want %q", x.list, got, x.want)
			}
		}
		time.Sleep(3 * time.Second)
		for credential, want := range map[string]float64{door: 3, other: 0} {
			if o := decode(t, c.run("", "door", "occupancy", "--credential", credential, "--json")); o["inside"] != want {
				t.Errorf("%s: %v inside, want %v", credential, o["inside"], want)
			}
		}
		visits, _ := c.ask(c.phones["1"], "history")["visits"].([]any)
		if len(visits) != 1 || visits[0].(map[string]any)["party"] != 3.0 || visits[0].(map[string]any)["colour"] != "green" {
			t.Errorf("history: %v", visits)
		}
		report := decode(t, c.operate("", "log", "check", "--json"))
		if report["faults"] != nil {
			t.Errorf("log: %v", report)
		}
		noCanaries(t, c)
		if kept := read(t, c.path("list.jsonl")) + read(t, c.path("pass.json")) + read(t, c.path("kit.json")); strings.Contains(kept, "Kenari") || strings.Contains(kept, "green") {
			t.Error("what doors and phones keep names somebody or a colour")
		}
	})
}

// TestPassAfterEnd: what ends a link or a partner gives no new pass; one that is out
// there is bounded by its hours and its one visit, and is the person's visit.
func TestPassAfterEnd(t *testing.T) {
	t.Parallel()
	c := newCountry(t, program)
	door := c.path("door.json")
	c.operate("", "venue", "door", "1", "--platform", "http://"+c.listen, "--out", door)
	phone := c.path("phone-ended.json")
	link := strings.TrimPrefix(c.operate("9901011508900001\n", "link", "add", "--partner", "1", "--relay", c.relay, "--out", phone), "link ")
	c.phones["ended"] = phone
	if p := c.fetch("ended", "ended.json", "--hours", "1"); p["decision"] != "admit" {
		t.Fatalf("%v", p)
	}
	if p := c.fetch("1", "suspended.json"); p["decision"] != "admit" {
		t.Fatalf("%v", p)
	}
	c.run("", "door", "kit", "--credential", door, "--out", c.path("kit.json"))
	c.operate("", "link", "end", link)
	refuse := func(who, name string) {
		t.Helper()
		r := c.try("", "device", "pass", "fetch", "--link", c.phones[who], "--category", "mall", "--out", c.path(name), "--timeout", "3s")
		if r.code == 0 {
			t.Errorf("%s is given: %s", name, r.out)
		}
	}
	refuse("ended", "more.json")
	c.operate("", "partner", "suspend", "1")
	time.Sleep(5 * time.Second)
	refuse("1", "after.json")
	for _, name := range []string{"ended.json", "suspended.json"} {
		screen := c.run("", "device", "pass", "show", c.path(name))
		c.run(screen, "door", "check", "--credential", door, "--kit", c.path("kit.json"), "--list", c.path("list.jsonl"))
	}
	if got := strings.Join(c.reported(door, c.path("list.jsonl")), " "); got != "counted counted" {
		t.Errorf("reported: %s", got)
	}
	c.operate("", "partner", "resume", "1")
	time.Sleep(3 * time.Second)
	if visits, _ := c.ask(c.phones["1"], "history")["visits"].([]any); len(visits) != 2 {
		t.Errorf("history: %v", visits)
	}
}

// another starts a second server over the same database and keeper.
func (c *country) another() string {
	c.t.Helper()
	listen, ops := c.listen, c.ops
	c.listen, c.ops = freeAddr(c.t), freeAddr(c.t)
	args := append([]string{"serve"}, c.flags()...)
	args[slices.Index(args, "--data")+1] = c.path("data2")
	p := c.start(args...)
	c.t.Cleanup(p.stop)
	second := c.listen
	c.wait("the second server's health", func() error { return healthy(c.ops) }, p)
	c.listen, c.ops = listen, ops
	return second
}

// TestPassOverTwoServers: of reports of one pass to two servers at once, one counts.
func TestPassOverTwoServers(t *testing.T) {
	t.Parallel()
	c := newCountry(t, program, postgres(t)...)
	second := c.another()
	doors := map[string]string{c.listen: c.path("door1.json"), second: c.path("door2.json")}
	for listen, file := range doors {
		c.operate("", "venue", "door", "1", "--platform", "http://"+listen, "--out", file)
	}
	c.fetch("1", "pass.json")
	c.run("", "door", "kit", "--credential", c.path("door1.json"), "--out", c.path("kit.json"))
	screen := c.run("", "device", "pass", "show", c.path("pass.json"))
	c.run(screen, "door", "check", "--credential", c.path("door1.json"), "--kit", c.path("kit.json"), "--list", c.path("list.jsonl"))
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[string]int{}
	for i := range 8 {
		list := c.path("list" + string(rune('a'+i)) + ".jsonl")
		write(t, list, read(t, c.path("list.jsonl")))
		file := c.path("door" + string(rune('1'+i%2)) + ".json")
		wg.Go(func() {
			codes := c.reported(file, list)
			mu.Lock()
			defer mu.Unlock()
			got[strings.Join(codes, " ")]++
		})
	}
	wg.Wait()
	if got["counted"] != 1 || got["again"] != 7 {
		t.Errorf("%v", got)
	}
	if visits, _ := c.ask(c.phones["1"], "history")["visits"].([]any); len(visits) != 1 {
		t.Errorf("history: %v", visits)
	}
}

// TestRelaySeesPasses: a pass that is given, refused, over the day's limit or asked for
// wrongly is to a relay what a check-in is. Without padding they are told apart
// (TestRelayWithoutPadding).
func TestRelaySeesPasses(t *testing.T) {
	c := newTaped(t, program)
	all := gather(c.site, c.front.url, client.Options{}, 7001, "green", "black", "green", "red")
	green, black, limited, odd := all[0], all[1], all[2], all[3]
	body := func(with string) []byte {
		var in map[string]any
		if err := json.Unmarshal(ticketBody(c.entry, 1, time.Now()), &in); err != nil {
			t.Fatal(err)
		}
		return fmt.Appendf(nil, `{"category":"mall","nonce":%q,"holder":%q%s}`, in["nonce"], in["holder"], with)
	}
	for range perGuest {
		if a, err := limited.postTo(t.Context(), "/v1/passes", body("")); err != nil || a.Status != 200 {
			t.Fatalf("using up the day's colours: %v %+v", err, a)
		}
	}
	for _, g := range all { // first proofs have no nonce yet
		if err := g.Cover(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.front.record()
	c.back.record()
	n := 0
	for range perGuest - 1 {
		for _, x := range []struct {
			name   string
			who    *guest
			path   string
			body   []byte
			status int
			is     func(a answer) bool
		}{
			{"given", green, "/v1/passes", body(`,"level":4`), 200, func(a answer) bool { return a.Decision == "admit" }},
			{"refused", black, "/v1/passes", body(""), 200, func(a answer) bool { return a.Decision == "refuse" }},
			{"over the limit", limited, "/v1/passes", body(""), 429, func(a answer) bool { return true }},
			{"of 13 hours", odd, "/v1/passes", body(`,"hours":13`), 400, func(a answer) bool { return strings.Contains(a.Title, "12 whole hours") }},
			{"a check-in", odd, "/v1/visits", ticketBody(c.entry, 1, time.Now()), 200, func(a answer) bool { return a.Colour == "red" }},
		} {
			a, err := x.who.postTo(t.Context(), x.path, x.body)
			if err := wanted(a, err, x.status, x.is(a)); err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
			n++
		}
	}
	for name, tape := range map[string]*tape{"device to relay": c.front, "relay to platform": c.back} {
		for view, of := range views {
			if kinds := tape.kinds(of); len(kinds) != 1 || len(tape.seen) < n {
				t.Errorf("%s: the %s tells %d messages apart: %v", name, view, len(tape.seen), kinds)
			}
		}
	}
	t.Logf("%d requests, of passes and a check-in among them", n)
}
