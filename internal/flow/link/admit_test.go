package link_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/link"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// bench is a flow over memory: 40 people, the even ones synthetic, and partner 1 with
// an agreement over colours that lets 3 people in, then 5.
type bench struct {
	*link.Flow
	t    *testing.T
	now  time.Time
	made atomic.Uint32
}

func newBench(t *testing.T, change func(*partner.Terms)) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)}
	public, platform, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	db := memory.New()
	t.Cleanup(func() { _ = db.Close() })
	b.Flow = &link.Flow{DB: db, Now: func() time.Time { return b.now }, Platform: func() ed25519.PublicKey { return public }}
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	own := partner.PublicJWK(key.Public().(ed25519.PublicKey))
	terms := partner.Terms{
		Partner: 1, Version: 1, Name: "Toko Maya", Scopes: []partner.Scope{partner.ScopeColour}, Stages: []int{3, 5},
		Keys: partner.Keys{Sign: own, Relay: own, Clients: []json.RawMessage{}}, From: b.now, Until: b.now.AddDate(1, 0, 0),
	}
	if change != nil {
		change(&terms)
	}
	raw, err := terms.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	g := partner.Agreement{Partner: 1, Version: 1, Terms: raw, Signature: partner.Detached(key, raw), Until: terms.Until}
	c := partner.Countersignature{Seq: 1, At: b.now}
	c.Sign(platform, g.Digest())
	b.update(func(s store.Stores) error {
		var people []identity.Stored
		for n := 1; n <= 40; n++ {
			people = append(people, identity.Stored{ID: identity.PersonID(n), NIK: tag(n), Synthetic: n%2 == 0})
		}
		if err := s.People.Put(people); err != nil {
			return err
		}
		if err := s.Agreements.Offer(g); err != nil {
			return err
		}
		return s.Agreements.Countersign(1, 1, c)
	})
	b.stand(partner.Partner{ID: 1, State: partner.Live, Stage: 1})
	return b
}

func tag(n int) (out identity.Tag) {
	binary.BigEndian.PutUint64(out[:], uint64(n))
	return out
}

func (b *bench) update(fn func(store.Stores) error) {
	b.t.Helper()
	if err := b.DB.Bulk(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) stand(p partner.Partner) {
	b.t.Helper()
	b.update(func(s store.Stores) error { return s.Partners.Put(p) })
}

// link links a person on a new device and returns the link.
func (b *bench) link(person int, scope identity.LinkScope) (identity.Link, error) {
	l := identity.Link{ID: identity.LinkID(tag(int(b.made.Add(1)))), Partner: 1, Subject: tag(person), Created: b.now, Scope: scope}
	err := b.DB.Bulk(b.t.Context(), func(s store.Stores) error {
		return b.Put(s, []identity.Link{l}, []identity.PersonID{identity.PersonID(person)})
	})
	return l, err
}

func (b *bench) wants(what string, person int, want error) {
	b.t.Helper()
	if _, err := b.link(person, identity.LinkColour); !errors.Is(err, want) {
		b.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestStageCap: the person beyond the stage is refused; another device of somebody
// linked is not a person more; whoever unlinked makes room; the next stage has more.
func TestStageCap(t *testing.T) {
	b := newBench(t, nil)
	first, err := b.link(1, identity.LinkColour)
	if err != nil {
		t.Fatal(err)
	}
	b.wants("second", 2, nil)
	b.wants("third", 3, nil)
	b.wants("fourth of three", 4, partner.ErrFull)
	b.wants("another device of the third", 3, nil)
	first.Ended = b.now
	b.update(func(s store.Stores) error { return s.Links.Put(first) })
	b.wants("in the place of the first", 4, nil)
	b.wants("the first again", 1, partner.ErrFull)
	b.stand(partner.Partner{ID: 1, State: partner.Live, Stage: 2})
	b.wants("the first in stage 2", 1, nil)
	b.wants("the fifth in stage 2", 5, nil)
	b.wants("the sixth in stage 2", 6, partner.ErrFull)
}

// TestStageCapAtOnce: of many who link at once exactly as many are linked as fit.
func TestStageCapAtOnce(t *testing.T) {
	b := newBench(t, nil)
	var all sync.WaitGroup
	var linked, full atomic.Int32
	for n := 1; n <= 40; n++ {
		all.Go(func() {
			switch _, err := b.link(n, identity.LinkColour); {
			case err == nil:
				linked.Add(1)
			case errors.Is(err, partner.ErrFull):
				full.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if linked.Load() != 3 || full.Load() != 37 {
		t.Errorf("%d linked, %d refused; want 3, 37", linked.Load(), full.Load())
	}
}

// TestLinkOutside: who may not be linked through a partner where it stands, or by its
// agreement, is not.
func TestLinkOutside(t *testing.T) {
	for name, c := range map[string]struct {
		state  partner.State
		person int
		change func(*partner.Terms)
		want   error
	}{
		"live":                           {partner.Live, 1, nil, nil},
		"a real person in the sandbox":   {partner.Sandbox, 1, nil, partner.ErrSynthetic},
		"a synthetic one":                {partner.Sandbox, 2, nil, nil},
		"a real person, certified":       {partner.Certified, 1, nil, partner.ErrSynthetic},
		"suspended":                      {partner.Suspended, 2, nil, partner.ErrSuspended},
		"applied":                        {partner.Applied, 2, nil, partner.ErrUnknown},
		"ended":                          {partner.Ended, 2, nil, partner.ErrUnknown},
		"an agreement over other things": {partner.Live, 1, func(t *partner.Terms) { t.Scopes = []partner.Scope{partner.ScopeDecision} }, partner.ErrScope},
		"an agreement to come":           {partner.Live, 1, func(t *partner.Terms) { t.From = t.From.Add(time.Hour) }, partner.ErrUnsigned},
	} {
		b := newBench(t, c.change)
		b.stand(partner.Partner{ID: 1, State: c.state, Stage: 1})
		b.wants(name, c.person, c.want)
	}
	b := newBench(t, nil)
	if _, err := b.link(1, identity.LinkDecision); !errors.Is(err, partner.ErrScope) {
		t.Errorf("a link for decisions: %v", err)
	}
	b.Platform = nil
	if _, err := b.link(1, identity.LinkColour); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without the platform's key: %v", err)
	}
}

// TestLinkKnowsSynthetic: the gate reads from the link whether its person is synthetic.
func TestLinkKnowsSynthetic(t *testing.T) {
	b := newBench(t, nil)
	for person, want := range map[int]bool{1: false, 2: true} {
		l, err := b.link(person, identity.LinkColour)
		if err != nil {
			t.Fatal(err)
		}
		b.update(func(s store.Stores) error {
			got, err := s.Links.Get([]identity.LinkID{l.ID})
			if got[0].Synthetic != want {
				t.Errorf("person %d: %v", person, got[0].Synthetic)
			}
			return err
		})
	}
}
