package desk

import (
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
)

// AskLife is how far a proof's time may be from the keeper's clock, either way.
const AskLife = 5 * time.Minute

// Asker is somebody whose request is believed.
type Asker struct {
	staff.Actor
	Proof staff.Proof
}

// Roll is who is enrolled: a Desk, or one that several may ask at once.
type Roll interface {
	Named(staff.ActorID) (staff.Actor, jose.Key, error)
	Holder(thumbprint [32]byte) (staff.Actor, error)
}

// Believe returns who signed a request, by their enrolled key or by a browser's key
// that their passkey endorses. Whether it was used before is for
// package once to say.
func Believe(roll Roll, origin string, a keeper.Ask, now time.Time) (Asker, error) {
	p, err := staff.ParseProof(a.Proof)
	if err != nil || origin == "" || p.Origin != origin {
		return Asker{}, keeper.ErrActor
	}
	if age := now.Sub(p.Issued); age > AskLife || age < -AskLife {
		return Asker{}, keeper.ErrActor
	}
	if len(a.Endorsement) == 0 {
		system, err := roll.Holder(p.Key.Thumbprint())
		if err != nil || system.Role != staff.RoleClient {
			return Asker{}, keeper.ErrActor
		}
		return Asker{system, p}, nil
	}
	e, err := staff.ParseEndorsement(a.Endorsement)
	if err != nil || !now.Before(e.Until) || e.Until.Sub(now) > staff.MaxEndorsed {
		return Asker{}, keeper.ErrActor
	}
	person, passkey, err := roll.Named(e.Actor)
	if err != nil || person.Role == staff.RoleClient || !e.Holds(passkey, p.Key.Thumbprint(), origin) {
		return Asker{}, keeper.ErrActor
	}
	return Asker{person, p}, nil
}

// Approvers are the officers who approved a request of a kind, as many as it needs or
// more, each another, as they are enrolled now, by their passkeys' signatures over all of
// it; nil when the request is not believed. The moment that an approval claims is nobody's
// signature and counts for nothing.
func Approvers(roll Roll, origin string, holds func(staff.Approval, staff.Site, jose.Key) error, kind staff.Ask, r staff.Request, approvals []staff.Approval, now time.Time) []staff.ActorID {
	if r.Kind != kind || r.Check() != nil || now.Before(r.Asked.Add(-AskLife)) || !now.Before(r.Until) {
		return nil
	}
	id := r.ID()
	site := staff.Site{ID: staff.RelyingParty(origin), Origin: origin, Synced: true} // what is taken is decided when keys are enrolled
	var by []staff.ActorID
	for _, a := range approvals[:min(len(approvals), 8)] {
		who, passkey, err := roll.Named(a.Actor)
		if err != nil || who.Role != staff.RoleOfficer || a.Request != id || holds(a, site, passkey) != nil {
			return nil
		}
		if !slices.Contains(by, who.ID) {
			by = append(by, who.ID)
		}
	}
	if len(by) < kind.Needs() {
		return nil
	}
	return by
}
