package sqlite

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

var _ store.Forgetter = (*DB)(nil)

// Forget implements store.Forgetter.
func (db *DB) Forget(ctx context.Context, who identity.PersonID, subject identity.Tag) error {
	return db.write(ctx, db.writer.bulks, func(t *sqlstore.Tx) error { return t.Forget(who, subject) })
}
