package gate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/store"
)

// TestLinksAreGoodForOneThing: a link for decisions is told of journeys and does
// nothing else; one for colours does everything but that; neither does anything for
// another key, through another partner, or once it ended.
func TestLinksAreGoodForOneThing(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	decides := identity.Link{ID: identity.LinkID{1, 15: 9}, Partner: 1, Device: identity.Thumbprint{9}, Created: w.clock.at, Scope: identity.LinkDecision}
	over := decides
	over.ID, over.Ended = identity.LinkID{1, 15: 10}, w.clock.at
	if err := w.db.Update(context.Background(), func(s store.Stores) error {
		return errors.Join(s.Links.Put(decides), s.Links.Put(over))
	}); err != nil {
		t.Fatal(err)
	}
	ask := func(act venue.Act, link identity.LinkID, key identity.Thumbprint) gate.Ask {
		a := w.checkIn(greenPerson, 2, 1)
		a.Act, a.Link, a.Device, a.At, a.For = act, link, key, w.clock.now(), venue.Transport
		return a
	}
	colour := linkOf(greenPerson)
	for _, act := range []venue.Act{venue.ActCheckIn, venue.ActLook, venue.ActLeave, venue.ActCover, venue.ActDecide} {
		decide := act == venue.ActDecide
		before := w.keeper.counted[greenPerson]
		for name, x := range map[string]struct {
			ask gate.Ask
			ok  bool
		}{
			"link for decisions": {ask(act, decides.ID, decides.Device), decide},
			"link for colours":   {ask(act, colour, deviceOf(greenPerson)), !decide},
			"another key":        {ask(act, decides.ID, identity.Thumbprint{8}), false},
			"ended":              {ask(act, over.ID, over.Device), false},
			"no link":            {ask(act, identity.LinkID{}, identity.Thumbprint{}), false},
		} {
			if err := w.do(x.ask).Err; errors.Is(err, identity.ErrNoLink) == x.ok || x.ok && err != nil {
				t.Errorf("%s by a %s: %v", act, name, err)
			}
		}
		other := ask(act, decides.ID, decides.Device)
		other.Partner = 2
		if err := w.do(other).Err; !errors.Is(err, identity.ErrNoLink) {
			t.Errorf("%s through another partner: %v", act, err)
		}
		want := 0
		if act.Asks() {
			want = 1
		}
		if n := w.keeper.counted[greenPerson] - before; n != want {
			t.Errorf("%s: %d colours were opened, want %d", act, n, want)
		}
	}
}
