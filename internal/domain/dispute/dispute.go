// Package dispute knows how a person contests what they were told: a numbered
// request with its clock, and one answer.
//
// What the person wrote and what they were answered are sealed to them; in clear
// stand the number, the clock and whether and how it was answered.
package dispute

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of this package.
var (
	ErrNone     = fault.New(fault.NotFound, "there is no such dispute")
	ErrNumber   = fault.New(fault.Invalid, "a dispute's number is written D-2026-000123-8; the last digit checks the others")
	ErrAbout    = fault.New(fault.Invalid, "about: colour, the number of a visit, or the code of a reason")
	ErrText     = fault.New(fault.Invalid, "text: 1 to 500 characters of plain text, at most 2,000 bytes")
	ErrReason   = fault.New(fault.Invalid, "the answer's text: 1 to 500 characters of plain text that fit 700 bytes of JSON")
	ErrClerk    = fault.New(fault.Invalid, "who answers is named by a role and number, as in desk/17: 2 to 40 of a-z, 0-9, dot, slash and hyphen")
	ErrOutcome  = fault.New(fault.Invalid, "a dispute is answered upheld, corrected or declined")
	ErrMany     = fault.New(fault.Conflict, "you have 5 disputes without an answer: wait for one, or add to it by telephone with its number")
	ErrFiled    = fault.New(fault.Conflict, "a dispute was filed with this nonce before, with other words")
	ErrAnswered = fault.New(fault.Conflict, "the dispute was answered before: an answer is final")
	ErrCorrupt  = fault.New(fault.Unavailable, "the stored dispute does not hold together; it has been reported")
)

// AnswerWithin is the clock of a dispute. UU 27/2022 on the protection of personal
// data gives a controller 3 x 24 hours from the request to correct what is wrong and
// to say so (article 30), and as much to give access (article 32). It is the law's
// and therefore no setting.
const AnswerWithin = 3 * 24 * time.Hour

// MaxOpen bounds a person's disputes without an answer.
const MaxOpen = 5

// ID names a dispute, by the person and the nonce of the request, so that a retry
// names the same. It ascends with time.
type ID [16]byte

// Dispute is one request.
type Dispute struct {
	ID       ID
	Number   Number // given when it is stored
	Person   identity.PersonID
	Digest   [32]byte // of the words, under the nonce; tells a retry from other words
	Filed    time.Time
	Due      time.Time
	Outcome  Outcome   // zero while it waits
	Answered time.Time // zero while it waits
	Filing   []byte    // sealed
	Answer   []byte    // sealed; empty while it waits
}

// Year is the year of a dispute's number.
func (d Dispute) Year() int { return d.Filed.In(day.Zone()).Year() }

// Overdue reports whether the clock ran out before an answer.
func (d Dispute) Overdue(now time.Time) bool {
	if d.Outcome == 0 {
		return now.After(d.Due)
	}
	return d.Answered.After(d.Due)
}

// MayFile returns ErrMany for a person with as many disputes that wait as they may
// have.
func MayFile(theirs []Dispute) error {
	open := 0
	for _, d := range theirs {
		if d.Outcome == 0 {
			open++
		}
	}
	if open >= MaxOpen {
		return ErrMany
	}
	return nil
}

// Outcome says how a dispute was answered. The numbers are stored.
type Outcome uint8

// Outcomes.
const (
	Upheld    Outcome = 1 + iota // the person is right; nothing of their record had to change
	Corrected                    // the person is right, and their record is corrected
	Declined                     // what they were told stands, for the reason given
)

// String names the outcome; one that waits is open.
func (o Outcome) String() string {
	switch o {
	case Upheld:
		return "upheld"
	case Corrected:
		return "corrected"
	case Declined:
		return "declined"
	}
	return "open"
}

// ParseOutcome reads an outcome; ErrOutcome for anything else.
func ParseOutcome(s string) (Outcome, error) {
	for _, o := range []Outcome{Upheld, Corrected, Declined} {
		if o.String() == s {
			return o, nil
		}
	}
	return 0, ErrOutcome
}

// Store keeps disputes. Methods run inside the caller's transaction.
type Store interface {
	// File adds a dispute under the next number of its year, which it returns, without
	// gaps; ErrFiled when its id is there.
	File(d Dispute) (Number, error)
	// Get returns a dispute; the zero Dispute when there is none.
	Get(id ID) (Dispute, error)
	// ByNumber returns a dispute, or ErrNone.
	ByNumber(n Number) (Dispute, error)
	// Of returns a person's disputes, newest first.
	Of(p identity.PersonID) ([]Dispute, error)
	// Walk returns up to n disputes after an id, in the order of ids: those that wait
	// for an answer, or all.
	Walk(after ID, n int, all bool) ([]Dispute, error)
	// Answer stores the outcome, time and words of an answer; ErrAnswered when there is
	// one, ErrNone when there is no such dispute.
	Answer(d Dispute) error
}
