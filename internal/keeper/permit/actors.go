package permit

import (
	"encoding/json"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// Named returns who has a name, and their key.
func (p *Permits) Named(id staff.ActorID) (staff.Actor, jose.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opt.Desk.Named(id)
}

// Holder returns who has a key.
func (p *Permits) Holder(thumbprint [32]byte) (staff.Actor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opt.Desk.Holder(thumbprint)
}

// decision is what the journal keeps of a decision at the desk; of all one is set.
type decision struct {
	Proof    keeper.Proof   // none on the admin socket
	Enrolled *desk.Enrolled `json:",omitempty"`
	Approved *desk.Approved `json:",omitempty"`
	Related  *desk.Related  `json:",omitempty"`
	Sent     *sent          `json:",omitempty"`
	Received *received      `json:",omitempty"`
}

// decide takes the proof and journals what decide comes to, which is so at once and
// answered when it is durable.
func (p *Permits) decide(by *desk.Asker, now time.Time, kind byte, may func() (decision, error)) error {
	_, _, err := p.decideAt(by, now, kind, may)
	return err
}

// decideAt is decide, and says where in the journal it stands.
func (p *Permits) decideAt(by *desk.Asker, now time.Time, kind byte, may func() (decision, error)) (seq uint64, chain [32]byte, err error) {
	p.mu.Lock()
	t, err := may()
	if err == nil && by != nil {
		if _, _, err = p.opt.Desk.Named(by.ID); err == nil { // ended since it was believed?
			t.Proof = by.Proof.Name()
			err = p.proofs.Take(now, t.Proof)
		}
	}
	var payload []byte
	if err == nil {
		payload, err = json.Marshal(t)
	}
	if err == nil {
		err = p.apply(t, now)
	}
	if err != nil {
		p.mu.Unlock()
		return 0, chain, err
	}
	seq, chain, wait := p.journal.Put(kind, payload)
	p.noted(seq, kind, payload)
	p.mu.Unlock()
	return seq, chain, wait()
}

func (p *Permits) apply(t decision, now time.Time) error {
	switch {
	case t.Enrolled != nil:
		return p.opt.Desk.Enrolled(*t.Enrolled)
	case t.Approved != nil:
		p.opt.Desk.Approved(*t.Approved)
	case t.Related != nil:
		p.opt.Desk.Related(*t.Related, now)
	case t.Sent != nil:
		p.transfers.keep(*t.Sent, now)
	}
	return nil
}

func (p *Permits) replayDesk(kind byte, payload []byte) error {
	var t decision
	if err := json.Unmarshal(payload, &t); err != nil {
		return journal.ErrBroken
	}
	at := time.Time{}
	switch {
	case t.Enrolled != nil && kind == journal.KindActor:
		at = t.Enrolled.At
	case t.Approved != nil && kind == journal.KindApproval:
		at = t.Approved.At
	case t.Related != nil && kind == journal.KindRelation:
		at = t.Related.At
	case t.Sent != nil && kind == journal.KindSent:
		at = t.Sent.Transfer.Sent
	case t.Received != nil && kind == journal.KindReceived:
		at = t.Received.At
	default:
		return journal.ErrBroken
	}
	p.retake(t.Proof, at)
	if err := p.apply(t, p.now()); err != nil {
		return journal.ErrBroken
	}
	return nil
}

// retake remembers a proof that an earlier run took, for as long as it could be
// brought again.
func (p *Permits) retake(proof keeper.Proof, at time.Time) {
	if now := p.now(); now.Sub(at) < proofLife {
		_ = p.proofs.Take(now, proof)
	}
}

// Enrol makes an actor known, changes their rights or ends them. ErrSecond means that
// the signature is kept, and that the same enrolment signed by another officer within
// a day makes it so.
func (p *Permits) Enrol(role keeper.Role, e keeper.Enrolment) error {
	now := p.now().Truncate(time.Millisecond)
	var by *desk.Asker
	var officer staff.ActorID
	if e.By.Proof != "" {
		one, err := p.believe(e.By, now)
		if err != nil {
			return err
		}
		if one.Role != staff.RoleOfficer || one.Proof.Method != "POST" || !one.Proof.Enrols(e.Actor) {
			return keeper.ErrActor
		}
		by, officer = &one, one.ID
	}
	waits := false
	err := p.decide(by, now, journal.KindActor, func() (decision, error) {
		done, err := p.opt.Desk.MayEnrol(e.Actor, officer, role == keeper.RoleAdmin, now)
		waits = !done.Done
		return decision{Enrolled: &done}, err
	})
	if err == nil && waits {
		return keeper.ErrSecond
	}
	return err
}

// Actors lists all who were ever enrolled.
func (p *Permits) Actors() ([]staff.Actor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opt.Desk.Actors(), nil
}

// Approve takes a second person's word for the actor that the proof's path names: for
// an hour they may open more than 50 people in 10 minutes, within the other budgets.
func (p *Permits) Approve(a keeper.Ask) error {
	now := p.now().Truncate(time.Millisecond)
	by, err := p.believe(a, now)
	if err != nil {
		return err
	}
	id, ok := by.Proof.Approval()
	if !ok || by.Proof.Method != "POST" {
		return keeper.ErrActor
	}
	return p.decide(&by, now, journal.KindApproval, func() (decision, error) {
		said, err := p.opt.Desk.MayApprove(id, by.Actor, now)
		return decision{Approved: &said}, err
	})
}

// Relate takes a facility's word, signed by its system, that it treats somebody until
// the end of the day that the proof's path names: of whom was sent to it, by a path that
// names what was sent, no longer than that may be fetched.
func (p *Permits) Relate(a keeper.Ask, r keeper.Relation) error {
	now := p.now().Truncate(time.Millisecond)
	by, err := p.believe(a, now)
	if err != nil {
		return err
	}
	ref, until, ok := by.Proof.Relation()
	if !ok || by.Proof.Method != "POST" || ref.Person != r.Person || !until.Equal(r.Until) {
		return keeper.ErrActor
	}
	if err := p.opt.Known(r.Person); err != nil {
		return err
	}
	return p.decide(&by, now, journal.KindRelation, func() (decision, error) {
		if ref.Number != 0 && r.Until.After(p.transfers.to(by.Facility, r.Person, now)) {
			return decision{}, keeper.ErrTransfer
		}
		made, err := p.opt.Desk.MayRelate(r, by.Actor, now)
		made.Transfer = uint64(ref.Number)
		return decision{Related: &made}, err
	})
}
