package rights_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/rights"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

var began = time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC)

// world is the flow over a memory store, with a clock that stands.
type world struct {
	t    *testing.T
	db   store.DB
	now  time.Time
	flow *rights.Flow
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: memory.New(), now: began}
	t.Cleanup(func() { _ = w.db.Close() })
	w.flow = &rights.Flow{DB: w.db, Now: func() time.Time { return w.now }}
	w.update(func(s store.Stores) error {
		for id, name := range map[partner.ID]string{1: "Toko Maya", 2: "Kabar"} {
			if err := s.Partners.Put(partner.Partner{ID: id, Name: name, State: partner.Live}); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) update(fn func(s store.Stores) error) {
	w.t.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// link makes the n-th link, of a person, a minute after the one before.
func (w *world) link(n, person byte, change func(*identity.Link)) identity.LinkID {
	w.t.Helper()
	l := identity.Link{
		ID: identity.LinkID{15: n}, Partner: 1, Subject: identity.Tag{person}, Device: identity.Thumbprint{n},
		Created: began.Add(time.Duration(n) * time.Minute),
	}
	if change != nil {
		change(&l)
	}
	w.update(func(s store.Stores) error { return s.Links.Put(l) })
	return l.ID
}

func (w *world) get(id identity.LinkID) identity.Link {
	w.t.Helper()
	var found []identity.Link
	err := w.db.View(context.Background(), func(s store.Stores) (err error) {
		found, err = s.Links.Get([]identity.LinkID{id})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[0]
}

func (w *world) page(asks identity.LinkID, page int) rights.Page {
	w.t.Helper()
	p, err := w.flow.Links(context.Background(), asks, page)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) unlink(asks, id identity.LinkID) error {
	return w.flow.Unlink(context.Background(), asks, id)
}

// TestLinks: a person sees their own live links, newest first, and nobody else's.
func TestLinks(t *testing.T) {
	w := newWorld(t)
	first := w.link(1, 7, nil)
	second := w.link(2, 7, func(l *identity.Link) { l.Partner, l.Scope = 2, identity.LinkDecision })
	w.link(3, 8, nil)
	w.link(4, 7, func(l *identity.Link) { l.Ended = began })
	last := w.link(6, 7, func(l *identity.Link) { l.Partner = 99 })
	p := w.page(first, 0)
	if p.More || len(p.Links) != 3 {
		t.Fatalf("%+v", p)
	}
	for i, want := range []struct {
		id   identity.LinkID
		name string
	}{{last, ""}, {second, "Kabar"}, {first, "Toko Maya"}} {
		got := p.Links[i]
		if got.Link.ID != want.id || got.Partner != want.name || got.This != (want.id == first) {
			t.Errorf("%d: %+v", i, got)
		}
	}
	if l := p.Links[1].Link; l.Scope != identity.LinkDecision {
		t.Errorf("%+v", l)
	}
}

// TestPages: pages hold every link once, and one past the end is empty.
func TestPages(t *testing.T) {
	w := newWorld(t)
	for n := range byte(2*rights.PageSize + 1) {
		w.link(n+1, 7, nil)
	}
	seen := map[identity.LinkID]bool{}
	for page, want := range []int{rights.PageSize, rights.PageSize, 1, 0} {
		p := w.page(identity.LinkID{15: 1}, page)
		if len(p.Links) != want || p.More != (page < 2) {
			t.Errorf("page %d: %d links, more %v", page, len(p.Links), p.More)
		}
		for _, l := range p.Links {
			seen[l.Link.ID] = true
		}
	}
	if len(seen) != 2*rights.PageSize+1 {
		t.Errorf("%d links", len(seen))
	}
}

// TestUnlink: from any device of theirs, once and for all, whatever is asked after.
func TestUnlink(t *testing.T) {
	w := newWorld(t)
	a, b := w.link(1, 7, nil), w.link(2, 7, func(l *identity.Link) { l.Partner, l.Scope = 2, identity.LinkDecision })
	if err := w.unlink(a, b); err != nil {
		t.Fatal(err)
	}
	ended := w.get(b).Ended
	if !ended.Equal(began) || len(w.page(a, 0).Links) != 1 {
		t.Fatalf("ended %s", ended)
	}
	w.now = w.now.Add(time.Hour)
	if err := w.unlink(a, b); err != nil || !w.get(b).Ended.Equal(ended) {
		t.Errorf("again: %v, ended %s", err, w.get(b).Ended)
	}
	if err := w.unlink(b, a); !errors.Is(err, identity.ErrNoLink) || !w.get(a).Ended.IsZero() {
		t.Errorf("by a link that ended: %v", err)
	}
	if _, err := w.flow.Links(t.Context(), b, 0); !errors.Is(err, identity.ErrNoLink) {
		t.Errorf("links, by a link that ended: %v", err)
	}
	if err := w.unlink(a, a); err != nil || w.get(a).Ended.IsZero() {
		t.Errorf("itself: %v", err)
	}
}

// TestUnlinkOthers: what is somebody else's answers like what is not there, and
// stays. The control is TestUnlink.
func TestUnlinkOthers(t *testing.T) {
	w := newWorld(t)
	mine, theirs := w.link(1, 7, nil), w.link(2, 8, nil)
	gone := w.link(3, 8, func(l *identity.Link) { l.Ended = began })
	var told []string
	for _, id := range []identity.LinkID{theirs, gone, {15: 99}, {}} {
		err := w.unlink(mine, id)
		told = append(told, fmt.Sprint(fault.KindOf(err), fault.Text(err)))
		if !errors.Is(err, rights.ErrNoLink) || told[0] != told[len(told)-1] {
			t.Errorf("%s: %v", id, err)
		}
	}
	if !w.get(theirs).Ended.IsZero() {
		t.Error("another person's link was ended")
	}
	for _, asks := range []identity.LinkID{gone, {15: 99}, {}} {
		if err := w.unlink(asks, mine); !errors.Is(err, identity.ErrNoLink) {
			t.Errorf("%s asks: %v", asks, err)
		}
	}
}

// TestNoSubject: links that carry no subject are nobody's, each but its own.
func TestNoSubject(t *testing.T) {
	w := newWorld(t)
	x, y := w.link(1, 0, nil), w.link(2, 0, nil)
	if p := w.page(x, 0); len(p.Links) != 1 || p.Links[0].Link.ID != x {
		t.Errorf("%+v", p)
	}
	if err := w.unlink(x, y); !errors.Is(err, rights.ErrNoLink) {
		t.Error(err)
	}
}

// TestAlteredLinkStays: a link that somebody changed in the database is neither "none" nor
// ended: it lives when it is put back. The control is that it ends then.
func TestAlteredLinkStays(t *testing.T) {
	w := newWorld(t)
	mine, other := w.link(1, 7, nil), w.link(2, 7, nil)
	db := &storetest.Altered{DB: w.db, Link: other}
	w.flow.DB = db
	if err := w.unlink(mine, other); !errors.Is(err, store.ErrAltered) {
		t.Errorf("one that was altered: %v", err)
	}
	if err := w.unlink(other, mine); !errors.Is(err, store.ErrAltered) {
		t.Errorf("one that was altered asks: %v", err)
	}
	db.Link = identity.LinkID{}
	if err := w.unlink(mine, other); err != nil || w.get(other).Ended.IsZero() {
		t.Errorf("put back: %v", err)
	}
}
