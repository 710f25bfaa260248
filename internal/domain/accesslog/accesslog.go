// Package accesslog holds what was done, in the form in which it is proved:
// intents gathered into leaves, and receipts for those who asked.
//
// One leaf is one commit batch of one gate: at most 256 events under a Merkle
// root, chained to the gate's previous leaf and signed by the keeper. An event
// names nobody: a random id, the subject's tag, a commitment and the hash of a
// sealed detail. The leaf is stored in the same transaction as the acts it
// records, before any answer leaves.
package accesslog

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// MaxEvents bounds the events of one leaf.
const MaxEvents = 256

// Errors of this package.
var (
	ErrLeaf    = fault.New(fault.Invalid, "the leaf is malformed")
	ErrReceipt = fault.New(fault.Invalid, "the receipt does not hold")
	ErrNoLeaf  = fault.New(fault.NotFound, "no such leaf")
)

// GateID names one session of one gate with the keeper.
type GateID [16]byte

// Hash is SHA-256.
type Hash [32]byte

// Event is one intent.
type Event struct {
	ID         [16]byte
	Tag        [16]byte // of the subject, for this day
	Commitment Hash     // SHA-256 over a blinding value and the event in clear
	Sealed     []byte   // the detail, under the day's key
}

// Leaf is one commit batch.
type Leaf struct {
	Gate      GateID
	Seq       uint64 // from 0 within the gate
	Prev      Hash   // Leaf.Hash of the previous leaf, or of the gate's opening
	Root      Hash   // RFC 6962 tree hash of the events
	Count     int
	At        time.Time // keeper's clock, milliseconds
	Voided    bool      // the batch's transaction failed after its colours were opened; no answer left
	Asks      int       // of its events, those listed to their people as asks of their own
	Passes    int       // and those that are passes, one for each person
	Signature [64]byte  // Ed25519 by the keeper's log key over the leaf's bytes
	Events    []Event
}
