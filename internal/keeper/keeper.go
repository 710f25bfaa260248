// Package keeper declares what may be asked of the process that holds the keys.
//
// No root, person, gate or day key ever leaves the keeper: callers send batches
// and get results. Person versions are the one exception by design: the key of
// one record version is released, after the intent that names it is durable in
// the keeper's journal and within the actor's budget.
//
// keeper/server answers these calls, keeper/client makes them, keeper/wire is
// what they say to each other. The package itself holds only the vocabulary.
package keeper

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors that cross the wire by kind and text.
var (
	ErrUnavailable = fault.New(fault.Unavailable, "the keeper is not available")
	ErrBudget      = fault.New(fault.Busy, "the budget for opening records is used up")
	ErrRole        = fault.New(fault.Denied, "this socket may not ask that")
	ErrSession     = fault.New(fault.Conflict, "the gate session is over: open a new one")
	ErrPerson      = fault.New(fault.NotFound, "the keeper knows no such person")
	ErrHead        = fault.New(fault.Conflict, "the record's versions differ from the keeper's head")
	ErrSealed      = fault.New(fault.Invalid, "the sealed row does not open: altered, swapped or foreign")
	ErrDay         = fault.New(fault.NotFound, "that day's key is destroyed or was never made")
	ErrTooMany     = fault.New(fault.Invalid, "the batch is too large")
	ErrUsed        = fault.New(fault.Denied, "the proof of possession was used before")
	ErrRun         = fault.New(fault.Conflict, "the nonce was given before the keeper started: give a new one")
	ErrLoad        = fault.New(fault.Busy, "too many requests: try again shortly")
)

// Bounds of one call.
const (
	MaxBatch  = 256   // colours or visits in one gate call
	MaxBulk   = 16384 // people, tags or versions in one call
	MaxDetail = 96    // bytes of an event's detail; every event is filled up to it
	MaxProofs = 4     // that one request comes with
)

// Role is what a connection may ask; the socket it came through decides.
type Role uint8

// Roles.
const (
	// RoleServe answers for the server: gate, service keys, metered look-ups.
	RoleServe Role = 1 + iota
	// RoleAdmin answers for the operator's commands: bulk look-ups, enrolment,
	// rotation. It may ask all that RoleServe may.
	RoleAdmin
)

// Secret is key material. It never prints.
type Secret []byte

const redacted = "[redacted]"

// String hides the key.
func (Secret) String() string { return redacted }

// Format hides the key from every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the key.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the key.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Kind separates blind indexes, so that equal values of different kinds have
// different tags.
type Kind uint8

// Kinds of blind index.
const (
	KindNIK Kind = 1 + iota
	KindPhone
	KindSubject // of a PersonID: names a person's links without naming the person
	KindPIN     // of a PersonID and their PIN: six digits are safe at rest only under a key
	KindSource  // of a record, as the system that it came from names it
	KindBlob    // of a document's content: its name in the store, which nobody guesses
)

// ServiceKeys are the keys that the server itself must hold: they open or sign
// nothing about health. Each has its window; the server reloads before the
// newest one's NotBefore plus half of its life.
type ServiceKeys struct {
	Pin    [32]byte   // Ed25519 public key that devices pin; signs OHTTPConfig
	OHTTP  []OHTTPKey // by KeyID; newest first
	Config []byte     // signed key configurations as devices fetch them
	// Published are the public halves of Ticket and Venue, signed by Pin
	// (verify.OpenPublished).
	Published []byte
	Ticket    []SignKey // newest first; the first whose window holds signs
	Venue     []SignKey
	Card      []SignKey  // of printed cards; only the server reads those, so they are not published
	Token     []TokenKey // newest first; seals tokens and nonces
	Log       [32]byte   // Ed25519 public key of leaves, receipts and certificates
	Ledger    Secret     // makes the database's ledger of rows (store.LedgerKey)
	Run       Run
}

// Run is one life of the keeper, from its start to its end. What it remembers of
// used proofs dies with it, and with it the nonces that they carried: servers make
// and know nonces by this key alone.
type Run struct {
	ID    uint64
	Nonce Secret // all servers' key of nonces
}

// Proof names a proof of possession: a hash of its key and its own id.
type Proof [16]byte

// Proofs are those that one request came with, one after the other: bytes cross to
// the keeper at a fifth of what a list of Proof costs.
type Proofs []byte

// Name adds a proof.
func (p Proofs) Name(one Proof) Proofs { return append(p, one[:]...) }

// All returns the proofs, or ErrTooMany for what is no list of at most MaxProofs.
func (p Proofs) All() ([]Proof, error) {
	if len(p)%len(Proof{}) != 0 || len(p) > MaxProofs*len(Proof{}) {
		return nil, ErrTooMany
	}
	var out []Proof
	for ; len(p) > 0; p = p[len(Proof{}):] {
		out = append(out, Proof(p))
	}
	return out, nil
}

// OHTTPKey is a private key of the encapsulation.
type OHTTPKey struct {
	KeyID     uint8
	KEM       uint16 // RFC 9180 §7.1
	Private   Secret
	NotBefore time.Time
	NotAfter  time.Time
}

// SignKey is an Ed25519 seed with its window.
type SignKey struct {
	Seed      Secret
	NotBefore time.Time
	NotAfter  time.Time // of what it signs, too
}

// TokenKey is an AES-256 key with a number that tokens carry.
type TokenKey struct {
	ID        uint32
	Key       Secret
	NotBefore time.Time
	NotAfter  time.Time
}

