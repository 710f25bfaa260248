package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// seed of the people of a bench.
const seed = 2021

func syntheticNIKs(as day.Day, from, to int) ([]identity.NIK, error) {
	out := make([]identity.NIK, 0, to-from)
	for i := from; i < to; i++ {
		nik, err := app.SyntheticNIK(seed, as, i)
		if err != nil {
			return nil, err
		}
		out = append(out, nik)
	}
	return out, nil
}

// places registers venues large enough that none is full, and takes their codes.
func places(ctx context.Context, site *app.Site, n int) ([]string, error) {
	codes := make([]string, n)
	categories := []venue.Category{venue.Mall, venue.Market, venue.Cinema, venue.Transport}
	for i := range codes {
		v, err := site.AddVenue(ctx, venue.Venue{
			Name: fmt.Sprintf("Tempat %d", i+1), Category: categories[i%len(categories)], Level: 1, District: "9901", Declared: 1_000_000, Doors: 2,
		})
		if err != nil {
			return nil, err
		}
		if codes[i], err = site.VenueCode(ctx, v.ID, 1, false); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

func randomGate() (g accesslog.GateID) {
	rand.Read(g[:])
	return g
}

// rows makes rows of the sizes that a check-in makes, for the floor.
type rows struct {
	people int
	gate   accesslog.GateID
	seq    uint64
}

func (r *rows) read(ctx context.Context, db store.DB, n int) error {
	ids := make([]identity.PersonID, n)
	for i := range ids {
		ids[i] = identity.PersonID(1 + mathrand.IntN(r.people))
	}
	return db.View(ctx, func(s store.Stores) error {
		_, err := s.Status.Colours(ids)
		return err
	})
}

// write is the gate's transaction for a batch: it reads the links, the visits and
// the counts that decisions rest on, and writes visits, counts and the leaf.
func (r *rows) write(ctx context.Context, db store.DB, n int) error {
	now := time.Now()
	visits, links := make([]venue.Visit, n), make([]identity.LinkID, n)
	ids, trails, venues := make([]venue.VisitID, n), make([]venue.Trail, n), make([]venue.ID, 0, n)
	leaf := accesslog.Leaf{Gate: r.gate, Seq: r.seq, Count: n, At: now.Truncate(time.Millisecond), Events: make([]accesslog.Event, n)}
	deltas := map[venue.ID]int{}
	for i := range visits {
		v := &visits[i]
		binary.BigEndian.PutUint64(v.ID[:], uint64(now.UnixMilli())<<16)
		rand.Read(v.ID[6:])
		rand.Read(v.Who[:])
		copy(links[i][:], v.ID[:])
		v.Venue, v.Door, v.Party, v.Decision = venue.ID(1+mathrand.IntN(venueCount)), 1, 1, venue.Admit
		v.Day, v.Entered, v.LeavesBy = day.Of(now), now.Truncate(time.Second), now.Truncate(time.Minute).Add(2*time.Hour)
		v.Leaf = venue.LeafRef{Gate: r.gate, Seq: r.seq, Index: i}
		ids[i], trails[i] = v.ID, venue.Trail{Day: v.Day, Who: v.Who}
		if deltas[v.Venue]++; deltas[v.Venue] == 1 {
			venues = append(venues, v.Venue)
		}
		e := &leaf.Events[i]
		rand.Read(e.ID[:])
		e.Tag, e.Sealed = [16]byte(v.Who), make([]byte, 197)
		rand.Read(e.Sealed)
	}
	changes := make([]venue.Delta, 0, len(deltas))
	for id, by := range deltas {
		changes = append(changes, venue.Delta{Venue: id, By: by})
	}
	r.seq++
	return db.Update(ctx, func(s store.Stores) error {
		if _, err := s.Links.Get(links); err != nil {
			return err
		}
		if _, err := s.Visits.Get(ids); err != nil {
			return err
		}
		if _, err := s.Visits.Of(trails); err != nil {
			return err
		}
		if _, err := s.Venues.Inside(venues); err != nil {
			return err
		}
		if err := s.Visits.Put(visits); err != nil {
			return err
		}
		if err := s.Venues.Add(changes); err != nil {
			return err
		}
		return s.Log.Put([]accesslog.Leaf{leaf})
	})
}
