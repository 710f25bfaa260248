package e2e

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// TestKeeperOnAnotherHost: server, operator's commands and keeper share no socket and
// know each other by certificates that each made for itself; a check-in goes through.
func TestKeeperOnAnotherHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, program)
	addr := freeAddr(t)
	remote := func(who string) []string {
		return []string{
			"--data", s.path("data"), "--host", "localhost", "--listen", s.listen, "--ops", s.ops, "--keeper-address", addr,
			"--keeper-cert", s.path(who + ".pem"), "--keeper-key", s.path(who + ".key"), "--keeper-known", s.path("keeper.pem"),
		}
	}
	listen := []string{
		"keeper", "--dir", s.path("keeper"), "--sockets", s.mkdir("run"), "--credential", s.path("root.credential"), "--same-user",
		"--listen", addr, "--cert", s.path("keeper.pem"), "--key", s.path("keeper.key"),
		"--servers", s.path("server.pem"), "--operators", s.path("operator.pem"),
	}
	// Each end makes its certificate when it first starts, and cannot go on without the
	// other's.
	if r := s.try("", listen...); r.code == 0 {
		t.Fatal("a keeper that was given no server's certificate listens to other hosts")
	}
	for _, who := range []string{"server", "operator"} {
		if r := s.try("", append([]string{"venue", "list"}, remote(who)...)...); r.code == 0 {
			t.Fatalf("%s: asked a keeper that is not there", who)
		}
	}
	s.keeper = s.start(listen...)
	s.wait("the keeper", func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	}, s.keeper)
	if r := s.try("", append([]string{"venue", "list"}, remote("stranger")...)...); r.code == 0 {
		t.Error("a certificate that nobody gave the keeper is answered")
	}
	operate := func(stdin string, args ...string) string {
		t.Helper()
		return s.run(stdin, append(args, remote("operator")...)...)
	}
	write(t, s.path("people.csv"), people)
	write(t, s.path("evidence.ndjson"), evidence(time.Now()))
	operate("", "person", "import", s.path("people.csv"))
	operate("", "evidence", "import", s.path("evidence.ndjson"))
	operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "100")
	code := operate("", "venue", "code", "1")
	operate("", "partner", "add", "Mitra Uji", "--platform", "http://"+s.listen, "--out", s.path("relay.json"))
	backup := []string{"backup", "make", "--at", s.mkdir("backups"), "--recovery", s.mkdir("recovery")}
	if r := s.try("", append(backup, remote("server")...)...); r.code == 0 {
		t.Error("a server's certificate suffices for a backup of the keeper")
	}
	operate("", backup...)
	s.server = s.start(append([]string{"serve"}, remote("server")...)...)
	s.wait("the server's health", func() error { return healthy(s.ops) }, s.server)
	relay := s.startRelay(s.path("relay.json"))
	nik, _, _ := strings.Cut(strings.Split(people, "\n")[1], ",")
	operate(nik+"\n", "link", "add", "--partner", "1", "--relay", relay, "--out", s.path("phone.json"))
	if a := s.ask(s.path("phone.json"), "checkin", "--code", code); a["colour"] != "green" || a["decision"] != "admit" {
		t.Errorf("answer: %v", a)
	}
	if info, err := os.Stat(s.path("server.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the server's key: %v %v", info, err)
	}
}
