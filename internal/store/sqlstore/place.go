package sqlstore

import (
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	sealPlace = `UPDATE record_version SET mac = $2 WHERE seq = $1`
	unplaced  = `SELECT seq, person_id, number, version FROM record_version
		WHERE seq > $1 AND length(mac) = 0 ORDER BY seq LIMIT $2`
)

// spot is where a version stands in the order in which they came: who follows that order
// goes by its MAC, for everything else of a row is sealed to the version alone.
type spot struct{ seq, person, number, version uint64 }

func spotOf(seq uint64, r *record.Row) spot {
	return spot{seq, uint64(r.Person), uint64(r.Number), r.Version}
}

// bind binds what store.SealPlace covers.
func (p spot) bind(a *Args) {
	a.Number(p.seq)
	a.Number(p.person)
	a.Number(p.number)
	a.Number(p.version)
}

// sealPlaces gives rows that were just put, and have their numbers since, their MACs.
func (t *Tx) sealPlaces(all []spot) error {
	if t.ledger == nil {
		return nil
	}
	return t.execEach(sealPlace, len(all), func(i int, a *Args) {
		t.scratch.Reset()
		all[i].bind(&t.scratch)
		mac := t.seal(store.SealPlace, t.scratch.List)
		a.Number(all[i].seq)
		a.Bytes(mac)
	}, nil)
}

// placeAll gives every version its MAC, of a database from before there were any.
func (t *Tx) placeAll() error {
	for last := uint64(0); ; {
		var some []spot
		if err := t.queryEach(unplaced, 1, func(_ int, a *Args) {
			a.Number(last)
			a.Int(sealAtOnce)
		}, func(_ int, r Row) error {
			some = append(some, spot{uint64(r.Int(0)), uint64(r.Int(1)), uint64(r.Int(2)), uint64(r.Int(3))})
			return nil
		}); err != nil {
			return err
		}
		if len(some) == 0 {
			return nil
		}
		if err := t.sealPlaces(some); err != nil {
			return err
		}
		last = some[len(some)-1].seq
	}
}
