package status

import "github.com/amanah-project/amanah/internal/domain/identity"

// SealedColour is a person's Timeline as the database holds it: under the gate's
// epoch key, bound to person and version.
type SealedColour struct {
	Person  identity.PersonID
	Version uint32 // ascends with every decision; zero when there is none
	Sealed  []byte
}

// SealedEvidence is a person's Evidence as the database holds it: under the
// person's key for this version.
type SealedEvidence struct {
	Person  identity.PersonID
	Version uint64
	Sealed  []byte
}

// Telling is what a record says of a person: the items under its name, none when it
// says nothing, or not any more.
type Telling struct {
	Person identity.PersonID
	Ref    string
	Items  Evidence // its birth is not read
}

// Store keeps colours and the evidence behind them, sealed. Methods run inside
// the caller's transaction.
type Store interface {
	// Colours returns a row for each person asked for, in order; a person
	// without one has Version zero.
	Colours(ids []identity.PersonID) ([]SealedColour, error)
	// PutColours replaces rows whose Version is older.
	PutColours(rows []SealedColour) error
	// WalkColours returns up to n rows with persons above after, ascending.
	WalkColours(after identity.PersonID, n int) ([]SealedColour, error)
	// Evidence returns a row for each person asked for, in order; a person
	// without one has Version zero.
	Evidence(ids []identity.PersonID) ([]SealedEvidence, error)
	// PutEvidence replaces rows whose Version is older.
	PutEvidence(rows []SealedEvidence) error
}
