// Package wire is what server and keeper say to each other: one request and one
// answer at a time on a connection, each a length and its part of a stream of gobs.
package wire

import (
	"errors"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/verify"
)

// Call names what is asked.
type Call uint8

// Calls.
const (
	ServiceKeys Call = 1 + iota
	Index
	Register
	Write
	Settle
	Read
	PutColours
	OpenGate
	Gate
	Pseudonyms
	OpenEvents
	DestroyDay
	Certificates
	Health
	ColourVersions
	Use
	SealNotes
	OpenNotes
	Attest
	Erase
	Erasures
	Heads
	CheckColours
	CheckNotes
	Backup
)

// Calls of health records.
const (
	WriteRecords Call = 64 + iota
	SettleRecords
	OpenRecords
	Enrol
	Actors
	Approve
	Relate
	OpenExport
	Seeds
	Deliver
	Trace
	Tags
	SignTransfer
	ReceiveTransfer
	Notices
)

// Calls of the database's ledger.
const (
	Ledger Call = 96 + iota
	MoveLedger
)

// Request is one call with what it takes.
type Request struct {
	Call    Call
	N       int
	Kind    keeper.Kind
	Values  [][]byte
	Writes  []keeper.Write
	Settled []keeper.Settled
	Intent  keeper.Intent
	Reads   []keeper.Read
	Decided []keeper.Decided
	Gate    accesslog.GateID
	Items   []keeper.GateItem
	Person  identity.PersonID
	People  []identity.PersonID
	Days    []day.Day
	Events  []keeper.SealedEvent
	Run     uint64 // and the place after which notices are asked for
	Proofs  keeper.Proofs
	Notes   []keeper.Note
	Digest  [32]byte // to attest
	Enters  []keeper.Enter
	Erase   keeper.Erase
	Colours []status.SealedColour // to check
	Backup  keeper.BackupAsk
	Ask     keeper.Ask
	Enrols  keeper.Enrolment
	Relates keeper.Relation
	Export  keeper.Export
	Ledger  keeper.MoveLedger
	Trace   keeper.TraceAsk
	Tags    []keeper.TagAsk
	Sending keeper.TransferAsk
}

// Fault is an error as it crosses: its kind and the text that outsiders may read.
type Fault struct {
	Kind fault.Kind
	Text string
}

// Answer is what a call gives, or why not.
type Answer struct {
	Fault        Fault // no text: none
	Keys         keeper.ServiceKeys
	Tags         []identity.Tag
	Registered   []keeper.Registered
	Versions     []uint64 // of Written
	Secrets      [][]byte // of Written
	Faults       []Fault  // of Written, Entered and Opened, one each
	Receipt      keeper.Receipt
	Opened       []Opened
	Entered      []Entered
	Colours      []status.SealedColour
	Current      []uint32 // versions of colours
	Gate         accesslog.GateID
	Chain        accesslog.Hash
	Reply        keeper.GateReply
	Names        []venue.Pseudonym
	Events       []keeper.Event
	Certificates []keeper.Certificate
	Health       keeper.Health
	Run          keeper.Run
	Notes        [][]byte // sealed or opened
	Attested     partner.Countersignature
	Erased       []keeper.Erased
	Heads        []keeper.Head
	Seals        []keeper.Seal
	Backup       keeper.BackupGiven
	Actors       []staff.Actor
	Ledger       keeper.Ledger
	CopyKeys     keeper.CopyKeys
	Delivery     keeper.Delivery
	Trace        keeper.TraceGiven
	Tagged       []keeper.Tagged
	Transfer     verify.Transfer
	Noticed      []notice.Notice
}

// Opened is keeper.Opened without its error.
type Opened struct {
	Keys   [][]byte
	Behind bool
}

// Entered is keeper.Entered without its error, its keys one after the other: bytes
// cross at a fifth of what a list costs.
type Entered struct {
	Version uint64
	Keys    []byte
	Known   [][]byte
}

// Enter translates for the wire.
func Enter(e keeper.Entered) Entered {
	out := Entered{Version: e.Version, Keys: make([]byte, 0, 32*len(e.Keys)), Known: e.Known}
	for _, k := range e.Keys {
		out.Keys = append(out.Keys, k...)
	}
	return out
}

// Entered translates back, with the error that crossed beside it.
func (e Entered) Entered(f Fault) keeper.Entered {
	out := keeper.Entered{Version: e.Version, Known: e.Known, Err: f.Err()}
	for k := e.Keys; len(k) >= 32; k = k[32:] {
		out.Keys = append(out.Keys, k[:32:32])
	}
	return out
}

// Open adds what was opened to an answer.
func (a *Answer) Open(out []keeper.Opened) {
	for _, o := range out {
		w := Opened{Behind: o.Behind}
		for _, s := range o.Keys {
			w.Keys = append(w.Keys, s)
		}
		a.Opened, a.Faults = append(a.Opened, w), append(a.Faults, FaultOf(o.Err))
	}
}

// AllOpened returns what Open added.
func (a *Answer) AllOpened() []keeper.Opened {
	out := make([]keeper.Opened, len(a.Opened))
	for n, o := range a.Opened {
		out[n] = keeper.Opened{Behind: o.Behind, Err: a.Faults[n].Err()}
		for _, s := range o.Keys {
			out[n].Keys = append(out[n].Keys, s)
		}
	}
	return out
}

// FaultOf translates an error for the wire.
func FaultOf(err error) Fault {
	if err == nil {
		return Fault{}
	}
	return Fault{fault.KindOf(err), fault.Text(err)}
}

// Err translates back: a fault of the keeper's is the same sentinel again.
func (f Fault) Err() error {
	if f.Text == "" {
		return nil
	}
	for _, e := range []error{
		keeper.ErrUnavailable, keeper.ErrBudget, keeper.ErrRole, keeper.ErrSession, keeper.ErrPerson,
		keeper.ErrLedger, keeper.ErrHead, keeper.ErrSealed, keeper.ErrDay, keeper.ErrTooMany,
		keeper.ErrUsed, keeper.ErrRun, keeper.ErrLoad,
		keeper.ErrWriting, keeper.ErrActor, keeper.ErrSecond, keeper.ErrErased, keeper.ErrErase, keeper.ErrHeld, keeper.ErrFirst, keeper.ErrRecords, keeper.ErrEnrolled,
		keeper.ErrRights, keeper.ErrLast, keeper.ErrRelation, keeper.ErrExport, keeper.ErrSending, keeper.ErrTransfer,
		keeper.ErrUncommitted, keeper.ErrTrace, keeper.ErrUnfrozen, keeper.ErrFrozen, keeper.ErrNames,
	} {
		if e.Error() == f.Text {
			return e
		}
	}
	if f.Kind == fault.Internal {
		return errors.New("keeper: internal error")
	}
	return fault.New(f.Kind, f.Text)
}
