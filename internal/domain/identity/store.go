package identity

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
}

// ProgressStore keeps how far imports have come.
type ProgressStore interface {
	// Progress returns the progress of a source; the zero Progress when new.
	Progress(source string) (Progress, error)
	// SetProgress records p.
	SetProgress(p Progress) error
}
