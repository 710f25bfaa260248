package identity_test

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

func TestGenerations(t *testing.T) {
	for _, c := range []struct {
		stored, token, want identity.Generation
		err                 error
	}{
		{0, 1, 1, nil},
		{1, 1, 1, nil}, // the answer was lost
		{1, 2, 2, nil},
		{0, 0, 0, identity.ErrGeneration},
		{2, 1, 2, identity.ErrGeneration},
		{9, 1, 9, identity.ErrGeneration},
		{1, 3, 1, identity.ErrGeneration}, // never given: the database was rolled back
	} {
		if got, err := c.stored.Present(c.token); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%d after %d: %d, %v", c.token, c.stored, got, err)
		}
	}
}
