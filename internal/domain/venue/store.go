package venue

import "time"

// Store keeps venues and how full they are. Methods run inside the caller's
// transaction.
type Store interface {
	// Put adds or changes a venue; its count of people inside is kept.
	Put(v Venue) error
	// All returns every venue, by ID.
	All() ([]Venue, error)
	// Inside returns how many people are inside each venue asked for, and holds
	// those counts against other transactions until the end of this one. AlteredCount
	// for one that is not what was written.
	Inside(ids []ID) ([]int, error)
	// Add changes the counts; none falls below zero.
	Add(deltas []Delta) error
	// Entered returns how many parties have ever checked in at a venue by themselves;
	// zero for one that is unknown. It fails for a count that is not what was written.
	Entered(id ID) (uint64, error)
	// Recount makes a venue's count anew of the visits that last, where it is not what was
	// written any more, and returns it.
	Recount(id ID) (int, error)
}

// VisitStore keeps visits. Methods run inside the caller's transaction.
type VisitStore interface {
	// Put adds visits that are not there; one already there is left as it is.
	Put(visits []Visit) error
	// Get returns the visits asked for, in order; an unknown one is the zero Visit.
	Get(ids []VisitID) ([]Visit, error)
	// Of returns, for each trail, that person's visits of that day, oldest first.
	Of(trails []Trail) ([][]Visit, error)
	// Leave closes visits that are open; it returns how many it closed of each
	// asked for (1 or 0).
	Leave(l []Leaving) ([]int, error)
	// Due returns up to n open visits whose stay ended before t, oldest first.
	Due(before time.Time, n int) ([]Visit, error)
	// Forget removes the visits of days before d and returns how many, at most n.
	Forget(before time.Time, n int) (int, error)
}
