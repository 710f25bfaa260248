package identity

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

// Store keeps people, sealed. Methods run inside the caller's transaction.
type Store interface {
	// Put adds people; ErrNIKTaken when a NIK tag is registered already, and
	// then none is added.
	Put(people []Stored) error
	// ByNIK returns, for each tag, the person registered under it or zero.
	ByNIK(tags []Tag) ([]PersonID, error)
	// Get returns the people asked for, in order; a person unknown has ID zero.
	Get(ids []PersonID) ([]Stored, error)
	// Walk returns up to n people with ids above after, ascending.
	Walk(after PersonID, n int) ([]Stored, error)
	// Quarantine sets records aside.
	Quarantine(q []Quarantined) error
	// Quarantined returns up to n records set aside with ids above after.
	Quarantined(after PersonID, n int) ([]Quarantined, error)
}

// LinkStore keeps links. Methods run inside the caller's transaction.
type LinkStore interface {
	// Put adds a link or ends one (its Ended is set).
	Put(l Link) error
	// Get returns the links asked for, in order; an unknown one is the zero Link.
	Get(ids []LinkID) ([]Link, error)
	// Of returns a person's links, oldest first.
	Of(subject Tag) ([]Link, error)
	// Linked returns how many people have a link that has not ended through a
	// partner, held until the transaction ends: who decides by it decides alone.
	// People without a subject are one each by link.
	Linked(through partner.ID) (int, error)
}

// ProgressStore keeps how far imports have come.
type ProgressStore interface {
	// Progress returns the progress of a source; the zero Progress when new.
	Progress(source string) (Progress, error)
	// SetProgress records p.
	SetProgress(p Progress) error
}

// StoredBinding is a binding as the database holds it. The numbers themselves are
// sealed one by one, so that the one that waits takes the other's place as it is.
type StoredBinding struct {
	Binding
	Version uint64 // of the person's attributes, whose key seals the numbers
	Bound   []byte // Number behind Phone
	Waiting []byte // Number behind Next; empty when none waits
}

// BindingStore keeps bindings. Methods run inside the caller's transaction.
type BindingStore interface {
	// Put adds a person's binding or replaces it.
	Put(b StoredBinding) error
	// Get returns a person's binding; one of person zero when there is none.
	Get(who PersonID) (StoredBinding, error)
	// Claimants returns who claims a number, ascending: those who have it bound,
	// and those who have none bound and are registered under it. Nobody claims the
	// zero tag.
	Claimants(phone Tag) ([]PersonID, error)
	// Ripe returns up to n bindings whose new number waited until a moment or
	// before, the longest overdue first.
	Ripe(at time.Time, n int) ([]StoredBinding, error)
}

// GuardianStore keeps who consents for whom. Methods run inside the caller's
// transaction.
type GuardianStore interface {
	// Put adds a guardianship or ends one (its Ended is set); what ended once stays
	// as it ended.
	Put(g Guardianship) error
	// Of returns whom a person is guardian of and has not ceased to be, by child.
	Of(guardian PersonID) ([]Guardianship, error)
	// Guardians returns who are a child's and have not ceased to be, by guardian.
	Guardians(child PersonID) ([]Guardianship, error)
}

// GuessStore keeps how many codes were sent and guessed for a NIK, somebody's or
// nobody's. Methods run inside the caller's transaction.
type GuessStore interface {
	// Put sets a NIK's counts.
	Put(nik Tag, g Guesses) error
	// Get returns a NIK's counts; none on no day when there are none.
	Get(nik Tag) (Guesses, error)
	// Forget removes up to n counts of days before one, and says how many.
	Forget(before day.Day, n int) (int, error)
}
