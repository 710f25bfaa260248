package store

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

// Forgetter removes what is left of somebody whose key is destroyed, whatever table it
// lies in. Engines that keep tables have it beside DB.
type Forgetter interface {
	// Forget removes a person's rows in one transaction: who they are, what is sealed to
	// them, and their links, by the subject's tag. Their documents are left to be removed
	// as uploads that no record names. Disputes stay, whose numbers have no gaps, and do
	// not open; so do visits, which are found by nobody. Asked again it does nothing.
	Forget(ctx context.Context, who identity.PersonID, subject identity.Tag) error
}
