package care

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Due is somebody whose records may be destroyed: nothing holds them, and the last visit
// was long enough ago.
type Due struct {
	Person    identity.PersonID `json:"person"`
	LastVisit time.Time         `json:"last_visit"`
	Since     time.Time         `json:"due_since"`
}

// duePage is how many people are looked at together.
const duePage = 256

// Due opens, after intents of its own, what everybody has who has health records, shows
// none of it, and lists those whose retention is over. Who never visited is not among
// them, nor who cannot be opened: a check names those.
func (f *Flow) Due(ctx context.Context, step func(people int64)) (out []Due, err error) {
	out = []Due{}
	seen := int64(0)
	for after := identity.PersonID(0); ; {
		var ids []identity.PersonID
		n := 0
		if err := f.DB.View(ctx, func(s store.Stores) error {
			ids = ids[:0]
			people, err := s.People.Walk(after, duePage)
			if n = len(people); err != nil || n == 0 {
				return err
			}
			after = people[n-1].ID
			for i, p := range people {
				if i > 0 && people[i-1].ID == p.ID {
					continue
				}
				have, err := s.Records.Versions(p.ID)
				if err != nil {
					return err
				}
				if len(have) > 0 {
					ids = append(ids, p.ID)
				}
			}
			return nil
		}); err != nil || n == 0 {
			return out, err
		}
		for _, who := range ids {
			switch visit, err := f.lastVisit(ctx, who, "retention", ""); {
			case fault.KindOf(err) == fault.Conflict || errors.Is(err, keeper.ErrErased):
			case err != nil:
				return out, err
			case !visit.IsZero():
				out = append(out, Due{who, visit, visit.AddDate(record.Retention, 0, 0)})
			}
		}
		if seen += int64(n); step != nil {
			step(seen)
		}
	}
}

// errForget: an engine that keeps no tables.
var errForget = fault.New(fault.Invalid, "this database cannot forget somebody")

// Forget removes what the database has left of somebody whose key is destroyed; their
// documents go with the next sweep of the server.
func (f *Flow) Forget(ctx context.Context, who identity.PersonID) error {
	db, ok := f.DB.(store.Forgetter)
	if !ok {
		return errForget
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindSubject, [][]byte{binary.BigEndian.AppendUint64(nil, uint64(who))})
	if err != nil {
		return err
	}
	if len(tags) != 1 {
		return keeper.ErrUnavailable
	}
	return db.Forget(ctx, who, tags[0])
}
