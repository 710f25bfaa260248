package sqlstore

import (
	"cmp"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/venue"
)

const (
	putVenue = `INSERT INTO venue_venue (id, name, category, district, level, declared, doors)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, category = excluded.category,
			district = excluded.district, level = excluded.level,
			declared = excluded.declared, doors = excluded.doors`
	putOccupancy = `INSERT INTO venue_occupancy (venue_id, inside) VALUES ($1, 0)
		ON CONFLICT (venue_id) DO NOTHING`
	allVenues = `SELECT id, name, category, district, level, declared, doors FROM venue_venue ORDER BY id`
	getInside = `SELECT inside FROM venue_occupancy WHERE venue_id = $1`
	addInside = `UPDATE venue_occupancy
		SET inside = CASE WHEN inside + $1 < 0 THEN 0 ELSE inside + $1 END, entered = entered + $2
		WHERE venue_id = $3`
	getEntered = `SELECT entered FROM venue_occupancy WHERE venue_id = $1`
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
	return t.exec(putOccupancy, func(a *Args) { a.Number(uint64(v.ID)) })
}

func (t venues) All() ([]venue.Venue, error) {
	var out []venue.Venue
	err := t.query(allVenues, func(*Args) {}, func(r Row) error {
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
	return out, err
}

// Inside asks in ascending order whatever the caller's, so that transactions
// which hold the counts never wait for each other in a circle.
func (t venues) Inside(ids []venue.ID) ([]int, error) {
	order := pick(len(ids), func(int) bool { return true })
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ids[a], ids[b]) })
	out := make([]int, len(ids))
	err := t.queryEach(getInside+t.conn.Lock(), len(ids),
		func(i int, a *Args) { a.Number(uint64(ids[order[i]])) },
		func(i int, r Row) error {
			out[order[i]] = int(r.Int(0))
			return nil
		})
	return out, err
}

func (t venues) Add(deltas []venue.Delta) error {
	order := pick(len(deltas), func(int) bool { return true })
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(deltas[a].Venue, deltas[b].Venue) })
	unknown := false
	err := t.execEach(addInside, len(deltas), func(i int, a *Args) {
		d := deltas[order[i]]
		a.Int(int64(d.By))
		a.Int(int64(d.Entered))
		a.Number(uint64(d.Venue))
	}, func(_ int, rows int64) { unknown = unknown || rows == 0 })
	if err == nil && unknown {
		return t.fail(venue.ErrUnknown)
	}
	return err
}

func (t venues) Entered(id venue.ID) (n uint64, err error) {
	err = t.query(getEntered, func(a *Args) { a.Number(uint64(id)) }, func(r Row) error {
		n = uint64(r.Int(0))
		return nil
	})
	return n, err
}
