package gate

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"time"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// worker takes batches, one after the other, in one session with the keeper.
type worker struct {
	*Gate
	ctx    context.Context
	gate   accesslog.GateID
	open   bool
	voided []lost // signed, but their transaction failed: kept for the next commit
}

func (w *worker) run() {
	batch := make([]*pending, 0, keeper.MaxBatch)
	for {
		p, ok := <-w.queue
		if !ok {
			return
		}
		batch = w.gather(append(batch[:0], p))
		began, departs := w.opt.Now(), Departure{time.Now(), time.Duration(w.pace.hold.Load()), w.pace, true}
		err := w.serve(batch)
		for _, p := range batch {
			if err != nil {
				p.answer = Answer{Err: err}
			}
			departs.tells = p.ask.Act != venue.ActCover // which comes with work that is not the gate's
			p.answer.Departs = departs
			close(p.done)
		}
		if w.opt.Seen != nil {
			w.observe(batch, began, err)
		}
	}
}

func (w *worker) observe(batch []*pending, began time.Time, err error) {
	w.opt.Seen.Batch(len(batch), began.Sub(batch[0].at), w.opt.Now().Sub(began), err)
	for _, p := range batch {
		w.opt.Seen.Decided(p.ask.Act, p.answer.Step.Colour, p.answer.Outcome.Decision, p.answer.Err)
	}
}

// gather waits until the queue stops growing: a batch taken too early costs more
// per request than anything else here.
func (w *worker) gather(batch []*pending) []*pending {
	if w.opt.Linger > 0 {
		time.Sleep(w.opt.Linger)
	}
	size, idle := weight(batch[0]), 0
	for size <= keeper.MaxBatch-1-MaxMembers {
		select {
		case p, ok := <-w.queue:
			if !ok {
				return batch
			}
			batch, idle = append(batch, p), 0
			size += weight(p)
		default:
			if idle++; idle > 2 {
				return batch
			}
			runtime.Gosched()
		}
	}
	return batch
}

func weight(p *pending) int { return 1 + len(p.ask.With) }

// round is the work on one batch.
type round struct {
	*worker
	now   time.Time
	batch []*pending
	items []keeper.GateItem // of each pending: who asks, then the members
	first []int             // index of each pending's first item
	asked []identity.LinkID // per item: the link asked through
	when  []time.Time       // per item: the moment of the colour asked for
	reply keeper.GateReply
	leaf  accesslog.Leaf
	steps []step // per item
}

// step is what an opened colour says now.
type step struct {
	line status.Timeline
	now  status.Step
	next *status.Step
	born int32
	err  error
	// refused says that err is of the request and not of a colour: nothing of it is
	// served.
	refused bool
}

// serve fills every answer of the batch, or returns the error that all share.
func (w *worker) serve(batch []*pending) error {
	r := &round{worker: w, now: w.opt.Now(), batch: batch}
	if err := r.collect(); err != nil {
		return err
	}
	if err := r.consult(); err != nil {
		return err
	}
	r.read()
	return r.commit()
}

// collect makes the keeper's items, with each person's sealed colour.
func (r *round) collect() error {
	ids := make([]identity.PersonID, 0, len(r.batch)+8)
	random := make([]byte, 16*keeper.MaxBatch)
	rand.Read(random)
	add := func(p *pending, m Member, with bool) {
		a := &p.ask
		d := venue.Detail{Act: a.Act, Partner: a.Partner, Link: m.Link, Venue: a.Venue, Door: a.Door, Party: a.Party, At: r.now}
		if d.Visit = a.Visit; a.Act.Names() {
			d.Visit = a.Nonce.Name(m.Link, a.Venue)
		}
		detail, _ := d.AppendBinary(make([]byte, 0, 64))
		instant := r.now
		switch a.Act {
		case venue.ActCheckIn, venue.ActLookup, venue.ActPass:
			instant = a.Nonce.Time()
		case venue.ActLeave:
			if a.Visit != (venue.VisitID{}) {
				instant = venue.Nonce(a.Visit).Time() // the day by which the visit is found
			}
		}
		item := keeper.GateItem{
			Event:   [16]byte(random[16*len(r.items):]),
			Colour:  status.SealedColour{Person: m.Person},
			Asks:    a.Act.Asks(),
			Detail:  detail,
			Instant: instant,
			With:    with,
		}
		if !with {
			item.Run, item.Proofs = a.Run, a.Proofs
		}
		r.items = append(r.items, item)
		ids, r.asked, r.when = append(ids, m.Person), append(r.asked, m.Link), append(r.when, a.moment(r.now))
	}
	for _, p := range r.batch {
		r.first = append(r.first, len(r.items))
		add(p, p.ask.Member, false)
		for _, m := range p.ask.With {
			add(p, m, true)
		}
	}
	return r.db.View(r.ctx, func(s store.Stores) error {
		rows, err := s.Status.Colours(ids)
		if err != nil {
			return err
		}
		for i := range rows {
			r.items[i].Colour.Version, r.items[i].Colour.Sealed = rows[i].Version, rows[i].Sealed
		}
		return r.withhold(s)
	})
}

