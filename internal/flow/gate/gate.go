// Package gate is the flow of a check-in: from a proved request to a durable
// visit with its intent, and the answer.
//
// Requests are gathered into batches. One batch is one read of the sealed
// colours, one call to the keeper, one transaction, and one leaf of the access
// log; no answer of it leaves before the commit, and every request, refused and
// malformed ones included, goes the same way and leaves an event. The flow
// sequences; what a colour or a policy means is decided in the domain.
package gate

import (
	"context"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of the gate.
var (
	ErrStopped = fault.New(fault.Unavailable, "the server is shutting down")
	ErrLoad    = fault.New(fault.Busy, "too many requests are waiting: try again shortly")
	ErrLimited = fault.New(fault.Busy, "the colours of the day are used up: ask again tomorrow, or show staff other proof")
	ErrCorrupt = fault.New(fault.Unavailable, "the stored colour does not open; it has been reported")
	ErrStale   = fault.New(fault.Unavailable, "the colour is being decided again: ask again shortly")
	ErrMembers = fault.New(fault.Invalid, "at most 4 members of a party may be named, within the party's size")
)

// MaxMembers bounds the linked members, beside the person who scans.
const MaxMembers = 4

// Keeper is what the gate asks of the keeper.
type Keeper interface {
	// OpenGate starts a session; its leaves are chained from the hash returned.
	OpenGate(ctx context.Context) (accesslog.GateID, accesslog.Hash, error)
	// Gate opens colours and seals events; keeper.ErrSession when the session is over.
	Gate(ctx context.Context, gate accesslog.GateID, items []keeper.GateItem) (keeper.GateReply, error)
}

// Member is one linked person of a party.
type Member struct {
	Link   identity.LinkID
	Person identity.PersonID
}

// Ask is one request, decapsulated, its token opened and its proof verified.
type Ask struct {
	Act     venue.Act
	Partner partner.ID
	Member           // who asks
	With    []Member // linked members of the party
	Device  identity.Thumbprint
	Venue   venue.ID // of the code scanned; zero when leaving by visit
	Door    venue.Door
	Visit   venue.VisitID // the visit to leave; zero when leaving by code
	Nonce   venue.Nonce
	Party   int
	Decoy   bool           // of an ActLookup: nobody was found, or nothing proved that it is them
	At      time.Time      // of an ActDecide: when the journey is
	For     venue.Category // and what is travelled by; of an ActPass: what places it is for
	Level   venue.Level    // of an ActPass: the strictest it is good for; zero for that of all such places
	Life    time.Duration  // of an ActPass: whole hours
	Fault   error          // why an ActVoid cannot be served
	Run     uint64         // in which the nonces of Proofs were given
	Proofs  keeper.Proofs  // that the request came with: used once, at whatever server
	// SyntheticOnly: the partner is not live, and no real person is served through it.
	SyntheticOnly bool
}

// Answer is what became of an Ask. When Err is set the rest is empty but for
// what is needed to say when it may be asked again.
type Answer struct {
	Err       error
	Step      status.Step     // colour and reason
	Next      *status.Step    // when and to what the colour changes by itself
	Colours   []status.Colour // of the linked members, in order
	Visit     venue.Visit
	Pass      venue.Pass    // of the person who asks
	Outcome   venue.Outcome // decision with its reason
	Inside    int           // people inside after this
	Limit     int           // people the venue may hold now
	Stay      time.Duration // after which the visit ends by itself
	LeftToday int           // colours the person who asks may still be told today
	UsedToday int           // colours they were told today
	Closed    int           // visits closed
	Receipt   Receipt
	Departs   Departure // set whatever Err is
}

// Receipt proves that the event of an answer is in a signed leaf.
type Receipt struct {
	Leaf   *accesslog.Leaf // without its other events' details
	Index  int
	Path   []accesslog.Hash
	Detail accesslog.Hash // of the sealed detail
}

// Options tune a Gate; the zero value is usable.
type Options struct {
	Workers int           // batches in flight; each has its own session with the keeper; default 1
	Queue   int           // requests that may wait; default 4,096
	Linger  time.Duration // wait for more requests before a batch is taken; default none
	Now     func() time.Time
	Seen    Observer         // told of each batch; may be nil
	Met     func(keeper.Run) // told which run of the keeper answers; may be nil
}

// Observer is told what batches do, for metrics.
type Observer interface {
	Batch(asks int, waited, took time.Duration, err error)
	Decided(act venue.Act, c status.Colour, d venue.Decision, err error)
}

// Gate answers Asks.
type Gate struct {
	db     store.DB
	keeper Keeper
	book   *Book
	opt    Options
	queue  chan *pending
	stop   context.CancelFunc
	pace   *pace
	ended  sync.WaitGroup
	mu     sync.RWMutex // held for reading while an Ask is put into the queue
	closed bool
}

type pending struct {
	ask    Ask
	at     time.Time
	answer Answer
	done   chan struct{}
}

// New starts a Gate. Close it.
func New(db store.DB, k Keeper, book *Book, opt Options) *Gate {
	if opt.Workers == 0 {
		opt.Workers = 1
	}
	if opt.Queue == 0 {
		opt.Queue = 4096
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	g := &Gate{db: db, keeper: k, book: book, opt: opt, queue: make(chan *pending, opt.Queue), stop: stop, pace: newPace()}
	for range opt.Workers {
		w := &worker{Gate: g, ctx: ctx}
		g.ended.Go(w.run)
	}
	return g
}

// Do waits for the answer to one Ask. A caller who gives up stops waiting; the
// act itself is then still done, and a retry with the same nonce finds it.
func (g *Gate) Do(ctx context.Context, a Ask) Answer {
	p := &pending{ask: a, at: g.opt.Now(), done: make(chan struct{})}
	if err := g.put(p); err != nil {
		return Answer{Err: err}
	}
	select {
	case <-p.done:
		return p.answer
	case <-ctx.Done():
		return Answer{Err: ErrLoad}
	}
}

func (g *Gate) put(p *pending) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return ErrStopped
	}
	select {
	case g.queue <- p:
		return nil
	default:
		return ErrLoad
	}
}

// Close answers what waits and stops.
func (g *Gate) Close() {
	g.mu.Lock()
	closed := g.closed
	g.closed = true
	g.mu.Unlock()
	if closed {
		return
	}
	close(g.queue)
	g.ended.Wait()
	g.stop()
}
