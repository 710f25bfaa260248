package permit

import (
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// Signed is a request in somebody's own signed words, believed, that names what it reads.
type Signed struct {
	permits   *Permits
	by        desk.Asker
	who       identity.PersonID
	emergency bool
	now       time.Time
	sending   *sending // where it asks to send what is read
}

// Signed believes a request to read. All reads are of the one person whom the proof's path
// names; of a record that it names, only that one's versions, and how the person's records
// stand, without which nobody could know that they are restricted. A request to send records
// to another facility opens them as one to read them does, and the receipt's Intent is what
// the document made of them is stated by.
func (p *Permits) Signed(a keeper.Ask, reads []keeper.Read) (*Signed, error) {
	now := p.now().Truncate(time.Millisecond)
	by, err := p.believe(a, now)
	if err != nil {
		return nil, err
	}
	ref, emergency, err := asks(by, reads)
	if err != nil {
		return nil, err
	}
	s := &Signed{permits: p, by: by, who: ref.Person, emergency: emergency, now: now}
	if to, until, sends := by.Proof.Sends(); sends {
		s.sending = &sending{ref.Person, by.Actor, to, until, now}
		err = maySend(by.Facility, to, until, now)
	}
	return s, err
}

// asks returns whom and what for a request is, or refuses reads that it does not name.
func asks(a desk.Asker, reads []keeper.Read) (ref record.Ref, emergency bool, err error) {
	ref, ok := a.Proof.Ref()
	emergency = a.Proof.Purpose == keeper.PurposeBreakGlass
	method := "GET"
	if _, _, sends := a.Proof.Sends(); sends {
		method = "POST"
	}
	if !ok || a.Proof.Method != method || !a.Rights.May(staff.View) || !emergency && a.Proof.Purpose != "" && a.Proof.Purpose != keeper.PurposeTreatment {
		return ref, false, keeper.ErrActor
	}
	wants := 0
	for i := range reads {
		r := &reads[i]
		health, err := r.OfRecords()
		if err != nil {
			return ref, false, err
		}
		if r.Person != ref.Person || !health && ref.Number != 0 {
			return ref, false, keeper.ErrActor
		}
		for _, w := range r.Want {
			if ref.Number != 0 && w.Record != keeper.Record(ref.Number) && w.Record != keeper.Record(record.Standing) {
				return ref, false, keeper.ErrActor
			}
		}
		wants += len(r.Want)
	}
	if len(reads) == 0 || len(reads) > keeper.MaxBulk || wants > maxWants {
		return ref, false, keeper.ErrTooMany
	}
	return ref, emergency, nil
}

// Open takes the proof, which is taken once, counts one person opened, and journals by whom,
// on what ground and which versions. It returns when that is durable.
func (s *Signed) Open(names []keeper.Read) (r keeper.Receipt, e journal.Entry, err error) {
	p, id := s.permits, keeper.Proof(s.by.Proof.Name())
	p.mu.Lock()
	o, err := p.opt.Desk.MayOpen(s.by.ID, s.who, s.emergency, s.now)
	if err == nil {
		err = p.proofs.Take(s.now, id)
	}
	if err != nil {
		p.mu.Unlock()
		if errors.Is(err, keeper.ErrBudget) || errors.Is(err, keeper.ErrSecond) {
			p.refused.Add(1)
		}
		return r, e, err
	}
	p.opt.Desk.Opened(o, s.now)
	wait := p.enter(journal.KindOpened, signed{id: id, Opened: o}.encode(names))
	p.mu.Unlock()
	if e, err = wait(); err != nil {
		return r, e, err
	}
	p.intents.Add(1)
	r = keeper.Receipt{Intent: id, Seq: e.Seq, Chain: e.Chain, At: s.now, Loud: o.Class == desk.Glass, View: p.views.Token(id)}
	r.Sign(p.logKey)
	if s.sending != nil {
		p.mu.Lock()
		p.transfers.asks(id, *s.sending)
		p.mu.Unlock()
	}
	return r, e, nil
}

func (p *Permits) replayOpened(b []byte) error {
	s, ok := parseSigned(b)
	if !ok {
		return journal.ErrBroken
	}
	p.retake(s.id, s.At)
	p.opt.Desk.Opened(s.Opened, p.now())
	return nil
}
