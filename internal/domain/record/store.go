package record

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of the stores.
var (
	// ErrMoved: the person's versions are not those that the writer saw.
	ErrMoved = fault.New(fault.Conflict, "another write of this person's records came first: try again")
	// ErrCase: no records are set aside under this number.
	ErrCase = fault.New(fault.NotFound, "no records are set aside under this number")
	// ErrSettled: the records set aside stand elsewhere than the step says.
	ErrSettled = fault.New(fault.Conflict, "what was set aside has been dealt with already")
)

// Version names one version of one of a person's records.
type Version struct {
	Number  Number
	Version uint64
}

// Row is one version as the database holds it: whose it is, its place, when it came,
// and what is sealed. Nothing else of it is in clear.
type Row struct {
	Seq     uint64 // in order of arrival; the store's own
	Person  identity.PersonID
	Number  Number
	Version uint64
	Entered time.Time
	Sealed  []byte   // Content, or Stand, under the key of this version
	Blob    [32]byte // of the document that Sealed names; zero when there is none
	Size    int64    // of that blob, sealed
	Known   []byte   // what its documents and its own row are known again by, under the keeper's key; may be empty
	// Misplaced of one that was read: its Seq is not what was written.
	Misplaced bool
}

// Follow is a version of which the colour is to follow: written with it, taken away
// when its evidence is in.
type Follow struct {
	Seq uint64 // the store's own
	Version
	Person  identity.PersonID
	Entered time.Time
}

// Write is what is written of one person at once.
type Write struct {
	Person  identity.PersonID
	Last    uint64   // the highest version that the writer saw of the person; zero for none
	Rows    []Row    // all of one version, above Last
	Follow  []Number // of Rows, those of which the colour is to follow
	Sources []Source // where Rows came from
}

// Whole reports whether the rows are one write's: some, of this person, each of one
// version above Last and of a number of its own, sealed.
func (w *Write) Whole() bool {
	if w.Person == 0 || len(w.Rows) == 0 {
		return false
	}
	numbers := make(map[Number]bool, len(w.Rows))
	for _, r := range w.Rows {
		if r.Person != w.Person || r.Version != w.Rows[0].Version || r.Version <= w.Last || r.Number < First || numbers[r.Number] || len(r.Sealed) == 0 {
			return false
		}
		numbers[r.Number] = true
	}
	return true
}

// Store keeps versions of records, for ever: a row is never changed. Methods run inside
// the caller's transaction.
type Store interface {
	// Put adds what is written of several people, each once. Whose versions are not
	// exactly those that the writer saw is skipped whole; their places in writes are
	// returned, ascending.
	Put(writes []Write) (moved []int, err error)
	// Versions returns all versions of a person, ascending by number and version.
	Versions(who identity.PersonID) ([]Version, error)
	// Get returns rows of a person, in order; one that is not there has Version zero.
	Get(who identity.PersonID, versions []Version) ([]Row, error)
	// Walk returns up to n rows that arrived after one, ascending. Where several write at
	// once a row may appear below others that were there before it.
	Walk(after uint64, n int) ([]Row, error)
	// Following returns up to n versions of which the colour has to follow yet, oldest
	// first, after one.
	Following(after uint64, n int) ([]Follow, error)
	// Followed takes versions away of which the colour has followed.
	Followed(seqs []uint64) error
	// Sources returns what is known under each tag, in order; an unknown one has no
	// person.
	Sources(tags []identity.Tag) ([]Source, error)
}

// Source is where a record came from, so that it is not entered twice and what points
// to it finds it. Check is a tag of the name and the record together: a row that was
// pointed elsewhere is found out.
type Source struct {
	Tag   identity.Tag
	Ref   Ref
	Check identity.Tag
}

// SourceName is what a source's tag is of: a facility and its name for a record.
func SourceName(facility, name string) string { return facility + "\x00" + name }

// CheckName is what its Check is of.
func CheckName(facility, name string, r Ref) string {
	return SourceName(facility, name) + "\x00" + r.String()
}

// State is where records set aside stand.
type State uint8

// States. A record that was attached or refused can be brought back to waiting.
const (
	Waiting State = 1 + iota
	Attached
	Rejected
)

// String names the state.
func (s State) String() string {
	switch s {
	case Waiting:
		return "waiting"
	case Attached:
		return "attached"
	case Rejected:
		return "rejected"
	}
	return "none"
}

// Aside is a batch of records that was not attached, because NIK, birth date and name
// did not agree. It waits under a number of a person of its own, who has the records
// and whose Stand has the claim.
type Aside struct {
	ID      identity.PersonID
	Arrived time.Time
	Reason  Reason
	State   State
	Steps   []Step // oldest first; the first is its arrival
}

// Step is one change of where records set aside stand; steps are kept.
type Step struct {
	To      State
	Against identity.PersonID // the person concerned; of an arrival whose NIK it was
	Version uint64            // that was written of that person; zero when none was
	By      string            // the actor
	Why     Reason
	At      time.Time
}

// AsideStore keeps what was set aside. Methods run inside the caller's transaction.
type AsideStore interface {
	// Set adds one, with its first step.
	Set(a Aside) error
	// Get returns one; ErrCase.
	Get(id identity.PersonID) (Aside, error)
	// Walk returns up to n with ids above after, ascending; all states, or one.
	Walk(after identity.PersonID, n int, only State) ([]Aside, error)
	// Step adds a step when the case stands in from; ErrSettled, ErrCase.
	Step(id identity.PersonID, from State, s Step) error
}
