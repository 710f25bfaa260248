package sqlstore

import (
	"cmp"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putVenue = `INSERT INTO venue_venue (id, name, category, district, level, declared, doors)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, category = excluded.category,
			district = excluded.district, level = excluded.level,
			declared = excluded.declared, doors = excluded.doors`
	putOccupancy = `INSERT INTO venue_occupancy (venue_id, inside, entered, mac) VALUES ($1, $2, $3, $4)
		ON CONFLICT (venue_id) DO NOTHING`
	allVenues = `SELECT id, name, category, district, level, declared, doors FROM venue_venue ORDER BY id`
	getInside = `SELECT inside, entered, version, mac FROM venue_occupancy WHERE venue_id = $1`
	setInside = `UPDATE venue_occupancy SET inside = $2, entered = $3, version = $4, mac = $5 WHERE venue_id = $1`
)

type venues struct{ *Tx }

var _ venue.Store = venues{}

func (t venues) Put(v venue.Venue) error {
	err := t.exec(putVenue, func(a *Args) {
		a.Number(uint64(v.ID))
		a.Text(v.Name)
		a.Text(string(v.Category))
		a.Text(v.District)
		a.Int(int64(v.Level))
		a.Int(int64(v.Declared))
		a.Int(int64(v.Doors))
	})
	if err != nil {
		return err
	}
	return t.putCount(v.ID)
}

// putCount makes a venue's count where there is none.
func (t venues) putCount(id venue.ID) error {
	return t.exec(putOccupancy, func(a *Args) {
		bindOccupancy(a, id, occupancy{})
		a.Bytes(t.seal(store.SealOccupancy, a.List))
	})
}

// setCount writes a venue's count as the transaction has it. One that was altered stays
// without a MAC that holds: nobody goes by it.
func (t venues) setCount(id venue.ID) error {
	return t.exec(setInside, func(a *Args) {
		o := t.inside[id]
		bindOccupancy(a, id, o)
		if o.altered {
			a.Bytes([]byte{})
		} else {
			a.Bytes(t.seal(store.SealOccupancy, a.List))
		}
	})
}

// All leaves out venues that were altered: nobody checks in there, and elsewhere they do.
func (t venues) All() ([]venue.Venue, error) {
	var out []venue.Venue
	bad, err := t.good(allVenues, 1, func(int, *Args) {}, func(_ int, r Row) error {
		out = append(out, venue.Venue{
			ID:       venue.ID(r.Int(0)),
			Name:     r.Text(1),
			Category: venue.Category(r.Text(2)),
			District: r.Text(3),
			Level:    venue.Level(r.Int(4)),
			Declared: int(r.Int(5)),
			Doors:    int(r.Int(6)),
		})
		return nil
	})
	return without(out, bad, err)
}

// occupancy is a venue's row of counts.
type occupancy struct {
	inside, entered int64
	version         int64 // raised by each change
	altered         bool  // it is not what was written, or not the newest
}

// bindOccupancy binds what store.SealOccupancy covers.
func bindOccupancy(a *Args, id venue.ID, o occupancy) {
	a.Number(uint64(id))
	a.Int(o.inside)
	a.Int(o.entered)
	if o.version > 0 { // rows from before there were any stay whole
		a.Int(o.version)
	}
}

// Inside asks in ascending order whatever the caller's, so that transactions
// which hold the counts never wait for each other in a circle.
func (t venues) Inside(ids []venue.ID) ([]int, error) {
	if err := t.read(ids); err != nil {
		return nil, err
	}
	out := make([]int, len(ids))
	for i, id := range ids {
		if out[i] = int(t.inside[id].inside); t.inside[id].altered {
			out[i] = venue.AlteredCount
		}
	}
	return out, nil
}

// read reads and holds counts, those that the transaction holds already as it has them.
func (t venues) read(ids []venue.ID) error {
	if t.err != nil {
		return t.err
	}
	if t.inside == nil {
		t.inside = make(map[venue.ID]occupancy, len(ids))
	}
	var ask []venue.ID
	for _, id := range ids {
		if _, held := t.inside[id]; !held {
			ask = append(ask, id)
		}
	}
	slices.Sort(ask)
	ask = slices.Compact(ask)
	err := t.queryEach(getInside+t.conn.Lock(), len(ask),
		func(i int, a *Args) { a.Number(uint64(ask[i])) },
		func(i int, r Row) error {
			o := occupancy{inside: r.Int(0), entered: r.Int(1), version: r.Int(2)}
			o.altered = t.ledger != nil && (!t.whole(store.SealOccupancy, r.Bytes(3), func(a *Args) { bindOccupancy(a, ask[i], o) }) ||
				t.stale(ask[i], uint64(o.version)))
			t.inside[ask[i]] = o
			return nil
		})
	if err != nil {
		return err
	}
	return t.uncounted(ask)
}

// Add moves counts. Those that were altered are moved as well, and stay without a MAC
// that holds: nobody goes by them.
func (t venues) Add(deltas []venue.Delta) error {
	ids := make([]venue.ID, len(deltas))
	for i := range deltas {
		ids[i] = deltas[i].Venue
	}
	if err := t.read(ids); err != nil {
		return err
	}
	order := pick(len(deltas), func(int) bool { return true })
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(deltas[a].Venue, deltas[b].Venue) })
	for _, d := range deltas {
		if _, known := t.inside[d.Venue]; !known {
			return t.fail(venue.ErrUnknown)
		}
		if d.Entered < 0 {
			return t.fail(store.ErrConstraint)
		}
	}
	return t.execEach(setInside, len(deltas), func(i int, a *Args) {
		d := deltas[order[i]]
		o := t.inside[d.Venue]
		o.inside, o.entered, o.version = max(0, o.inside+int64(d.By)), o.entered+int64(d.Entered), o.version+1
		t.inside[d.Venue] = o
		bindOccupancy(a, d.Venue, o)
		if o.altered {
			a.Bytes([]byte{})
		} else {
			a.Bytes(t.seal(store.SealOccupancy, a.List))
		}
	}, nil)
}

func (t venues) Entered(id venue.ID) (uint64, error) {
	if err := t.read([]venue.ID{id}); err != nil {
		return 0, err
	}
	if t.inside[id].altered {
		return 0, t.fail(store.ErrAltered)
	}
	return uint64(t.inside[id].entered), nil
}
