package e2e

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// TestInsider: a good credential walks patients over HTTPS, on the built binary, with
// its own keeper process. Of strangers it is given ten an hour, of its facility's
// patients fifty in ten minutes, in emergencies three; whoever it was given is in the
// keeper's journal, and nobody else. Then the server is in other hands, which hold all
// proofs that passed and the keeper's socket: they open nobody in the system's name.
func TestInsider(t *testing.T) {
	t.Parallel()
	const people = 100
	o := newOffice(t)
	one, _ := o.officers()
	o.importPatients(people)
	s := o.system(one, "client-rs-99-001", "rs-99-001")
	given := map[uint64]int{} // how often each person was shown

	// walk asks for people until it is refused, and returns how many it was given.
	walk := func(from, to uint64, wantCode string) (n int) {
		t.Helper()
		for p := from; p <= to; p++ {
			status, got := s.ask("GET", fmt.Sprintf("/fhir/R4/Patient/%d", p), "", "")
			if status == 200 {
				given[p]++
				n++
				continue
			}
			issue, _ := got["issue"].([]any)
			if status != 429 && status != 403 || got["resourceType"] != "OperationOutcome" || len(issue) == 0 {
				t.Fatalf("person %d: %d %v", p, status, got)
			}
			if said := issue[0].(map[string]any)["code"]; said != wantCode {
				t.Errorf("refused with %v, want %s", issue, wantCode)
			}
			return n
		}
		return n
	}
	if n := walk(1, people, "throttled"); n != 10 {
		t.Errorf("%d strangers were opened, want 10", n)
	}
	s.extra = map[string]any{"purpose": "break-glass"}
	if n := walk(11, people, "throttled"); n != 3 {
		t.Errorf("%d people were opened in emergencies, want 3", n)
	}
	s.extra = nil
	until := time.Now().AddDate(0, 0, 7).Format(time.DateOnly)
	for p := 14; p <= people; p++ {
		if status, got := s.ask("POST", fmt.Sprintf("/fhir/R4/Patient/%d/relation/%s", p, until), "application/fhir+json", ""); status >= 300 {
			t.Fatalf("relation: %d %v", status, got)
		}
	}
	if n := walk(14, people, "forbidden"); n != 50-10-3 {
		t.Errorf("%d of the facility's patients were opened after 13 others, want 37", n)
	}
	if n := walk(1, 10, "throttled"); n != 10 { // whom it opened already: no new person
		t.Errorf("%d opened again", n)
	}

	o.server.stop()
	o.robbed(s, given)
	o.keeper.stop()
	o.journaled(given)
}

// importPatients registers people with a record each.
func (o *office) importPatients(n int) {
	o.t.Helper()
	var lines strings.Builder
	for i := range n {
		p := newVictim(i)
		fmt.Fprintf(&lines, `{"resourceType":"Patient","id":"p%d","identifier":[{"system":%q,"value":%q}],"name":[{"text":%q}],"birthDate":%q}`+"\n", i, nikSystem, p.nik, p.name, p.birth)
	}
	dir := o.t.TempDir()
	write(o.t, filepath.Join(dir, "Patient.ndjson"), lines.String())
	o.operate("", "record", "import", dir, "--facility", "rs-99-001", "--register")
}

