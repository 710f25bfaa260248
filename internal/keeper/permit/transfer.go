package permit

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/verify"
)

// sent is a transfer that was stated, as the journal keeps it.
type sent struct {
	Person   identity.PersonID
	Transfer verify.Transfer // not embedded: its way of writing JSON would be all of ours
}

// received is a facility's signed word that it has a document, as the journal keeps it.
type received struct {
	Person   identity.PersonID
	Facility staff.FacilityID
	By       staff.ActorID
	Digest   [32]byte
	At       time.Time
}

// sending is a signed request to send, whose records were opened and whose document is
// not stated yet.
type sending struct {
	who   identity.PersonID
	by    staff.Actor
	to    staff.FacilityID
	until time.Time
	at    time.Time
}

// transfers are those under way, under mu of Permits.
type transfers struct {
	asked map[keeper.Proof]sending
	sent  map[[32]byte]sent // by digest, while they may be fetched
	tidy  int
}

// statedWithin is how long after its request a document is stated.
const statedWithin = 5 * time.Minute

// maySend refuses a transfer that goes nowhere or for too long.
func maySend(from, to staff.FacilityID, until, now time.Time) error {
	if to == from || !until.After(now) || until.Sub(now) > keeper.MaxTransfer+24*time.Hour {
		return keeper.ErrSending
	}
	return nil
}

// asks notes what somebody may have stated.
func (x *transfers) asks(id keeper.Proof, s sending) {
	for old, one := range x.asked {
		if s.at.Sub(one.at) > statedWithin {
			delete(x.asked, old)
		}
	}
	x.asked[id] = s
}

// keep makes a transfer known, and forgets those that are over now and then.
func (x *transfers) keep(s sent, now time.Time) {
	if x.tidy++; x.tidy > 256+len(x.sent) {
		x.tidy = 0
		for d, one := range x.sent {
			if !now.Before(one.Transfer.Until) {
				delete(x.sent, d)
			}
		}
	}
	if now.Before(s.Transfer.Until) {
		x.sent[s.Transfer.Digest] = s
	}
}

// to returns the last moment of what was sent of somebody to a facility.
func (x *transfers) to(f staff.FacilityID, who identity.PersonID, now time.Time) (until time.Time) {
	for _, s := range x.sent {
		if t := s.Transfer; s.Person == who && t.To == string(f) && now.Before(t.Until) && t.Until.After(until) {
			until = t.Until
		}
	}
	return until
}

// SignTransfer states what a document that was made of a signed request's records is,
// once: to whom it goes and until when is the request's, and is signed by the log key
// when the journal has it.
func (p *Permits) SignTransfer(a keeper.TransferAsk) (verify.Transfer, error) {
	now := p.now().Truncate(time.Second)
	p.mu.Lock()
	s, known := p.transfers.asked[a.ID]
	delete(p.transfers.asked, a.ID)
	p.mu.Unlock()
	if !known || now.Sub(s.at) > statedWithin {
		return verify.Transfer{}, keeper.ErrTransfer
	}
	t := verify.Transfer{
		ID: a.ID, From: string(s.by.Facility), To: string(s.to), By: string(s.by.ID), Digest: a.Digest, Size: a.Size, Sent: now.UTC(), Until: s.until.UTC(),
	}
	if t.Sign(p.logKey) != nil {
		return verify.Transfer{}, keeper.ErrSending
	}
	err := p.decide(nil, now, journal.KindSent, func() (decision, error) {
		if _, twice := p.transfers.sent[t.Digest]; twice {
			return decision{}, keeper.ErrTransfer
		}
		return decision{Sent: &sent{s.who, t}}, nil
	})
	if err != nil {
		return verify.Transfer{}, err // its signature is nobody's before it is journaled
	}
	return t, nil
}

// ReceiveTransfer takes a facility's signed word that it has what was sent to it: the
// proof's path names the person's record and the SHA-256 of what came.
func (p *Permits) ReceiveTransfer(a keeper.Ask) (keeper.Receipt, error) {
	now := p.now().Truncate(time.Millisecond)
	by, err := p.believe(a, now)
	if err != nil {
		return keeper.Receipt{}, err
	}
	ref, digest, ok := by.Proof.Receives()
	if !ok || by.Proof.Method != "POST" {
		return keeper.Receipt{}, keeper.ErrActor
	}
	seq, chain, err := p.decideAt(&by, now, journal.KindReceived, func() (decision, error) {
		s, known := p.transfers.sent[digest]
		if !known || s.Person != ref.Person || s.Transfer.To != string(by.Facility) || !now.Before(s.Transfer.Until) {
			return decision{}, keeper.ErrTransfer
		}
		return decision{Received: &received{ref.Person, by.Facility, by.ID, digest, now}}, nil
	})
	if err != nil {
		return keeper.Receipt{}, err
	}
	r := keeper.Receipt{Intent: by.Proof.Name(), Seq: seq, Chain: chain, At: now}
	r.Sign(p.logKey)
	return r, nil
}
