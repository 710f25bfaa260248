package gate_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// plainKeeper answers gate calls without sealing anything: what the flow does with
// the answers is under test here, and the keeper's own tests cover the sealing.
type plainKeeper struct {
	mu      sync.Mutex
	gates   int
	seq     map[accesslog.GateID]uint64
	leaves  []accesslog.Leaf
	fail    error // answered instead, when set
	limited map[identity.PersonID]bool
	counted map[identity.PersonID]int // colours of the day used up
	used    map[keeper.Proof]bool
}

func newKeeper() *plainKeeper {
	return &plainKeeper{seq: map[accesslog.GateID]uint64{}, limited: map[identity.PersonID]bool{}, counted: map[identity.PersonID]int{}, used: map[keeper.Proof]bool{}}
}

func (k *plainKeeper) setFail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = err
}

func (k *plainKeeper) OpenGate(context.Context) (accesslog.GateID, accesslog.Hash, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return accesslog.GateID{}, accesslog.Hash{}, k.fail
	}
	k.gates++
	var id accesslog.GateID
	rand.Read(id[:])
	k.seq[id] = 0
	return id, accesslog.Hash{}, nil
}

func pseudonym(p identity.PersonID, d day.Day) venue.Pseudonym {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(p)), uint32(d))
	sum := sha256.Sum256(b)
	return venue.Pseudonym(sum[:16])
}

func (k *plainKeeper) Gate(_ context.Context, id accesslog.GateID, items []keeper.GateItem) (keeper.GateReply, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return keeper.GateReply{}, k.fail
	}
	seq, ok := k.seq[id]
	if !ok {
		return keeper.GateReply{}, keeper.ErrSession
	}
	k.seq[id] = seq + 1
	r := keeper.GateReply{Run: keeper.Run{ID: nowRun}, Leaf: accesslog.Leaf{Gate: id, Seq: seq, Count: len(items), At: time.Now()}}
	for _, it := range items {
		res := keeper.GateResult{Outcome: keeper.GateAbsent, Left: 11, Who: pseudonym(it.Colour.Person, day.Of(it.Instant))}
		switch fate := k.take(it); {
		case fate != 0:
			res.Outcome = fate
		case it.Asks && k.limited[it.Colour.Person]:
			res.Outcome, res.Left = keeper.GateLimited, 0
		case it.Colour.Version > 0:
			res.Outcome = keeper.GateOpened
			if it.Asks {
				k.counted[it.Colour.Person]++
			}
			copy(res.Timeline[:], it.Colour.Sealed)
		}
		r.Results = append(r.Results, res)
		r.Leaf.Events = append(r.Leaf.Events, accesslog.Event{ID: it.Event, Sealed: it.Detail})
	}
	k.leaves = append(k.leaves, r.Leaf)
	return r, nil
}

// nowRun is the keeper's run.
const nowRun = 7

// take notes an item's proofs.
func (k *plainKeeper) take(it keeper.GateItem) keeper.GateOutcome {
	all, err := it.Proofs.All()
	switch {
	case err != nil || len(all) == 0:
		return 0
	case it.Run != nowRun:
		return keeper.GateRun
	case k.used[all[0]]:
		return keeper.GateUsed
	}
	k.used[all[0]] = true
	return 0
}

// world is a gate over a memory store, with people who have a colour and a link.
type world struct {
	t      testing.TB
	db     store.DB
	keeper *plainKeeper
	book   *gate.Book
	gate   *gate.Gate
	clock  *clock
	nonces uint64
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Colours of the fixture's people.
const (
	greenPerson identity.PersonID = 1 + iota
	redPerson
	blackPerson
	otherGreen
)

func newWorld(t testing.TB, wrap func(store.DB) store.DB, opt gate.Options) *world {
	t.Helper()
	w := &world{t: t, db: openSQLite(t), keeper: newKeeper(), clock: &clock{at: time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC)}}
	policy, err := venue.ShippedPolicy()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := status.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	w.seed(rules)
	if wrap != nil {
		w.db = wrap(w.db)
	}
	w.book = gate.NewBook(policy, rules)
	if err := w.book.Refresh(context.Background(), w.db); err != nil {
		t.Fatal(err)
	}
	opt.Now = w.clock.now
	w.gate = gate.New(w.db, w.keeper, w.book, opt)
	t.Cleanup(w.gate.Close)
	return w
}

