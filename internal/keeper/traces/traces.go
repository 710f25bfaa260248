// Package traces holds the keys of the trace index and of copies' marks, and answers the
// steps of a trace in their order: nothing of a code before what was observed is frozen. It
// reaches no person's key and reads the journal as it stands.
package traces

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/permit"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// ErrTraceKeys: copies that are out there could never be told apart again.
var ErrTraceKeys = fault.New(fault.Invalid, "the keys of the trace index and of copies' marks are not those that the journal knows: restore the file fixed of the keeper's folder from its backup")

// Config is what Traces need of the keeper.
type Config struct {
	Now     func() time.Time
	Permits permits
	People  people
}

// permits say what officers approved, and how many people operators opened.
type permits interface {
	OpenedByOperator() uint64
	Approved(staff.Ask, staff.Request, []staff.Approval) []staff.ActorID
	ApprovedExport(keeper.Export) error
}

// people are whose records rows are of; their keys are elsewhere.
type people interface {
	N() int
	Known(identity.PersonID) error
	VacantNear([]identity.PersonID) []identity.PersonID
}

// Traces are the keys of tags and marks, and what is known of copies and traces: New, Replay
// of each record, Begin. Neither key is made of the other, so that who is given the index's
// can draw no mark.
type Traces struct {
	now      func() time.Time
	permits  permits
	people   people
	journal  *journal.Journal
	logKey   ed25519.PrivateKey
	tags     []byte
	secret   []byte   // of marks
	hash     [32]byte // what the journal knows the keys by
	base     leak.Base
	views    leak.ViewKey
	identity *permit.Meter // of people whom the server has tagged
	operator *permit.Meter // and an operator, without opening them
	refused  atomic.Uint64

	mu     sync.Mutex
	book   *copies.Book
	tagged uint64 // of the people whom an operator opened, so many had tags since New
}

// New are Traces of which nothing is known yet.
func New(c Config) *Traces {
	return &Traces{now: c.Now, permits: c.Permits, people: c.People, book: copies.New(), identity: permit.Identifiers(), operator: permit.Identifiers()}
}

// Made reports whether the journal knows keys, so that no others may be made.
func (t *Traces) Made() bool { return t.hash != [32]byte{} }

// Begin goes on with the journal that was replayed. It refuses other keys than those that
// copies were made with.
func (t *Traces) Begin(j *journal.Journal, logKey ed25519.PrivateKey, tags, secret []byte) error {
	t.journal, t.logKey, t.tags, t.secret = j, logKey, tags, secret
	if len(tags) != 32 || len(secret) != 32 || t.Made() && t.sum() != t.hash {
		return ErrTraceKeys
	}
	t.base = leak.Base(seal.MAC(secret, []byte("amanah mark base v1\x00")))
	t.views = leak.ViewKey(seal.MAC(secret, []byte("amanah mark views v1\x00")))
	if t.Made() {
		return nil
	}
	t.hash = t.sum()
	_, _, err := j.Append(journal.KindTraceKeys, t.hash[:])
	return err
}

// Views names single openings.
func (t *Traces) Views() leak.ViewKey { return t.views }

// Refused is how many calls were refused since the keeper began.
func (t *Traces) Refused() uint64 { return t.refused.Load() }

// sum is what the journal knows the keys by.
func (t *Traces) sum() [32]byte {
	return sha256.Sum256(slices.Concat([]byte("amanah trace keys v1\x00"), t.tags, t.secret))
}

func (t *Traces) seed(c leak.Copy) leak.Seed {
	return leak.Seed(seal.MAC(t.secret, append([]byte("amanah mark seed v1\x00"), c[:]...)))
}

