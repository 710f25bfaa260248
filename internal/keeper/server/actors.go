package server

import (
	"encoding/json"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
)

// askLife is how far a proof's time may be from the keeper's clock, either way.
const askLife = 5 * time.Minute

// asker is somebody whose request the keeper believes.
type asker struct {
	staff.Actor
	proof staff.Proof
}

// verify returns who signed a request, by their enrolled key or by a browser's key
// that their passkey endorses. Whether it was used before is for once to say.
func (k *Keeper) verify(a keeper.Ask, now time.Time) (asker, error) {
	p, err := staff.ParseProof(a.Proof)
	if err != nil || k.opt.Origin == "" || p.Origin != k.opt.Origin {
		return asker{}, keeper.ErrActor
	}
	if age := now.Sub(p.Issued); age > askLife || age < -askLife {
		return asker{}, keeper.ErrActor
	}
	if len(a.Endorsement) == 0 {
		k.deskMu.Lock()
		system, err := k.desk.Holder(p.Key.Thumbprint())
		k.deskMu.Unlock()
		if err != nil || system.Role != staff.RoleClient {
			return asker{}, keeper.ErrActor
		}
		return asker{system, p}, nil
	}
	e, err := staff.ParseEndorsement(a.Endorsement)
	if err != nil || !now.Before(e.Until) || e.Until.Sub(now) > staff.MaxEndorsed {
		return asker{}, keeper.ErrActor
	}
	person, passkey, err := k.named(e.Actor)
	if err != nil || person.Role == staff.RoleClient || !e.Holds(passkey, p.Key.Thumbprint(), k.opt.Origin) {
		return asker{}, keeper.ErrActor
	}
	return asker{person, p}, nil
}

func (k *Keeper) named(id staff.ActorID) (staff.Actor, jose.Key, error) {
	k.deskMu.Lock()
	defer k.deskMu.Unlock()
	return k.desk.Named(id)
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
func (k *Keeper) decide(by *asker, now time.Time, kind byte, may func() (decision, error)) error {
	_, _, err := k.decideAt(by, now, kind, may)
	return err
}

// decideAt is decide, and says where in the journal it stands.
func (k *Keeper) decideAt(by *asker, now time.Time, kind byte, may func() (decision, error)) (seq uint64, chain [32]byte, err error) {
	k.deskMu.Lock()
	t, err := may()
	if err == nil && by != nil {
		if _, _, err = k.desk.Named(by.ID); err == nil { // ended since it was believed?
			t.Proof = by.proof.Name()
			err = k.proofs.take(now, t.Proof)
		}
	}
	var payload []byte
	if err == nil {
		payload, err = json.Marshal(t)
	}
	if err == nil {
		err = k.apply(t, now)
	}
	if err != nil {
		k.deskMu.Unlock()
		return 0, chain, err
	}
	seq, chain, wait := k.journal.Put(kind, payload)
	k.noted(seq, kind, payload)
	k.deskMu.Unlock()
	return seq, chain, wait()
}

func (k *Keeper) apply(t decision, now time.Time) error {
	switch {
	case t.Enrolled != nil:
		return k.desk.Enrolled(*t.Enrolled)
	case t.Approved != nil:
		k.desk.Approved(*t.Approved)
	case t.Related != nil:
		k.desk.Related(*t.Related, now)
	case t.Sent != nil:
		k.transfers.keep(*t.Sent, now)
	}
	return nil
}

func (k *Keeper) replayDesk(kind byte, payload []byte) error {
	var t decision
	if err := json.Unmarshal(payload, &t); err != nil {
		return ErrJournal
	}
	at := time.Time{}
	switch {
	case t.Enrolled != nil && kind == recActor:
		at = t.Enrolled.At
	case t.Approved != nil && kind == recApproval:
		at = t.Approved.At
	case t.Related != nil && kind == recRelation:
		at = t.Related.At
	case t.Sent != nil && kind == recSent:
		at = t.Sent.Transfer.Sent
	case t.Received != nil && kind == recReceived:
		at = t.Received.At
	default:
		return ErrJournal
	}
	k.retake(t.Proof, at)
	if err := k.apply(t, k.now()); err != nil {
		return ErrJournal
	}
	return nil
}

// retake remembers a proof that an earlier run took, for as long as it could be
// brought again.
func (k *Keeper) retake(p keeper.Proof, at time.Time) {
	if now := k.now(); now.Sub(at) < k.proofs.life {
		_ = k.proofs.take(now, p)
	}
}

// Enrol makes an actor known, changes their rights or ends them. ErrSecond means that
// the signature is kept, and that the same enrolment signed by another officer within
// a day makes it so.
func (k *Keeper) Enrol(role keeper.Role, e keeper.Enrolment) error {
	now := k.now().Truncate(time.Millisecond)
	var by *asker
	var officer staff.ActorID
	if e.By.Proof != "" {
		one, err := k.believe(k, e.By, now)
		if err != nil {
			return err
		}
		if one.Role != staff.RoleOfficer || one.proof.Method != "POST" || !one.proof.Enrols(e.Actor) {
			return keeper.ErrActor
		}
		by, officer = &one, one.ID
	}
	waits := false
	err := k.decide(by, now, recActor, func() (decision, error) {
		done, err := k.desk.MayEnrol(e.Actor, officer, role == keeper.RoleAdmin, now)
		waits = !done.Done
		return decision{Enrolled: &done}, err
	})
	if err == nil && waits {
		return keeper.ErrSecond
	}
	return err
}

// Actors lists all who were ever enrolled.
func (k *Keeper) Actors() ([]staff.Actor, error) {
	k.deskMu.Lock()
	defer k.deskMu.Unlock()
	return k.desk.Actors(), nil
}

// Approve takes a second person's word for the actor that the proof's path names: for
// an hour they may open more than 50 people in 10 minutes, within the other budgets.
func (k *Keeper) Approve(a keeper.Ask) error {
	now := k.now().Truncate(time.Millisecond)
	by, err := k.believe(k, a, now)
	if err != nil {
		return err
	}
	id, ok := by.proof.Approval()
	if !ok || by.proof.Method != "POST" {
		return keeper.ErrActor
	}
	return k.decide(&by, now, recApproval, func() (decision, error) {
		p, err := k.desk.MayApprove(id, by.Actor, now)
		return decision{Approved: &p}, err
	})
}

// Relate takes a facility's word, signed by its system, that it treats somebody until
// the end of the day that the proof's path names: of whom was sent to it, by a path that
// names what was sent, no longer than that may be fetched.
func (k *Keeper) Relate(a keeper.Ask, r keeper.Relation) error {
	now := k.now().Truncate(time.Millisecond)
	by, err := k.believe(k, a, now)
	if err != nil {
		return err
	}
	ref, until, ok := by.proof.Relation()
	if !ok || by.proof.Method != "POST" || ref.Person != r.Person || !until.Equal(r.Until) {
		return keeper.ErrActor
	}
	k.mu.Lock()
	_, err = k.person(r.Person)
	k.mu.Unlock()
	if err != nil {
		return err
	}
	return k.decide(&by, now, recRelation, func() (decision, error) {
		if ref.Number != 0 && r.Until.After(k.transfers.to(by.Facility, r.Person, now)) {
			return decision{}, keeper.ErrTransfer
		}
		made, err := k.desk.MayRelate(r, by.Actor, now)
		made.Transfer = uint64(ref.Number)
		return decision{Related: &made}, err
	})
}
