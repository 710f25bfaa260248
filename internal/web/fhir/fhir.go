// Package fhir serves health records as FHIR R4 (HL7 FHIR 4.0.1) over HTTP, in
// SATUSEHAT's manner where it has one.
//
// One table says what is served; routes and the CapabilityStatement are made from it.
// Records are opened by paths that name a person or one of their records, because the
// proof of possession that the keeper believes covers the path and no query (RFC 9449
// §4.2). A client that cannot sign enters records, is told their numbers and opens
// none. Every error is an OperationOutcome. No answer is stored by a cache.
package fhir

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/document"
	format "github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/pace"
	"github.com/amanah-project/amanah/internal/web/signed"
	"github.com/amanah-project/amanah/internal/web/token"
)

// Base is where the resources are.
const Base = "/fhir/R4"

// Limits of one request.
const (
	maxResource = 16 << 20         // bytes of one resource
	maxBundle   = format.MaxBytes  // bytes of a bundle
	maxFlight   = 128 << 20        // bytes of bodies of requests that are not answered yet, over all
	maxBatch    = 500              // entries of a batch, each of which is a request
	bodyTime    = time.Minute      // to read a body
	answerTime  = 45 * time.Second // to answer it
	writeTime   = time.Minute      // to take the answer
)

// Care keeps the records: flow/care. Its errors are faults; this package gives each its
// status.
type Care interface {
	// Enter enters each person's records whole or not at all; why not is in their Done.
	Enter(ctx context.Context, by care.Caller, entries []care.Entry) ([]care.Done, error)
	// Open opens a version of a record, or with zero the current one.
	Open(ctx context.Context, by care.Caller, of record.Ref, version uint64) (care.Record, error)
	// History opens all versions of a record, the newest first.
	History(ctx context.Context, by care.Caller, of record.Ref) ([]care.Record, error)
	// Compartment opens a person's records and returns those that a filter holds.
	Compartment(ctx context.Context, by care.Caller, who identity.PersonID, filter record.Filter) ([]care.Record, error)
	// Find returns who is registered under a NIK; record.ErrNobody.
	Find(ctx context.Context, nik identity.NIK) (record.Ref, error)
}

// Files opens the documents of records: flow/document.
type Files interface {
	// Content opens the document of a record that was opened.
	Content(ctx context.Context, of care.Record) (*document.Content, error)
}

// Relate notes in the keeper that a facility treats a person, on its own signed word.
type Relate func(ctx context.Context, ask keeper.Ask, r keeper.Relation) error

// Systems knows the facilities' systems.
type Systems interface {
	// System returns one that may ask now; a fault of kind Denied for any other.
	System(ctx context.Context, id staff.ActorID) (staff.Actor, error)
}

// Once remembers which proofs were used.
type Once interface {
	// Use returns dpop.ErrReplay when the proof was used before.
	Use(p dpop.Proof, at time.Time) error
}

// Observer is told of each request what was asked, what came of it and how long that
// took; the words are of closed lists.
type Observer interface {
	FHIR(interaction string, status int, took time.Duration)
}

// Server serves the records.
type Server struct {
	Host    string // public host name; proofs carry https:// before it
	Version string // of this program, for the CapabilityStatement
	Tokens  func() *token.Sealer
	Nonces  *dpop.Nonces
	Once    Once
	Systems Systems
	Staff   func(r *http.Request) (signed.Caller, error) // admits clinicians by their sign-in; nil for systems alone
	Care    Care
	Files   Files
	Relate  Relate
	Reader  *format.Reader
	Pace    *pace.Lanes // requests of each system
	Seen    Observer    // may be nil
	Now     func() time.Time

	flight atomic.Int64 // bytes of bodies that are being read or entered
}

func (s *Server) base() string { return "https://" + s.Host + Base }

// seen tells the observer.
func (s *Server) seen(interaction string, status int, began time.Time) {
	if s.Seen != nil {
		s.Seen.FHIR(interaction, status, s.Now().Sub(began))
	}
}

// request is one request, its caller known.
type request struct {
	*http.Request
	by     care.Caller
	prefer prefer
	form   string // media type of the answer
	weight int64  // bytes of its body, counted in flight
}

// answer is what a request is told.
type answer struct {
	status   int
	body     []byte // none with 304 and return=minimal
	file     *file  // in place of body
	version  uint64 // ETag; zero for none
	at       time.Time
	location string
	view     leak.ViewToken // of what was opened; zero for none
}
