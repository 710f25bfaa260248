package sqlstore

import (
	"slices"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// Tx are the stores over one transaction. It remembers the first statement that
// failed: from then on every statement fails alike, and the adapter must not
// commit. So no closure can hide that part of its work is missing, on SQLite as
// on PostgreSQL.
type Tx struct {
	conn    Conn
	ledger  *Ledger
	err     error
	scratch Args
	began   since                  // how far the server knew the ledger
	made    map[uint64]entryOf     // the newest entries of rows
	inside  map[venue.ID]occupancy // as they were read and held
	alone   bool                   // nobody else commits meanwhile
	learned uint64                 // the last moment at which the server learned something
	told    []store.VenueCount     // what was noted of counts
	ended   []uint64               // visits, by their hash
	used    []uint64               // passes
}

// New returns the stores over one transaction's connection. Changes are noted in the
// ledger, unless that is nil.
func New(c Conn, l *Ledger) *Tx {
	t := &Tx{conn: c, ledger: l}
	if l != nil {
		t.began, t.learned = l.seen.now(), l.moment.Load()
	}
	return t
}

// Err returns why the transaction must not be committed, or nil.
func (t *Tx) Err() error { return t.err }

// Stores returns the stores; they are good for this transaction only.
func (t *Tx) Stores() store.Stores {
	return store.Stores{
		People:         people{t},
		Links:          links{t},
		Authorizations: authorizations{t},
		Bindings:       bindings{t},
		Guardians:      guardians{t},
		Guesses:        guesses{t},
		Refresh:        refresh{t},
		Cards:          cards{t},
		PINs:           pins{t},
		Progress:       progress{t},
		Partners:       partners{t},
		Agreements:     agreements{t},
		Status:         colours{t},
		Venues:         venues{t},
		Visits:         visits{t},
		Passes:         passes{t},
		Lookups:        lookups{t},
		Journeys:       journeys{t},
		Asks:           asks{t},
		Disputes:       disputes{t},
		Staff:          members{t},
		Invitations:    invitations{t},
		SignIns:        sessions{t},
		Requests:       requests{t},
		Log:            leaves{t},
		Records:        records{t},
		Uploads:        uploads{t},
		Aside:          aside{t},
		Sent:           sent{t},
		Notices:        notices{t},
	}
}

// fail makes err the transaction's end.
func (t *Tx) fail(err error) error {
	if t.err == nil {
		t.err = err
	}
	return t.err
}

func (t *Tx) execEach(sql string, n int, bind func(i int, a *Args), changed func(i int, rows int64)) error {
	if t.err != nil || n == 0 {
		return t.err
	}
	if note := t.ledger.of(sql); note != nil {
		if err := t.noted(note, n, bind, changed); err != nil {
			return t.fail(err)
		}
		return nil
	}
	if err := t.conn.ExecEach(sql, n, bind, changed); err != nil {
		return t.fail(err)
	}
	return nil
}

func (t *Tx) queryEach(sql string, n int, bind func(i int, a *Args), scan func(i int, r Row) error) error {
	if t.err != nil || n == 0 {
		return t.err
	}
	if rd := t.ledger.reads(sql); rd != nil {
		_, err := t.heldEach(rd, n, bind, scan, false)
		return err
	}
	if err := t.conn.QueryEach(sql, n, bind, scan); err != nil {
		return t.fail(err)
	}
	return nil
}

// good runs a statement and returns which of its rows, by their order, are not what was
// written: the caller leaves them out, and goes by the others.
func (t *Tx) good(sql string, n int, bind func(i int, a *Args), scan func(i int, r Row) error) (bad []int, err error) {
	rd := t.ledger.reads(sql)
	if rd == nil || t.err != nil || n == 0 {
		return nil, t.queryEach(sql, n, bind, scan)
	}
	return t.heldEach(rd, n, bind, scan, true)
}

// without leaves out what is not what was written.
func without[T any](all []T, bad []int, err error) ([]T, error) {
	for _, i := range slices.Backward(bad) {
		all = slices.Delete(all, i, i+1)
	}
	return all, err
}

// firstGood runs a statement whose last parameter bounds its rows, and returns the first n of
// those that are what was written. It asks for more while others lie before them: what was
// altered keeps nobody behind it waiting. When no row is gone by any more it does not look on.
func firstGood[T any](t *Tx, sql string, n int, bind func(a *Args), scan func(r Row) T) ([]T, error) {
	if n <= 0 {
		return nil, t.err
	}
	for limit := n; ; {
		var all []T
		bad, err := t.good(sql, 1, func(_ int, a *Args) {
			bind(a)
			a.Int(int64(limit))
		}, func(_ int, r Row) error {
			all = append(all, scan(r))
			return nil
		})
		read := len(all)
		if all, err = without(all, bad, err); err != nil {
			return nil, err
		}
		if len(all) >= n || read < limit || len(all) == 0 && t.ledger.seen.lost() {
			return all[:min(n, len(all))], nil
		}
		limit = n + 2*(read-len(all)) // half of it may be altered, too
	}
}

func (t *Tx) exec(sql string, bind func(a *Args)) error {
	return t.execEach(sql, 1, func(_ int, a *Args) { bind(a) }, nil)
}

func (t *Tx) query(sql string, bind func(a *Args), scan func(r Row) error) error {
	return t.queryEach(sql, 1, func(_ int, a *Args) { bind(a) }, func(_ int, r Row) error { return scan(r) })
}
