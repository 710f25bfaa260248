// Package gate answers batches of check-ins: it opens sealed colours within each person's
// count of the day, seals what happened under the day's keys, and signs one leaf for all.
package gate

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/days"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/once"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// session is one gate's chain of leaves.
type session struct {
	seq  uint64
	prev accesslog.Hash
}

// Config is what Gates need of the keeper.
type Config struct {
	Now    func() time.Time
	People people
	Days   *days.Days
	Once   *once.Once // of proofs of possession
	Counts *Counts
	Failed func() error // why the keeper must not go on

	Journal *journal.Journal
	LogKey  ed25519.PrivateKey // signs leaves
	Epoch   cipher.AEAD        // seals colours
}

// people are those whose colours' versions are known.
type people interface {
	Colour(identity.PersonID) (version uint32, err error)
	MoveColours([]identity.PersonID) (versions []uint32, wait func() error, err error)
}

// Gates are the sessions of this run, and what seals colours.
type Gates struct {
	now     func() time.Time
	people  people
	days    *days.Days
	once    *once.Once
	counts  *Counts
	failed  func() error
	journal *journal.Journal
	logKey  ed25519.PrivateKey
	epoch   cipher.AEAD
	opened  atomic.Uint64

	mu       sync.Mutex
	sessions map[accesslog.GateID]*session
}

// New are Gates without a session.
func New(c Config) *Gates {
	return &Gates{
		now: c.Now, people: c.People, days: c.Days, once: c.Once, counts: c.Counts, failed: c.Failed,
		journal: c.Journal, logKey: c.LogKey, epoch: c.Epoch, sessions: map[accesslog.GateID]*session{},
	}
}

