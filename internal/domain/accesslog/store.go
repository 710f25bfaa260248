package accesslog

// Store keeps leaves, append-only. Methods run inside the caller's transaction.
type Store interface {
	// Put adds leaves.
	Put(l []Leaf) error
	// Get returns the leaf, or ErrNoLeaf.
	Get(gate GateID, seq uint64) (Leaf, error)
	// Of returns up to n leaves of a gate from seq on, ascending.
	Of(gate GateID, from uint64, n int) ([]Leaf, error)
	// Gates returns every gate that has leaves, with its number of leaves and events.
	Gates() ([]Tally, error)
}

// Tally counts one gate's leaves.
type Tally struct {
	Gate   GateID
	Leaves uint64
	Events uint64
}
