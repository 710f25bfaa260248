package keeper

import (
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of copies and traces.
var (
	ErrUncommitted = fault.New(fault.Conflict, "what this copy's marks are was not committed to yet: nothing of it is opened before that (Deliver)")
	ErrTrace       = fault.New(fault.Denied, "this trace is not approved by two officers' passkeys, or is over")
	ErrUnfrozen    = fault.New(fault.Denied, "what was observed is frozen before any copy's code is opened: hand in its hash first")
	ErrFrozen      = fault.New(fault.Conflict, "this trace froze another observation: what is observed anew is another trace, with an approval of its own")
	ErrNames       = fault.New(fault.Denied, "who these people are is not approved by two officers' passkeys, is over, or is not what the trace froze")
)

// CopyKeys are what the marks of one copy are drawn from.
type CopyKeys struct {
	Copy leak.Copy
	Base leak.Base // of all copies
	Seed leak.Seed
	// Vacant are numbers of nobody, ascending, near those of the export's people: canaries'.
	Vacant []identity.PersonID
}

// Delivery is the keeper's word, from before anything of a copy was opened, of what its
// marks are and which records it is of.
type Delivery struct {
	Copy       leak.Copy
	Manifest   [32]byte // SHA-256 of the list of records and versions
	Records    int      // in that list
	Canaries   string   `json:",omitempty"` // which the copy has, as canary.Spec says it; they are not in that list
	Commitment [32]byte // leak.Commit
	At         time.Time
	Seq        uint64 // of the journal record
	Signature  [64]byte
}

// Bytes are what the signature covers.
func (d Delivery) Bytes() []byte {
	b := append([]byte("amanah copy v1\x00"), d.Copy[:]...)
	b = append(append(b, d.Manifest[:]...), d.Commitment[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(d.Records))
	b = binary.BigEndian.AppendUint64(b, uint64(d.At.UnixMilli()))
	return append(binary.BigEndian.AppendUint64(b, d.Seq), d.Canaries...)
}

// Sign signs with the log key.
func (d *Delivery) Sign(key ed25519.PrivateKey) { copy(d.Signature[:], ed25519.Sign(key, d.Bytes())) }

// Holds reports whether the log key signed it.
func (d Delivery) Holds(public ed25519.PublicKey) bool {
	return ed25519.Verify(public, d.Bytes(), d.Signature[:])
}

// Trace is an approved trace, or for TraceNames an approved request for names, as each call
// for it shows: the keeper believes the passkeys of two different officers over all of the
// request.
type Trace struct {
	Request   staff.Request
	Approvals []staff.Approval
}

// Traced is what a trace begins with, and what it is given again when it goes on.
type Traced struct {
	N      int       // which trace this is of all there ever were, from 1: what it may spend (leak.Spend)
	Began  time.Time // the first time
	Tags   Secret    // the index's key
	Job    Secret    // of this trace alone: seals what it keeps on the way
	Frozen [32]byte  // the hash handed in; zero before that
	// Canaries are all ways in which any copy's canaries were drawn (canary.Spec): where
	// their NIKs may lie, and not who they are.
	Canaries []string
}

// MaxCopies is how many copies one answer gives the codes of.
const MaxCopies = 8192

// Code is one copy's code, as a trace is given it.
type Code struct {
	Copy       leak.Copy
	Seed       leak.Seed
	Made       time.Time
	Deliveries []Delivery // none: nothing of it was opened
}

// Codes are codes of copies in the order in which they were made.
type Codes struct {
	Base  leak.Base
	Codes []Code
	All   int // how many copies there ever were, aborted ones too
}

// TraceStep is what a trace asks.
type TraceStep uint8

// Steps, in their order.
const (
	TraceBegin  TraceStep = 1 + iota // the key of the index
	TraceFreeze                      // hands in Frozen
	TraceCodes                       // of copies from At on, at most MaxCopies
	TraceReads                       // who opened what, from place At of the journal on
	TraceNames                       // who the people of Rows are, by a request for names
	TraceViews                       // which single views the names Views are of, from place At of the journal on
)

// TraceAsk is one step of a trace.
type TraceAsk struct {
	Trace  Trace
	Step   TraceStep
	Frozen [32]byte
	At     uint64
	Rows   []leak.Row
	Views  []leak.ViewToken // at most MaxViews

	Observation staff.Observation // that Rows are of
}

// TraceGiven answers one step.
type TraceGiven struct {
	Traced Traced
	Codes  Codes
	Reads  []Reading
	Next   uint64 // place of the journal to go on from; zero at its end
	People []identity.PersonID
	Views  []View
	All    int // views of this answer's part of the journal, whether asked for or not
}

// MaxViews bounds the names of one question, of which each view of the journal is one.
const MaxViews = 1 << 17

// View is a single view whose name was asked for.
type View struct {
	Token leak.ViewToken
	Reading
}

// Reading is what one intent of the journal opened, of health records.
type Reading struct {
	At      time.Time
	Who     string          // the actor's name, or of an export nothing
	Door    string          // through which it was opened: what a job was for, or how staff came to it
	Copy    leak.Copy       // of an export
	Request staff.RequestID // of an export
	Rows    []RowVersion
}

// RowVersion is one version of a record as the marks know it.
type RowVersion struct {
	Row     leak.Row
	Version uint64
	Erased  bool // whose it was is erased since
}
