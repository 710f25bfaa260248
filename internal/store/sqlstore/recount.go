package sqlstore

import (
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// leap is more than anybody moves a count while servers have not told each other of it: a
// count made anew is newer than what any of them knows.
const leap = 1 << 20

const lasting = selectVisit + `FROM venue_visit v WHERE v.venue_id = $1 AND v.left_at = 0 AND v.decision <> 3`

// Recount goes by no number of a row that was altered, nor by visits that were. How many ever
// checked in stays what it is where the row's MAC holds, also when it is an older one.
func (t venues) Recount(id venue.ID) (int, error) {
	if err := t.read([]venue.ID{id}); err != nil {
		return 0, err
	}
	if _, known := t.inside[id]; !known {
		return 0, t.fail(venue.ErrUnknown)
	}
	var o occupancy
	if err := t.query(getInside+t.conn.Lock(), func(a *Args) { a.Number(uint64(id)) }, func(r Row) error {
		row := occupancy{inside: r.Int(0), entered: r.Int(1), version: r.Int(2)}
		if t.whole(store.SealOccupancy, r.Bytes(3), func(a *Args) { bindOccupancy(a, id, row) }) {
			o = row
		}
		return nil
	}); err != nil {
		return 0, err
	}
	newest, err := t.newestCount(id)
	if err != nil {
		return 0, err
	}
	o.inside, o.version = 0, max(o.version, newest)+leap
	if err := t.query(lasting, func(a *Args) { a.Number(uint64(id)) }, func(r Row) error {
		var v venue.Visit
		if visits(t).scan(r, &v); v.Open() {
			o.inside += int64(v.Party)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	t.inside[id] = o
	if err := t.putCount(id); err != nil { // one that was removed
		return 0, err
	}
	return int(o.inside), t.setCount(id)
}

// newestCount is the newest version of a count that this server knows of, and that any noted.
func (t venues) newestCount(id venue.ID) (newest int64, err error) {
	if t.ledger == nil {
		return 0, nil
	}
	newest = t.ledger.counts.newest(id)
	_, err = t.good(getShelf, 1, func(_ int, a *Args) { a.Int(store.Shelf(uint64(id))) }, func(_ int, r Row) error {
		all, _ := store.UnpackCounts(r.Bytes(0))
		for _, n := range all {
			if n.Venue == uint64(id) && n.Version < 1<<62 { // somebody may have altered it
				newest = max(newest, int64(n.Version))
			}
		}
		return nil
	})
	return newest, err
}

func (c *counts) newest(id venue.ID) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(c.known[id].version)
}
