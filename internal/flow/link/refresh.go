package link

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
)

// Held is what a client's token says of the link it holds.
type Held struct {
	Link       identity.LinkID
	Partner    partner.ID
	Device     identity.Thumbprint
	Generation identity.Generation // of a refresh token
	Until      time.Time           // a guardian's consent carries it so long; zero for one's own
}

// of reports whether a link is the one held.
func (h Held) of(l identity.Link) bool {
	return l.ID == h.Link && l.Partner == h.Partner && l.Device == h.Device
}

// Renew returns the generation of the refresh token that follows the one presented.
// identity.ErrNoLink for a link that ended, and for a guardian's whose time is over:
// it is ended then. identity.ErrGeneration for a token that was replaced: the link
// is ended.
func (g *Grants) Renew(ctx context.Context, h Held) (identity.Generation, error) {
	var next identity.Generation
	var refused error
	err := g.DB.Update(ctx, func(s store.Stores) error {
		next, refused = 0, nil
		now := g.Now()
		l, err := one(s, h.Link)
		if err != nil {
			return err
		}
		if !h.of(l) || !l.Live() {
			return identity.ErrNoLink
		}
		if !h.Until.IsZero() && !now.Before(h.Until) {
			refused = identity.ErrNoLink
			return end(s, h.Link, now)
		}
		stored, err := s.Refresh.Generation(h.Link)
		if err != nil {
			return err
		}
		presented, err := stored.Present(h.Generation)
		if err != nil {
			refused = err
			return end(s, h.Link, now)
		}
		next = presented + 1
		if presented == stored {
			return nil
		}
		return s.Refresh.Advance(h.Link, presented)
	})
	if err == nil {
		err = refused
	}
	return next, err
}

// Revoke ends the link that a token holds. One that is not there, or ended before,
// is no error; store.ErrAltered for one that somebody else changed: it lives when it is
// put back.
func (g *Grants) Revoke(ctx context.Context, h Held) error {
	return g.DB.Update(ctx, func(s store.Stores) error {
		l, err := one(s, h.Link)
		if err != nil || !h.of(l) {
			return err
		}
		return end(s, h.Link, g.Now())
	})
}