// OpenGate begins a session; its first leaf is chained to the journal.
func (g *Gates) OpenGate() (accesslog.GateID, accesslog.Hash, error) {
	var id accesslog.GateID
	rand.Read(id[:])
	_, chain, err := g.journal.Append(journal.KindGate, id[:])
	if err != nil {
		return accesslog.GateID{}, accesslog.Hash{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions[id] = &session{prev: chain}
	return id, chain, nil
}

const colourTable = "status_colour"

func colourAD(p identity.PersonID, version uint32) []byte {
	b := append(make([]byte, 0, 40), "amanah colour v1\x00"+colourTable...)
	b = binary.BigEndian.AppendUint64(b, uint64(p))
	return binary.BigEndian.AppendUint32(b, version)
}

// PutColours seals new timelines and moves their versions: of all of them, or none.
func (g *Gates) PutColours(decided []keeper.Decided) ([]status.SealedColour, error) {
	if len(decided) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	people := make([]identity.PersonID, len(decided))
	for i, d := range decided {
		people[i] = d.Person
	}
	versions, wait, err := g.people.MoveColours(people)
	if err != nil {
		return nil, err
	}
	out := make([]status.SealedColour, len(decided))
	for i, d := range decided {
		out[i] = status.SealedColour{Person: d.Person, Version: versions[i], Sealed: seal.Seal(g.epoch, d.Timeline[:], colourAD(d.Person, versions[i]))}
	}
	if err := wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// CheckColours opens sealed colours and says of each only whether it opened. It tells
// nothing that is sealed, so it takes no intent.
func (g *Gates) CheckColours(role keeper.Role, rows []status.SealedColour) ([]keeper.Seal, error) {
	if err := keeper.MayCheck(role, len(rows)); err != nil {
		return nil, err
	}
	if err := g.failed(); err != nil {
		return nil, err
	}
	out := make([]keeper.Seal, len(rows))
	for i, row := range rows {
		current, err := g.people.Colour(row.Person)
		if err != nil {
			out[i] = keeper.SealOf(err)
			continue
		}
		_, err = seal.Open(g.epoch, row.Sealed, colourAD(row.Person, row.Version))
		switch {
		case err != nil || row.Version > current && seal.Binds:
			out[i] = keeper.SealBroken
		case row.Version < current && seal.Binds:
			out[i] = keeper.SealOld
		default:
			out[i] = keeper.SealHolds
		}
	}
	return out, nil
}

// Gate opens colours and seals events: one leaf. The server is told only colours
// that count against their person's day; the others are for the event alone.
func (g *Gates) Gate(role keeper.Role, id accesslog.GateID, items []keeper.GateItem) (keeper.GateReply, error) {
	s, keys, err := g.admitBatch(id, items)
	if err != nil {
		return keeper.GateReply{}, err
	}
	r := keeper.GateReply{Results: make([]keeper.GateResult, len(items)), Run: g.once.Run}
	r.Leaf.Events = make([]accesslog.Event, len(items))
	for i := range items {
		it, res := &items[i], &r.Results[i]
		if it.With && i > 0 {
			res.Outcome = refusal(r.Results[i-1].Outcome)
		} else {
			res.Outcome = g.refuse(it)
		}
		if res.Outcome == 0 {
			g.tell(it, res)
		}
		keys[i].Seal(it, res, &r.Leaf.Events[i], day.Of(it.Instant))
		if !it.Asks && role != keeper.RoleAdmin {
			res.Timeline = [status.TimelineSize]byte{}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	r.Leaf.Gate, r.Leaf.Seq, r.Leaf.Prev, r.Leaf.At = id, s.seq, s.prev, g.now().Truncate(time.Millisecond)
	r.Leaf.Sign(g.logKey, accesslog.NewTree(r.Leaf.Events))
	s.seq, s.prev = s.seq+1, r.Leaf.Hash()
	return r, nil
}

// admitBatch checks all that may refuse a batch, before any of it is told or
// counted, and finds its session and the keys of its items' days.
func (g *Gates) admitBatch(id accesslog.GateID, items []keeper.GateItem) (*session, []*days.Keys, error) {
	if len(items) == 0 || len(items) > keeper.MaxBatch {
		return nil, nil, keeper.ErrTooMany
	}
	if err := g.failed(); err != nil {
		return nil, nil, err
	}
	g.mu.Lock()
	s, ok := g.sessions[id]
	g.mu.Unlock()
	if !ok {
		return nil, nil, keeper.ErrSession
	}
	keys := make([]*days.Keys, len(items))
	for i := range items {
		if len(items[i].Detail) > keeper.MaxDetail {
			return nil, nil, keeper.ErrTooMany
		}
		if _, err := items[i].Proofs.All(); err != nil {
			return nil, nil, err
		}
		var err error
		if keys[i], err = g.days.Keys(day.Of(items[i].Instant)); err != nil {
			return nil, nil, err
		}
	}
	return s, keys, nil
}

// refuse notes the proofs of an item; zero when it may be served.
func (g *Gates) refuse(it *keeper.GateItem) keeper.GateOutcome {
	switch err := g.once.Use(g.now(), it.Run, it.Proofs, binary.BigEndian.Uint64(it.Event[:])); err {
	case nil:
		return 0
	case keeper.ErrRun:
		return keeper.GateRun
	case keeper.ErrUsed:
		return keeper.GateUsed
	default:
		return keeper.GateLoad
	}
}

// refusal is what an outcome means for the rest of a party.
func refusal(o keeper.GateOutcome) keeper.GateOutcome {
	switch o {
	case keeper.GateUsed, keeper.GateRun, keeper.GateLoad:
		return o
	}
	return 0
}

// tell opens one colour, if the person has one and may still be told it today. The
// day is the keeper's own: the server must not choose among days with counts left.
func (g *Gates) tell(it *keeper.GateItem, res *keeper.GateResult) {
	current, err := g.people.Colour(it.Colour.Person)
	there := err == nil && it.Colour.Version > 0
	used, limited := g.counts.take(it.Colour.Person, it.Asks, there)
	res.Behind = err == nil && it.Colour.Version < current
	res.Left, res.Used = max(0, g.counts.limit-used), used
	switch {
	case limited:
		res.Outcome = keeper.GateLimited
	case !there:
		res.Outcome = keeper.GateAbsent
	default:
		res.Outcome = keeper.GateCorrupt
		plain, err := seal.Open(g.epoch, it.Colour.Sealed, colourAD(it.Colour.Person, it.Colour.Version))
		if err == nil && len(plain) == len(res.Timeline) && it.Colour.Version <= current {
			res.Outcome = keeper.GateOpened
			copy(res.Timeline[:], plain)
			g.opened.Add(1)
		}
	}
}

// Opened is how many colours were opened since the keeper began.
func (g *Gates) Opened() uint64 { return g.opened.Load() }

// Use takes proofs of a request that asks for no colour.
func (g *Gates) Use(run uint64, proofs keeper.Proofs) (keeper.Run, error) {
	var by [8]byte
	rand.Read(by[:])
	return g.once.Run, g.once.Use(g.now(), run, proofs, binary.BigEndian.Uint64(by[:]))
}
