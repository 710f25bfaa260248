package identity

import "github.com/amanah-project/amanah/internal/fault"

// ErrGeneration is returned for a refresh token that another one replaced: somebody
// holds a copy.
var ErrGeneration = fault.New(fault.Denied, "this refresh token was replaced and used again: its link is ended")

// Generation numbers the refresh tokens of one link, from 1. Stored is the highest
// that was presented; zero when none was.
type Generation uint64

// Present returns what is stored after a token of a generation was presented. The
// one presented last may come again, because an answer may be lost: it is answered
// alike, until its successor was seen. Any other is ErrGeneration.
func (g Generation) Present(token Generation) (Generation, error) {
	if token == 0 || token != g && token != g+1 {
		return g, ErrGeneration
	}
	return token, nil
}

// RefreshStore keeps the generation of each link. Methods run inside the caller's
// transaction.
type RefreshStore interface {
	// Generation returns what is stored for a link, zero when nothing is.
	Generation(id LinkID) (Generation, error)
	// Advance moves a link to a generation; ErrGeneration unless the one before it
	// is stored.
	Advance(id LinkID, to Generation) error
}
