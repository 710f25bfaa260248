package partner

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of steps.
var (
	ErrReport = fault.New(fault.Denied, "certify the partner first: a passed report of the relay's key in force, no older than 30 days, is needed")
	ErrReason = fault.New(fault.Invalid, "reason: at most 200 printable characters, without space around them and without personal data")
	ErrWho    = fault.New(fault.Invalid, "who: the name of an office or role, 1 to 64 printable characters")
)

// ReportLife is how long after its tests a certification report counts.
const ReportLife = 30 * 24 * time.Hour

// Report is what a certification found, as it is remembered: the report itself is
// a file of whoever certified.
type Report struct {
	Partner ID
	Relay   [32]byte // thumbprint of the relay's key that was tested, or SHA-256 of its certificate
	Passed  bool
	At      time.Time
	Digest  [32]byte // SHA-256 of the report
}

// Check returns nil when the report lets a partner under this agreement go on at a
// moment, else ErrReport: it must be of the relay that the agreement binds.
func (r Report) Check(in *Agreed, at time.Time) error {
	sum, err := decode(in.Keys.Certificate)
	certificate := err == nil && len(sum) == 32 && [32]byte(sum) == r.Relay
	age := at.Sub(r.At)
	if !r.Passed || r.Partner != in.Partner || r.Relay != in.Relay && !certificate || age > ReportLife || age < -time.Minute {
		return ErrReport
	}
	return nil
}

// Step is one step of a partner's life cycle, as it is logged for good.
type Step struct {
	Partner  ID
	Number   int    // from 1, in the order of the steps
	Who      string // the office or role that asked
	From, To State
	Stage    int // after the step
	Reason   string
	At       time.Time
	Report   Report // behind a certification; zero for any other step
}

// Check returns nil when a step says who asked and why in plain text.
func (s Step) Check() error {
	if !plainText(s.Who, 64) {
		return ErrWho
	}
	if s.Reason != "" && !plainText(s.Reason, 200) {
		return ErrReason
	}
	return nil
}

// LastReport returns the last report of a log of steps; the zero Report, which
// lets nobody go on, for none.
func LastReport(steps []Step) Report {
	var last Report
	for _, s := range steps {
		if s.Report != (Report{}) {
			last = s.Report
		}
	}
	return last
}
