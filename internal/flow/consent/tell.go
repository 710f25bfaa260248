package consent

import (
	"context"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Teller brings messages at once, to people who asked for none.
type Teller struct {
	DB        store.DB
	Keeper    Keeper
	Messenger Messenger
	Now       func() time.Time
}

// Tell opens somebody's number under an intent and sends them a message. It returns false
// when there is nobody to tell: they have no number that may be used now, or were erased.
func (t *Teller) Tell(ctx context.Context, i keeper.Intent, who identity.PersonID, m Message) (bool, error) {
	files, err := load(ctx, t.DB, []identity.PersonID{who})
	if err != nil {
		return false, err
	}
	f := &files[0]
	_, opened, err := t.Keeper.Read(ctx, i, []keeper.Read{{Person: who, Have: f.have, Want: f.have[:1]}})
	if err != nil {
		return false, err
	}
	if len(opened) != 1 {
		return false, keeper.ErrUnavailable
	}
	if errors.Is(opened[0].Err, keeper.ErrErased) {
		return false, nil
	}
	if err := f.open(opened[0]); err != nil {
		return false, err
	}
	m.To, err = f.number(t.Now())
	if err != nil || m.To.IsZero() {
		return false, err
	}
	return true, t.Messenger.Send(ctx, m)
}