// robbed is the server in other hands: it speaks the keeper's protocol at the server's
// socket and has every proof that was sent.
func (o *office) robbed(s *signer, given map[uint64]int) {
	t := o.t
	t.Helper()
	k := client.New(o.path("run", "serve.sock"))
	defer k.Close()
	own := stafftest.Ed(t)
	stolen, tried := 0, 0
	read := func(p uint64) []keeper.Read { // a patient has one record, at its first version
		v := keeper.Version{Record: keeper.Record(1 << 16), Version: 1}
		return []keeper.Read{{Person: identity.PersonID(p), Have: []keeper.Version{v}, Want: []keeper.Version{v}}}
	}
	for p := uint64(60); p <= 90; p++ {
		claims := stafftest.Request("GET", fmt.Sprintf("https://localhost/fhir/R4/Patient/%d", p), time.Now())
		asks := []keeper.Ask{{Proof: own.Proof(t, claims)}}
		body, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		for _, proof := range s.sent {
			parts := strings.Split(proof, ".")
			asks = append(asks, keeper.Ask{Proof: proof}, // sent again, for somebody else
				keeper.Ask{Proof: parts[0] + "." + b64url(body) + "." + parts[2]},
				keeper.Ask{Proof: b64url([]byte(`{"typ":"dpop+jwt","alg":"none"}`)) + "." + b64url(body) + "."})
		}
		for _, ask := range asks {
			tried++
			if _, out, err := k.OpenRecords(t.Context(), ask, read(p)); err == nil && out[0].Err == nil {
				stolen++
			}
		}
		for _, budget := range []keeper.Budget{keeper.BudgetStaff} { // an intent that merely says so
			tried++
			if _, out, err := k.Read(t.Context(), keeper.Intent{Actor: "client-rs-99-001", Purpose: "treatment", Budget: budget}, read(p)); err == nil && out[0].Err == nil {
				stolen++
			}
		}
	}
	for _, proof := range s.sent { // for whom they were, but once
		claims, err := base64.RawURLEncoding.DecodeString(strings.Split(proof, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var c struct{ Htu string }
		var p uint64
		if err := json.Unmarshal(claims, &c); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(c.Htu, "https://localhost/fhir/R4/Patient/%d", &p); err != nil {
			t.Fatal(err)
		}
		tried++
		if _, out, err := k.OpenRecords(t.Context(), keeper.Ask{Proof: proof}, read(p)); err == nil && out[0].Err == nil {
			stolen++
		}
	}
	if err := k.Enrol(t.Context(), keeper.Enrolment{Actor: staff.Actor{
		ID: "client-2", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.View, Key: own.JWK(),
	}}); err == nil {
		t.Error("a taken server makes somebody an actor")
	}
	t.Logf("%d attempts in the system's name, %d opened", tried, stolen)
	if stolen != 0 || len(s.sent) < 50 {
		t.Errorf("%d people opened by whoever holds the server and %d proofs", stolen, len(s.sent))
	}
	// The control: what the system signs itself is taken at the same socket, once.
	ask := keeper.Ask{Proof: s.key.Proof(t, stafftest.Request("GET", "https://localhost/fhir/R4/Patient/1", time.Now()))}
	if _, out, err := k.OpenRecords(t.Context(), ask, read(1)); err != nil || out[0].Err != nil {
		t.Errorf("what was signed is refused: %v %+v", err, out)
	}
	given[1]++
}

// recOpened is the journal's type of a person opened for an actor, and whom and by whom
// it names is at these places of it (keeper/server).
const (
	recOpened                = 37
	openedWho, openedBy, end = 26, 34, 35
)

// journaled compares the keeper's journal with what was answered.
func (o *office) journaled(given map[uint64]int) {
	o.t.Helper()
	raw, err := os.ReadFile(o.path("keeper", "journal"))
	if err != nil {
		o.t.Fatal(err)
	}
	dir := o.t.TempDir() // a copy: opening it is the keeper's
	write(o.t, filepath.Join(dir, "journal"), string(raw))
	noted := map[uint64]int{}
	j, err := journal.Open(durable.OS(dir), journal.Mark{}, func(_ uint64, kind byte, b []byte) error {
		if kind == recOpened && string(b[end:end+int(b[openedBy])]) == "client-rs-99-001" {
			noted[binary.BigEndian.Uint64(b[openedWho:])]++
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	defer j.Close()
	if !maps.Equal(noted, given) {
		o.t.Errorf("the journal has %v, answered were %v", noted, given)
	}
	people := slices.Sorted(maps.Keys(noted))
	o.t.Logf("%d people opened, each in the journal; unlogged reads 0", len(people))
	if len(people) != 50 {
		o.t.Errorf("%d people are in the journal", len(people))
	}
}