func (w *world) seed(rules *status.Schedule) {
	now := w.clock.at
	born, _ := day.Parse("1990-01-01")
	today := day.Of(now)
	people := map[identity.PersonID]status.Evidence{
		greenPerson: boosted(born, today),
		redPerson:   {Birth: born, Inquiries: []status.Inquiry{{On: today.Add(-1), Ref: "i"}}},
		blackPerson: {Birth: born, Tests: []status.Test{{At: now.Add(-24 * time.Hour), Kind: status.PCR, Positive: true, Ref: "t"}}},
		otherGreen:  boosted(born, today),
	}
	err := w.db.Update(context.Background(), func(s store.Stores) error {
		for id, e := range people {
			t, err := status.MakeTimeline(e, rules, now)
			if err != nil {
				return err
			}
			b := t.Marshal()
			if err := s.Status.PutColours([]status.SealedColour{{Person: id, Version: 1, Sealed: b[:]}}); err != nil {
				return err
			}
			if err := s.Links.Put(identity.Link{ID: linkOf(id), Partner: 1, Device: deviceOf(id), Created: now}); err != nil {
				return err
			}
		}
		for id, holds := range map[venue.ID]int{1: 10, 2: 1000} {
			if err := s.Venues.Put(venue.Venue{ID: id, Name: "Mal", Category: venue.Mall, Level: 1, Declared: holds, Doors: 1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func boosted(born, today day.Day) status.Evidence {
	e := status.Evidence{Birth: born}
	for i, ago := range []int{300, 270, 60} {
		e.Doses = append(e.Doses, status.Dose{On: today.Add(-ago), Vaccine: "sinovac", Ref: string(rune('a' + i))})
	}
	return e
}

func linkOf(p identity.PersonID) identity.LinkID { return identity.LinkID{15: byte(p)} }

// deviceOf puts everybody's links on one phone, but the last person's.
func deviceOf(p identity.PersonID) identity.Thumbprint {
	if p == otherGreen {
		return identity.Thumbprint{2}
	}
	return identity.Thumbprint{1}
}

// checkIn makes an Ask with a nonce of its own.
func (w *world) checkIn(p identity.PersonID, at venue.ID, party int) gate.Ask {
	w.nonces++
	a := gate.Ask{
		Act: venue.ActCheckIn, Partner: 1, Member: gate.Member{Link: linkOf(p), Person: p}, Device: deviceOf(p),
		Venue: at, Door: 1, Party: party,
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(w.clock.now().UnixMilli()))
	copy(a.Nonce[:6], ms[2:])
	binary.BigEndian.PutUint64(a.Nonce[8:], w.nonces)
	return a
}

func (w *world) do(a gate.Ask) gate.Answer { return w.gate.Do(context.Background(), a) }

func (w *world) inside(id venue.ID) int {
	w.t.Helper()
	var n []int
	err := w.db.View(context.Background(), func(s store.Stores) (err error) {
		n, err = s.Venues.Inside([]venue.ID{id})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n[0]
}

// events counts the events stored, and how many of their leaves are voided.
func (w *world) events() (events, voided int) {
	w.t.Helper()
	err := w.db.View(context.Background(), func(s store.Stores) error {
		gates, err := s.Log.Gates()
		if err != nil {
			return err
		}
		for _, g := range gates {
			leaves, err := s.Log.Of(g.Gate, 0, 1000)
			if err != nil {
				return err
			}
			for _, l := range leaves {
				events += len(l.Events)
				if l.Voided {
					voided++
				}
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return events, voided
}

func openSQLite(t testing.TB) store.DB {
	db, err := sqlite.Open(t.TempDir()+"/x.db", sqlite.Options{Limit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
