package document

import (
	"context"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/store"
)

// Abandoned is the age from which an upload without a record is nobody's: longer than
// any request lives.
const Abandoned = 24 * time.Hour

// sweepPage bounds one step of a sweep.
const sweepPage = 200

// Sweep removes blobs that were uploaded before Abandoned and that no record came to
// name, their server having died in between, and returns how many. It may run on
// several servers at once.
func (v *Vault) Sweep(ctx context.Context) (removed int, err error) {
	before := v.Now().Add(-Abandoned)
	for {
		var names [][32]byte
		var held []bool
		err := v.DB.View(ctx, func(s store.Stores) (err error) {
			if names, err = s.Uploads.Stale(before, sweepPage); err != nil || len(names) == 0 {
				return err
			}
			held, err = s.Uploads.Held(names)
			return err
		})
		if err != nil || len(names) == 0 {
			return removed, err
		}
		for i, name := range names {
			if held[i] {
				continue
			}
			switch err := v.Blobs.Delete(ctx, name); {
			case err == nil:
				removed++
			case !errors.Is(err, store.ErrNoBlob):
				return removed, err
			}
		}
		if err := v.DB.Update(ctx, func(s store.Stores) error { return s.Uploads.End(names) }); err != nil {
			return removed, err
		}
	}
}
