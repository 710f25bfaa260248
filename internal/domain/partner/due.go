package partner

import "time"

// Due is what a partner's life waits for, as a code.
type Due string

// What may be due, and by whom.
const (
	DueCountersignature Due = "countersignature" // the platform: sign the version that was offered last
	DueAgreement        Due = "agreement"        // the partner: offer a version; none is in force, or not for long
	DueSandbox          Due = "sandbox"          // the platform: open the sandbox
	DueReport           Due = "report"           // both: a passed certification of the relay in force
	DuePromotion        Due = "promotion"        // the platform: lead live, or to the next stage
	DueResumption       Due = "resumption"       // the platform: serve the partner again
)

// RenewBefore is how long before its end an agreement is due to be followed.
const RenewBefore = 60 * 24 * time.Hour

// Due lists what a partner waits for at a moment, the nearest first: under the
// versions it offered, those of them that hold, and the last report of its
// certification. An ended partner waits for nothing.
func (p Partner) Due(offered []Agreement, agreed []Agreed, last Report, at time.Time) []Due {
	if p.State == Ended {
		return nil
	}
	var due []Due
	waits := len(offered) > 0 && offered[len(offered)-1].Countersignature.At.IsZero()
	if waits {
		due = append(due, DueCountersignature)
	}
	in, err := InForce(agreed, at)
	if !waits && !covered(agreed, at.Add(RenewBefore)) {
		due = append(due, DueAgreement)
	}
	if p.State == Suspended {
		return append(due, DueResumption)
	}
	if err != nil {
		return due
	}
	switch {
	case p.State == Applied:
		due = append(due, DueSandbox)
	case p.Stage >= len(in.Stages): // in the last
	case p.State == Sandbox || last.Check(in, at) != nil:
		due = append(due, DueReport)
	default:
		due = append(due, DuePromotion)
	}
	return due
}

// covered reports whether a version is in force at a moment.
func covered(agreed []Agreed, at time.Time) bool {
	_, err := InForce(agreed, at)
	return err == nil
}
