package server

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/root"
)

// clock is the time as a test sets it; the keeper's own goroutines read it, too.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 3, 10, 12, 0, 0, 0, day.Zone()).UnixNano())
	return c
}

func (c *clock) now() time.Time        { return time.Unix(0, c.at.Load()) }
func (c *clock) today() day.Day        { return day.Of(c.now()) }
func (c *clock) pass(by time.Duration) { c.at.Add(int64(by)) }

func options(d durable.FS, c *clock) Options {
	return Options{Disk: d, Credential: root.Credential{Secret: make([]byte, 32)}, Now: c.now, Origin: stafftest.Origin}
}

// start opens a keeper that the test itself closes.
func start(t testing.TB, d durable.FS, c *clock) *Keeper {
	t.Helper()
	k, err := Open(options(d, c))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return k
}

// fresh is a keeper on an empty disk with n people, closed with the test.
func fresh(t testing.TB, people int) (*Keeper, *clock) {
	t.Helper()
	c := newClock()
	k := start(t, durabletest.New(1), c)
	t.Cleanup(func() { k.Close() })
	if people > 0 {
		register(t, k, people)
	}
	return k, c
}

func register(t testing.TB, k *Keeper, n int) []keeper.Registered {
	t.Helper()
	out, err := k.people.Register(n)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	return out
}

func restart(t testing.TB, k *Keeper, c *clock) *Keeper {
	t.Helper()
	if err := k.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return start(t, k.disk, c)
}

// cut ends a keeper as a power cut does: nothing it still does reaches the disk.
func cut(d *durabletest.Disk, k *Keeper) {
	d.Fail(durabletest.Failure{N: 1, Stop: true})
	if k != nil {
		k.Close()
	}
	d.Crash()
}

// person1 is what the database holds of somebody just registered.
func person1() []keeper.Version { return []keeper.Version{{Record: keeper.RecordPerson, Version: 1}} }

// importer's intents are within a budget that no test reaches.
func importer() keeper.Intent {
	return keeper.Intent{ID: [16]byte{1}, Actor: "test", Purpose: "test", Budget: keeper.BudgetImport}
}

// read asks for all versions of one person, as the operator.
func read(k *Keeper, p identity.PersonID, have []keeper.Version) (keeper.Opened, error) {
	_, out, err := k.Read(keeper.RoleAdmin, importer(), []keeper.Read{{Person: p, Have: have, Want: have}})
	if err != nil {
		return keeper.Opened{}, err
	}
	return out[0], nil
}

func write(k *Keeper, p identity.PersonID, r keeper.Record, have []keeper.Version) (keeper.Written, error) {
	out, err := k.people.Write([]keeper.Write{{Person: p, Record: r, Have: have}})
	if err != nil {
		return keeper.Written{}, err
	}
	return out[0], out[0].Err
}

func timeline(n byte) (b [status.TimelineSize]byte) {
	for i := range b {
		b[i] = n
	}
	return b
}

func colour(t testing.TB, k *Keeper, p identity.PersonID, n byte) status.SealedColour {
	t.Helper()
	rows, err := k.PutColours([]keeper.Decided{{Person: p, Timeline: timeline(n)}})
	if err != nil {
		t.Fatalf("put a colour: %v", err)
	}
	return rows[0]
}

func openGate(t testing.TB, k *Keeper) accesslog.GateID {
	t.Helper()
	id, _, err := k.OpenGate()
	if err != nil {
		t.Fatalf("open a gate: %v", err)
	}
	return id
}

// ask asks a person's colour as the server does.
func ask(t testing.TB, k *Keeper, gate accesslog.GateID, row status.SealedColour) keeper.GateResult {
	t.Helper()
	r, err := k.Gate(keeper.RoleServe, gate, []keeper.GateItem{{Event: [16]byte{9}, Colour: row, Asks: true, Instant: k.now()}})
	if err != nil {
		t.Fatalf("gate: %v", err)
	}
	return r.Results[0]
}

func logPublic(k *Keeper) ed25519.PublicKey { return k.logKey.Public().(ed25519.PublicKey) }

func wants(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func records(k *Keeper, kind byte) (out [][]byte) {
	raw, _ := durable.ReadFile(k.disk, "journal")
	for len(raw) >= int(journal.Len(0)) {
		n := int(journal.Len(int(binary.BigEndian.Uint32(raw))))
		if raw[4] == kind {
			out = append(out, slices.Clone(raw[5:n-32]))
		}
		raw = raw[n:]
	}
	return out
}

func personIDs(n ...identity.PersonID) []identity.PersonID { return n }

func enter(p identity.PersonID, have []keeper.Version, r ...keeper.Record) keeper.Enter {
	return keeper.Enter{Person: p, Have: have, Records: r}
}

func writeRecords(k *Keeper, p identity.PersonID, have []keeper.Version, r ...keeper.Record) (keeper.Entered, error) {
	out, err := k.WriteRecords([]keeper.Enter{enter(p, have, r...)})
	if err != nil {
		return keeper.Entered{}, err
	}
	return out[0], out[0].Err
}

func settleRecords(t testing.TB, k *Keeper, p identity.PersonID, version uint64) {
	t.Helper()
	if err := k.people.SettleRecords([]keeper.Settled{{Person: p, Version: version}}); err != nil {
		t.Fatalf("settle: %v", err)
	}
}

// readNone asks whether a person has no health records.
func readNone(k *Keeper, p identity.PersonID) (keeper.Opened, error) {
	_, out, err := k.Read(keeper.RoleAdmin, importer(), []keeper.Read{{Person: p, Records: true}})
	if err != nil {
		return keeper.Opened{}, err
	}
	return out[0], nil
}