// Replay takes a record of the journal, before Begin.
func (t *Traces) Replay(seq uint64, kind byte, payload []byte) error {
	if kind == journal.KindTraceKeys {
		if len(payload) != 32 {
			return journal.ErrBroken
		}
		t.hash = [32]byte(payload)
		return nil
	}
	var made copies.Made
	if err := json.Unmarshal(payload, &made); err != nil || !t.book.Know(made, seq) {
		return journal.ErrBroken
	}
	return nil
}

// note journals what is so and returns what waits until that is durable. The caller holds mu.
func (t *Traces) note(made copies.Made) (seq uint64, wait func() error, err error) {
	payload, err := json.Marshal(made)
	if err != nil {
		return 0, nil, err
	}
	seq, _, wait = t.journal.Put(journal.KindCopies, payload)
	if !t.book.Know(made, seq) {
		t.journal.Die(journal.ErrBroken) // it says what cannot be
		return 0, nil, journal.ErrBroken
	}
	return seq, wait, nil
}

// Seeds gives the keys of an approved export's marks, after its copy is among those that
// every trace counts.
func (t *Traces) Seeds(e keeper.Export) (keeper.CopyKeys, error) {
	now := t.now().Truncate(time.Millisecond)
	if err := t.permits.ApprovedExport(e); err != nil {
		return keeper.CopyKeys{}, err
	}
	c := copies.CopyOf(e.Request.ID())
	t.mu.Lock()
	wait, err := t.code(c, now)
	t.mu.Unlock()
	if err == nil {
		err = wait()
	}
	if err != nil {
		return keeper.CopyKeys{}, err
	}
	out := keeper.CopyKeys{Copy: c, Base: t.base, Seed: t.seed(c)}
	if canariesOf(e) != "" {
		out.Vacant = t.people.VacantNear(e.People)
	}
	return out, nil
}

// code counts a copy, once. The caller holds mu.
func (t *Traces) code(c leak.Copy, now time.Time) (wait func() error, err error) {
	if t.book.Coded(c) {
		return t.durable, nil
	}
	_, wait, err = t.note(copies.Made{At: now, Coded: &c})
	return wait, err
}

// durable returns nil while whatever was journaled before can be relied on: what another
// call put may still be on its way, and nothing is told before it.
func (t *Traces) durable() error {
	_, _, err := t.journal.Append(journal.KindStill, nil)
	return err
}

// Deliver commits to what the marks of an approved export are and which records it is of,
// before any of them is opened. The same manifest is committed to once; another is an
// export that goes on with what there is by then.
func (t *Traces) Deliver(e keeper.Export, manifest [32]byte, n int) (keeper.Delivery, error) {
	now := t.now().Truncate(time.Millisecond)
	if err := t.permits.ApprovedExport(e); err != nil {
		return keeper.Delivery{}, err
	}
	c := copies.CopyOf(e.Request.ID())
	t.mu.Lock()
	_, err := t.code(c, now)
	var d keeper.Delivery
	var known bool
	wait := t.durable
	if err == nil {
		d, known, err = t.book.Delivered(c, manifest)
	}
	if err == nil && !known {
		seed := t.seed(c)
		d = keeper.Delivery{Copy: c, Manifest: manifest, Records: n, Commitment: leak.Commit(c, &seed, manifest), Canaries: canariesOf(e), At: now}
		d.Seq, wait, err = t.note(copies.Made{At: now, Delivery: &d})
	}
	t.mu.Unlock()
	if err == nil {
		err = wait()
	}
	if err != nil {
		return keeper.Delivery{}, err
	}
	d.Sign(t.logKey)
	return d, nil
}

// Committed returns ErrUncommitted for an export of whose copy nothing says what its
// marks are. The journal keeps the order: what is opened after, is written after.
func (t *Traces) Committed(e keeper.Export) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.book.Committed(copies.CopyOf(e.Request.ID()))
}

// canariesOf is which canaries an approved export has.
func canariesOf(e keeper.Export) string {
	body, err := staff.ParseExport(e.Request.Body)
	if err != nil {
		return ""
	}
	return body.Canaries
}
