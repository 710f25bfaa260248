package link_test

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/link"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

// TestAlteredLinkIsNotNone: who ends or renews a link that somebody changed in the database
// is told so, and not that there was none, or that it ended: it is put back one day. The
// control is that it is, and ends.
func TestAlteredLinkIsNotNone(t *testing.T) {
	b := newBench(t, nil)
	l, err := b.link(1, identity.LinkColour)
	if err != nil {
		t.Fatal(err)
	}
	db := &storetest.Altered{DB: b.DB, Link: l.ID}
	flow := *b.Flow
	flow.DB = db
	g := &link.Grants{DB: db, Now: b.Now}
	h := link.Held{Link: l.ID, Partner: l.Partner, Device: l.Device, Generation: 1}
	renew := func() error { _, err := g.Renew(t.Context(), h); return err }
	for what, err := range map[string]error{
		"revoked": g.Revoke(t.Context(), h), "renewed": renew(), "ended": flow.End(t.Context(), l.ID),
	} {
		if !errors.Is(err, store.ErrAltered) {
			t.Errorf("%s: %v", what, err)
		}
	}
	db.Link = identity.LinkID{}
	lives := func() (out bool) {
		t.Helper()
		if err := db.View(t.Context(), func(s store.Stores) error {
			found, err := s.Links.Get([]identity.LinkID{l.ID})
			out = err == nil && found[0].Live()
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if !lives() {
		t.Error("it ended while it was altered")
	}
	if err := g.Revoke(t.Context(), h); err != nil || lives() {
		t.Errorf("put back, it does not end: %v", err)
	}
	for what, id := range map[string]identity.LinkID{"nobody's": {7}, "one that ended": l.ID} {
		h.Link = id
		if err := g.Revoke(t.Context(), h); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