// withhold opens nothing for a link that may not ask, so that a device whose link
// was ended cannot use up its person's colours of the day. Whether a link may ask
// is decided again, for good, in the transaction.
func (r *round) withhold(s store.Stores) error {
	links, err := s.Links.Get(r.asked)
	if err != nil {
		return err
	}
	for i, p := range r.batch {
		for j := range 1 + len(p.ask.With) {
			at := r.first[i] + j
			if p.ask.may(links[at]) != nil {
				r.items[at].Colour.Version, r.items[at].Colour.Sealed, r.items[at].Asks = 0, nil, false
			}
		}
	}
	return nil
}

// consult asks the keeper, opening a new session when the old one is over.
func (r *round) consult() error {
	for try := 0; ; try++ {
		if !r.open {
			gate, _, err := r.keeper.OpenGate(r.ctx)
			if err != nil {
				return err
			}
			r.gate, r.worker.open = gate, true
		}
		reply, err := r.keeper.Gate(r.ctx, r.gate, r.items)
		if err == nil && len(reply.Results) != len(r.items) {
			err = keeper.ErrUnavailable
		}
		if err == nil {
			if r.opt.Met != nil {
				r.opt.Met(reply.Run)
			}
			r.reply, r.leaf = reply, reply.Leaf
			return nil
		}
		// After a broken call the keeper may have signed a leaf we never saw:
		// only a new session has a chain without a gap we cannot explain.
		r.worker.open = false
		if try > 0 || !errors.Is(err, keeper.ErrSession) && !errors.Is(err, keeper.ErrUnavailable) {
			return err
		}
	}
}

// read says what each opened colour means now.
func (r *round) read() {
	r.steps = make([]step, len(r.items))
	for i, res := range r.reply.Results {
		s := &r.steps[i]
		switch res.Outcome {
		case keeper.GateOpened:
			t, err := status.ParseTimeline(res.Timeline)
			if err != nil {
				s.err = ErrCorrupt
				continue
			}
			if !t.Covers(r.when[i]) {
				s.err = ErrStale
				continue
			}
			s.line = t
			s.now, s.next = t.At(r.when[i])
			s.born = int32(t.Birth)
		case keeper.GateAbsent:
			s.err = identity.ErrNoLink
		case keeper.GateLimited:
			s.err = ErrLimited
		case keeper.GateUsed:
			s.err, s.refused = keeper.ErrUsed, true
		case keeper.GateRun:
			s.err, s.refused = keeper.ErrRun, true
		case keeper.GateLoad:
			s.err, s.refused = ErrLoad, true
		default:
			s.err = ErrCorrupt
		}
	}
}

// commit runs the transaction until it holds or cannot.
func (r *round) commit() error {
	var err error
	for range 4 {
		t := newTurn(r)
		if err = r.db.Update(r.ctx, t.run); err == nil {
			r.worker.voided = nil
			t.answer()
			return nil
		}
		if fault.KindOf(err) != fault.Busy {
			break
		}
	}
	// The colours were opened: that must not go unrecorded because the
	// transaction failed.
	r.worker.voided = append(r.worker.voided, r.lose())
	return err
}
