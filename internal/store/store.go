// Package store is the port to the database: transactions over the stores that
// the domain declares, whatever engine stands behind them.
//
// A closure sees one consistent state. Update may run its closure more than
// once, so it must change nothing but the stores: no network, no mail, no
// memory of its own that a second run would double. A closure gets no context:
// a caller who gives up stops waiting, and never stops a statement under other
// callers' writes.
package store

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors every engine returns alike.
var (
	// ErrUnavailable: the database is gone or refuses work; nothing was written,
	// unless the error is ErrUnknown too.
	ErrUnavailable = fault.New(fault.Unavailable, "the database is not available")
	// ErrUnknown: the database was lost while it committed, so that everything may
	// be written or nothing: ask again by the same ids.
	ErrUnknown = fault.New(fault.Unavailable, "the database was lost while writing: ask again")
	// ErrFull: the disk or the database has no room; nothing was written.
	ErrFull = fault.New(fault.Unavailable, "the database has no room")
	// ErrSlow: the closure held the writer longer than its lane allows; nothing
	// of it was written.
	ErrSlow = fault.New(fault.Busy, "the transaction took too long")
	// ErrBatch: another closure of the same commit lost the transaction; nothing
	// of the batch was written, and the caller may try again.
	ErrBatch = fault.New(fault.Busy, "the write was given up with its batch")
	// ErrClosed: the database was closed.
	ErrClosed = fault.New(fault.Unavailable, "the database is closed")
	// ErrConstraint: the rows contradict what is stored; nothing was written.
	ErrConstraint = fault.New(fault.Conflict, "the rows contradict what is stored")
)

// DB runs closures in transactions. When a method returns nil the closure's
// writes are durable; when it returns an error none of them is there, except
// that ErrUnknown leaves it open: all of them or none.
type DB interface {
	// View runs fn over a snapshot. Writes through it fail.
	View(ctx context.Context, fn func(Stores) error) error
	// Update runs fn in a transaction, alone or grouped with others into one
	// commit; an error or panic of fn undoes only its own writes.
	Update(ctx context.Context, fn func(Stores) error) error
	// Bulk is Update for long work: it has a lane of its own, between commits of
	// the others, and no time limit.
	Bulk(ctx context.Context, fn func(Stores) error) error
	// Close waits for running closures and closes the database.
	Close() error
}

// Stores are the domain's stores within one transaction.
type Stores struct {
	People         identity.Store
	Links          identity.LinkStore
	Authorizations identity.AuthorizationStore
	Bindings       identity.BindingStore
	Guardians      identity.GuardianStore
	Guesses        identity.GuessStore
	Refresh        identity.RefreshStore
	Cards          identity.CardStore
	PINs           identity.PINStore
	Progress       identity.ProgressStore
	Partners       partner.Store
	Agreements     partner.AgreementStore
	Status         status.Store
	Venues         venue.Store
	Visits         venue.VisitStore
	Passes         venue.PassStore
	Lookups        venue.LookupStore
	Journeys       venue.JourneyStore
	Asks           venue.AskStore
	Disputes       dispute.Store
	Staff          staff.Store
	Invitations    staff.InvitationStore
	SignIns        staff.SessionStore
	Requests       staff.RequestStore
	Log            accesslog.Store
	Records        record.Store
	Uploads        record.UploadStore
	Aside          record.AsideStore
	Sent           record.SentStore
	Notices        notice.Store
}