// Registered is a new person.
type Registered struct {
	ID      identity.PersonID
	Version uint64 // of record RecordPerson
	Key     Secret // for sealing it
}

// Record names one sealed record of a person.
type Record uint64

// Records every person may have. Health records take numbers from 1<<16 and are
// written by Enter.
const (
	RecordPerson   Record = 1 // identity.Person
	RecordEvidence Record = 2 // status.Evidence
	RecordNote     Record = 3 // in intents only: a Note, named by the first half of its id
)

// Version is one version of one record.
type Version struct {
	Record  Record
	Version uint64
}

// Write asks for the key of a record's next version.
type Write struct {
	Person identity.PersonID
	Record Record
	Have   []Version // all current versions as the database holds them, ascending by Record; compared with the head
}

// Written answers a Write, or says why not.
type Written struct {
	Version uint64
	Key     Secret
	Err     error // ErrPerson or ErrHead, for this person alone
}

// Settled confirms that a person's write is durable in the database.
type Settled struct {
	Person  identity.PersonID
	Version uint64
}

// Read asks for keys of versions named in an intent: of records below 1<<16, or of
// health records and those alone.
type Read struct {
	Person  identity.PersonID
	Have    []Version // as the database holds them, compared with the head, absence included: all current versions, or of health records all there ever were
	Want    []Version // versions to open, a subset of Have
	Records bool      // of health records, which otherwise the first of Have or Want tells: for who has none, and wants none
}

// Opened answers a Read.
type Opened struct {
	Keys   []Secret // in the order of Want
	Behind bool     // the database trails by one unsettled write
	Err    error    // ErrPerson or ErrHead, for this person alone
}

// Intent says who opens what for, before it is opened.
type Intent struct {
	ID      [16]byte
	Actor   string // who asked: a role's name and number, never personal data; ≤ 64 bytes
	Purpose string // a code; ≤ 32 bytes
	Budget  Budget
}

// Budget names the allowance an intent is counted against.
type Budget uint8

// Budgets.
const (
	BudgetSelf   Budget = 1 + iota // a person's own record, by their own link: 60 opens an hour each
	BudgetJob                      // re-deciding colours and other jobs of the platform: a global ceiling an hour
	BudgetStaff                    // a member of staff: 10 people an hour, 50 in 10 minutes never; opens no health record
	BudgetImport                   // an operator's import, on the admin socket only
)

// Receipt proves that an intent is durable. Of OpenRecords, Intent is made from the
// proof, and is the same wherever that is checked.
type Receipt struct {
	Intent    [16]byte
	Seq       uint64 // of the journal record
	Chain     [32]byte
	At        time.Time
	Signature [64]byte       // by the log key
	Loud      bool           // an emergency was claimed: whoever brought it says so in its log, and the person is told from the journal (Notices); not signed
	View      leak.ViewToken // of OpenRecords: stands beside what is shown; not signed
}

// Decided is a colour decided for a person, to be sealed.
type Decided struct {
	Person   identity.PersonID
	Timeline [64]byte // status.Timeline
}

// GateItem is one check-in in a gate call.
type GateItem struct {
	Event   [16]byte            // the visit's id, or a random one for what makes no visit
	Colour  status.SealedColour // Version zero: nothing to open
	Asks    bool                // counts as one of the person's colours of the day; the timeline is told of no other
	Detail  []byte              // of the event, sealed with person and timeline under the day's key
	Instant time.Time           // of the check-in; its day selects the key
	Run     uint64              // in which the nonces of the proofs were given
	Proofs  Proofs              // that the request came with: each is taken once, from whatever server
	With    bool                // of the party of the item before, whose proofs are its own
}

// GateOutcome says what became of one GateItem.
type GateOutcome uint8

// Outcomes of opening one colour.
const (
	GateOpened  GateOutcome = 1 + iota
	GateAbsent              // no row: nothing is known
	GateLimited             // the person's colours of the day are used up; none was opened
	GateCorrupt             // the row does not open
	GateUsed                // a proof was used before; nothing was opened or counted
	GateRun                 // a nonce is of an earlier run; nothing was opened or counted
	GateLoad                // no room to note the proofs; nothing was opened or counted
)

// GateResult answers one GateItem. Every item, opened or not, is an event of the leaf.
type GateResult struct {
	Outcome  GateOutcome
	Timeline [64]byte
	Behind   bool // the row's version trails the keeper's head
	Left     int  // colours left to the person today
	Used     int  // colours told to the person today, this one included
	Who      venue.Pseudonym
}

// GateReply answers a gate call.
type GateReply struct {
	Results []GateResult
	Leaf    accesslog.Leaf // signed, with its sealed events, ready to store
	Run     Run            // the one that answers
}

// SealedEvent is an event as its leaf holds it.
type SealedEvent struct {
	ID     [16]byte
	Sealed []byte
}

// Event is an event opened again for its subject.
type Event struct {
	Person   identity.PersonID
	Timeline [64]byte
	Detail   []byte
}

// Certificate states that a day's key is destroyed.
type Certificate struct {
	Day       day.Day
	Destroyed time.Time
	KeyHash   [32]byte // SHA-256 over a domain string and the key, fixed when the key was made
	Seq       uint64   // of the journal record
	Signature [64]byte // by the log key
}

// Health is the keeper's own account of itself.
type Health struct {
	Started  time.Time
	People   uint64
	Seq      uint64 // of the journal
	Chain    [32]byte
	Intents  uint64
	Colours  uint64 // opened since start
	Refused  uint64 // by budget since start
	Blobs    uint64 // names of documents computed since start
	Days     int    // day keys held
	FirstDay day.Day
}
