// Package venue knows places, the visits made to them, how many people they may
// hold and whom they admit.
//
// A visit carries no identity: it is found through the visitor's pseudonym of
// that day, which dies with the day's key. Who was there is told only to the
// visitor.
package venue

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of this package.
var (
	ErrUnknown = fault.New(fault.NotFound, "venue is not known")
	ErrFull    = fault.New(fault.Conflict, "venue is full")
	ErrNoVisit = fault.New(fault.NotFound, "no such open visit")
	ErrParty   = fault.New(fault.Invalid, "a party has 1 to 50 people, the person who scans included")
)

// MaxParty bounds the people one scan may stand for.
const MaxParty = 50

// ID is a venue's number. Zero is none.
type ID uint64

// String writes the number.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// Door is the number of a door within a venue, from 1.
type Door uint16

// VisitID names one visit: 48 bits of milliseconds since 1970, then 80 bits of
// a hash over link, venue and nonce. It therefore ascends with time and is the
// same for every retry of one check-in.
type VisitID [16]byte

// String writes the visit's id in hexadecimal.
func (id VisitID) String() string { return hex.EncodeToString(id[:]) }

// Pseudonym is a person's name for one day, a PRF under that day's key.
type Pseudonym [16]byte

// Venue is one place with a code at its doors.
type Venue struct {
	ID       ID
	Name     string
	Category Category
	District string // administrative code
	Level    Level  // of the district's restrictions
	Declared int    // people it holds by its own declaration
	Doors    int
}

// Visit is one party's stay. A refused visit is kept, closed at once, so that a
// retry gets the same answer.
type Visit struct {
	ID       VisitID
	Venue    ID
	Door     Door
	Day      day.Day
	Who      Pseudonym
	Entered  time.Time
	LeavesBy time.Time // when the stay ends by itself
	Left     time.Time // zero while open
	Party    int
	Decision Decision
	Leaf     LeafRef
	Altered  bool // of one that was read: it is not what was written, and nobody goes by it
}

// LeafRef finds the sealed event of a visit in the access log's outbox.
type LeafRef struct {
	Gate  [16]byte
	Seq   uint64
	Index int
}

// Open reports whether the party is still counted inside.
func (v Visit) Open() bool { return v.Left.IsZero() && v.Decision != Refuse && !v.Altered }

// AlteredCount stands for a count of people that is not what was written: nobody goes by
// it.
const AlteredCount = -1

// Delta changes how many people are inside a venue.
type Delta struct {
	Venue   ID
	By      int
	Entered int // parties that checked in by themselves; never less than zero
}

// Leaving closes one visit.
type Leaving struct {
	ID VisitID
	At time.Time
}

// Trail names a person's day for finding their visits.
type Trail struct {
	Day day.Day
	Who Pseudonym
}
