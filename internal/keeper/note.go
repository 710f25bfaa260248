package keeper

import "github.com/amanah-project/amanah/internal/domain/identity"

// MaxNote bounds a note's text in bytes; every note is sealed at this length.
const MaxNote = 2600

// NotePart tells the notes of one matter apart.
type NotePart uint8

// Parts of a matter.
const (
	NoteFiled    NotePart = 1 + iota // what the person wrote
	NoteAnswered                     // what they were answered
)

// Note names a short text between a person and the platform, written once: part of a
// matter, such as a dispute. It is sealed and opened by the keeper under a key of the
// person's, so that it dies with them.
//
// It is no record version on purpose. A write of one moves the person's head, which
// the importer of evidence compares: a person who files something at the wrong moment
// would make their own evidence look rolled back, and whoever holds their phone could
// do it at will. The price is that the keeper does not notice when a note is gone; a
// matter's number is counted without gaps instead, and a note opens in its place only.
type Note struct {
	Person identity.PersonID
	Matter [16]byte
	Part   NotePart
	Text   []byte // plain, or sealed
}
