package identity

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of the steps of an attempt.
var (
	ErrStep   = fault.New(fault.Conflict, "this step was not reached yet, or is past")
	ErrChoice = fault.New(fault.Denied, "this person is not one you may link")
)

// AttemptLife is how long people may take from the first page to their consent.
const AttemptLife = 15 * time.Minute

// Step is where somebody stands on the linking pages.
type Step uint8

// Steps, in order.
const (
	StepWho     Step = 1 + iota // type a NIK
	StepCode                    // type the code that was sent, or was not
	StepPerson                  // choose who is linked
	StepConsent                 // read the terms and consent
	StepDone                    // consented
)

// Step returns where the attempt stands.
func (p PageState) Step() Step {
	switch {
	case p.Codes == 0:
		return StepWho
	case !p.Proved:
		return StepCode
	case p.Chosen == 0:
		return StepPerson
	case p.Person == 0:
		return StepConsent
	}
	return StepDone
}

// Sending returns the state after a code was sent, or was not, for a NIK. Who was
// typed before is forgotten; a zero person is nobody, or somebody without a number.
func (p PageState) Sending(nik Tag, who PersonID, channel Tag, factor [32]byte, at time.Time) PageState {
	return PageState{NIK: nik, Asked: who, Channel: channel, Factor: factor, Sent: at, Codes: p.Codes + 1}
}

// Prove returns the state after the code of a trial was right; ErrFactor when
// another was sent meanwhile.
func (p PageState) Prove(t Trial) (PageState, error) {
	if p.Factor != t.Factor || p.Factor == [32]byte{} || p.Asked == 0 {
		return p, ErrFactor
	}
	p.Factor, p.Proved = [32]byte{}, true
	return p, nil
}

// Open returns nil while people may go on with an attempt, else ErrNoAuthorization.
func (a Authorization) Open(at time.Time) error {
	if (a.ID == AuthorizationID{}) || a.Used || a.Code != [32]byte{} || !at.Before(a.Expires) {
		return ErrNoAuthorization
	}
	return nil
}

// Choose returns the state in which somebody is to be linked: who authenticated, or
// a child they are guardian of, until that is of age. ErrStep, ErrChoice.
func (p PageState) Choose(who PersonID, until time.Time) (PageState, error) {
	if !p.Proved || p.Asked == 0 || p.Person != 0 {
		return p, ErrStep
	}
	p.Chosen, p.Guardian, p.Until = who, 0, time.Time{}
	if who == 0 || (who == p.Asked) != until.IsZero() {
		return p, ErrChoice
	}
	if who != p.Asked {
		p.Guardian, p.Until = p.Asked, until
	}
	return p, nil
}

// Consent returns the state after consent. Holds says whether the guardianship
// still does, for a child. ErrStep, ErrChoice, ErrOfAge.
func (p PageState) Consent(holds bool, at time.Time) (PageState, error) {
	switch {
	case p.Step() != StepConsent:
		return p, ErrStep
	case p.Guardian != 0 && !holds:
		return p, ErrChoice
	case p.Guardian != 0 && !at.Before(p.Until):
		return p, ErrOfAge
	}
	p.Person = p.Chosen
	return p, nil
}
