package sqlstore

import (
	"slices"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// counts is how far the count of each venue has come for all that a server knows, about 40
// bytes a venue: from what it committed itself, from what it read, and from what servers
// noted in venue_counted. So a count that is put back as it once was is used by nobody.
type counts struct {
	reads sync.Mutex // one reading of venue_counted at a time

	mu    sync.Mutex
	known map[venue.ID]counted
	moved map[venue.ID]struct{} // and not noted yet
	sure  bool                  // venue_counted was read, as it was written
	read  uint64                // its newest entry then
}

// counted is a venue's newest version, and when that was learned.
type counted struct{ version, moment uint64 }

func newCounts() *counts {
	return &counts{known: map[venue.ID]counted{}, moved: map[venue.ID]struct{}{}}
}

// learn notes versions that are committed; ours are to be noted for others, too.
func (c *counts) learn(of map[venue.ID]uint64, moment uint64, ours bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, version := range of {
		if was, has := c.known[id]; has && was.version >= version {
			continue
		}
		if _, has := c.known[id]; !has && len(c.known) >= remembered {
			for any := range c.known {
				delete(c.known, any)
				delete(c.moved, any)
				break
			}
		}
		c.known[id] = counted{version, moment}
		if ours {
			c.moved[id] = struct{}{}
		}
	}
}

// older reports whether a count cannot be the newest, as a transaction reads it to which
// everything is visible that was learned up to a moment. Of a venue that moved since then
// nothing is said.
func (c *counts) older(id venue.ID, version, upTo uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, has := c.known[id]
	return has && k.moment <= upTo && version < k.version
}

// doubted reports whether a server that follows the ledger does not know yet what was noted.
func (c *counts) doubted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.sure
}

// toNote are the versions that nobody was told of, by the rows they belong to.
func (c *counts) toNote() map[int64][]store.VenueCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[int64][]store.VenueCount{}
	for id := range c.moved {
		shelf := store.Shelf(uint64(id))
		out[shelf] = append(out[shelf], store.VenueCount{Venue: uint64(id), Version: c.known[id].version})
	}
	return out
}

// told is to be called when versions were noted.
func (c *counts) told(all []store.VenueCount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range all {
		if c.known[venue.ID(n.Venue)].version <= n.Version {
			delete(c.moved, venue.ID(n.Venue))
		}
	}
}

// stale reports whether a count is older than what the server knows of it. Where the row is
// held nobody else can have moved it since, and all that is known must show in it.
func (t *Tx) stale(id venue.ID, version uint64) bool {
	c := t.ledger.counts
	return c.older(id, version, t.sees(t.conn.Lock() != "")) || t.began.ready && c.doubted()
}

const (
	hasVenue   = `SELECT id FROM venue_venue WHERE id = $1`
	allShelves = `SELECT shelf, versions FROM venue_counted ORDER BY shelf`
	getShelf   = `SELECT versions FROM venue_counted WHERE shelf = $1`
	putShelf   = `INSERT INTO venue_counted (shelf, versions) VALUES ($1, $2)
		ON CONFLICT (shelf) DO UPDATE SET versions = excluded.versions`
)

// uncounted makes altered counts of those that are not there and whose venues are, or were:
// each venue has one.
func (t venues) uncounted(ids []venue.ID) error {
	gone := pick(len(ids), func(i int) bool { _, there := t.inside[ids[i]]; return !there })
	if t.ledger == nil || len(gone) == 0 {
		return nil
	}
	bad, err := t.good(hasVenue, len(gone), func(i int, a *Args) { a.Number(uint64(ids[gone[i]])) }, func(i int, _ Row) error {
		t.inside[ids[gone[i]]] = occupancy{altered: true}
		return nil
	})
	for _, i := range bad {
		t.inside[ids[gone[i]]] = occupancy{altered: true}
	}
	return err
}

// noteCounts notes how far the counts came that moved. Where a row was altered what it had
// is noted once that is put back.
func (t *Tx) noteCounts() error {
	if t.ledger == nil || t.err != nil {
		return t.err
	}
	moved := t.ledger.counts.toNote()
	var shelves []int64
	for shelf := range moved {
		shelves = append(shelves, shelf)
	}
	slices.Sort(shelves)
	have := make([][]store.VenueCount, len(shelves))
	bad, err := t.good(getShelf, len(shelves), func(i int, a *Args) { a.Int(shelves[i]) }, func(i int, r Row) error {
		have[i], _ = store.UnpackCounts(r.Bytes(0)) // what was written unpacks
		return nil
	})
	if err != nil {
		return err
	}
	var write []int
	for i, shelf := range shelves {
		if slices.Contains(bad, i) {
			continue
		}
		merged, grew := raised(have[i], moved[shelf])
		if have[i] = merged; grew {
			write = append(write, i)
		}
		t.told = append(t.told, moved[shelf]...)
	}
	return t.execEach(putShelf, len(write), func(i int, a *Args) {
		a.Int(shelves[write[i]])
		a.Bytes(store.PackCounts(have[write[i]]))
	}, nil)
}

// raised are counts with others among them, the newer of each, and whether that changed
// anything.
func raised(have, with []store.VenueCount) (out []store.VenueCount, grew bool) {
	at := make(map[uint64]int, len(have))
	for i, c := range have {
		at[c.Venue] = i
	}
	for _, c := range with {
		switch i, is := at[c.Venue]; {
		case !is:
			have, grew = append(have, c), true
		case have[i].Version < c.Version:
			have[i].Version, grew = c.Version, true
		}
	}
	return have, grew
}

// recall learns what servers noted of counts, when the ledger has something new of it. Until
// it could once, after the server was started, all counts are as if they were altered.
func (l *Ledger) recall(view func(fn func(*Tx) error) error) error {
	c := l.counts
	c.reads.Lock()
	defer c.reads.Unlock()
	newest := l.seen.counts()
	if !c.doubted() && c.read == newest {
		return nil
	}
	var all map[venue.ID]uint64
	if err := view(func(t *Tx) error {
		all = map[venue.ID]uint64{}
		if err := t.complete("venue_counted"); err != nil {
			return err
		}
		return t.query(allShelves, func(*Args) {}, func(r Row) error {
			some, err := store.UnpackCounts(r.Bytes(1))
			for _, n := range some {
				all[venue.ID(n.Venue)] = n.Version
			}
			return err
		})
	}); err != nil {
		return err
	}
	c.learn(all, l.moment.Add(1), false)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sure, c.read = true, newest
	return nil
}

// counts is the newest entry of venue_counted up to which the memory has come.
func (m *memory) counts() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.noted
}
