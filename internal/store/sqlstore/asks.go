package sqlstore

import (
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putAsk = `INSERT INTO venue_ask (day, who, id, at, outcome, times, gate, seq, event, mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (day, who, id) DO UPDATE SET at = excluded.at, outcome = excluded.outcome,
			times = excluded.times, gate = excluded.gate, seq = excluded.seq, event = excluded.event, mac = excluded.mac`
	selectAsk = `SELECT day, who, id, at, outcome, times, gate, seq, event, mac FROM venue_ask
		WHERE day = $1 AND who = $2`
	getAsk  = selectAsk + ` AND id = $3`
	asksOf  = selectAsk
	oldAsks = `SELECT day, who, id FROM venue_ask WHERE day < $1 ORDER BY day, who, id LIMIT $2`
	dropAsk = `DELETE FROM venue_ask WHERE day = $1 AND who = $2 AND id = $3`
)

type asks struct{ *Tx }

var _ venue.AskStore = asks{}

// Put adds up in here what is counted together, so that its MAC is of the sum.
func (t asks) Put(add []venue.Ask) error {
	type name struct {
		day day.Day
		who venue.Pseudonym
		id  [16]byte
	}
	kept, altered := make(map[name]int, len(add)), map[name]bool{}
	if err := t.queryEach(getAsk+t.conn.Lock(), len(add), func(i int, a *Args) {
		a.Int(int64(add[i].Day))
		a.Bytes(add[i].Who[:])
		a.Bytes(add[i].ID[:])
	}, func(i int, r Row) error {
		k := t.scan(r)
		kept[name{k.Day, k.Who, k.ID}], altered[name{k.Day, k.Who, k.ID}] = k.Times, k.Altered
		return nil
	}); err != nil {
		return err
	}
	for i := range add {
		if add[i].Times <= 0 {
			return t.fail(store.ErrConstraint)
		}
	}
	return t.execEach(putAsk, len(add), func(i int, a *Args) {
		k := add[i]
		at := name{k.Day, k.Who, k.ID}
		k.Times += kept[at]
		kept[at] = k.Times
		bindAsk(a, &k)
		if altered[at] { // and stays so: the sum is not what it was
			a.Bytes([]byte{})
		} else {
			a.Bytes(t.seal(store.SealAsk, a.List))
		}
	}, nil)
}

// bindAsk binds what store.SealAsk covers.
func bindAsk(a *Args, k *venue.Ask) {
	a.Int(int64(k.Day))
	a.Bytes(k.Who[:])
	a.Bytes(k.ID[:])
	a.Time(k.At)
	a.Int(int64(k.Outcome))
	a.Int(int64(k.Times))
	a.Bytes(k.Leaf.Gate[:])
	a.Number(k.Leaf.Seq)
	a.Int(int64(k.Leaf.Index))
}

func (t asks) scan(r Row) venue.Ask {
	k := venue.Ask{Day: day.Day(r.Int(0)), At: moment(r.Int(3)), Outcome: venue.AskOutcome(r.Int(4)), Times: int(r.Int(5))}
	r.Fixed(1, k.Who[:])
	r.Fixed(2, k.ID[:])
	r.Fixed(6, k.Leaf.Gate[:])
	k.Leaf.Seq, k.Leaf.Index = uint64(r.Int(7)), int(r.Int(8))
	k.Altered = t.ledger != nil && !t.whole(store.SealAsk, r.Bytes(9), func(a *Args) { bindAsk(a, &k) })
	return k
}

// Of sorts here, as visits do: a day has few.
func (t asks) Of(trails []venue.Trail) ([][]venue.Ask, error) {
	out := make([][]venue.Ask, len(trails))
	err := t.queryEach(asksOf, len(trails),
		func(i int, a *Args) {
			a.Int(int64(trails[i].Day))
			a.Bytes(trails[i].Who[:])
		},
		func(i int, r Row) error {
			out[i] = append(out[i], t.scan(r))
			return nil
		})
	for _, k := range out {
		slices.SortFunc(k, func(a, b venue.Ask) int { return older(a.At, b.At, a.ID[:], b.ID[:]) })
	}
	return out, err
}

func (t asks) Forget(before time.Time, n int) (int, error) {
	if n <= 0 {
		return 0, t.err
	}
	var old []venue.Ask
	err := t.query(oldAsks,
		func(a *Args) {
			a.Int(int64(day.Of(before)))
			a.Int(int64(n))
		},
		func(r Row) error {
			k := venue.Ask{Day: day.Day(r.Int(0))}
			r.Fixed(1, k.Who[:])
			r.Fixed(2, k.ID[:])
			old = append(old, k)
			return nil
		})
	if err != nil {
		return 0, err
	}
	err = t.execEach(dropAsk, len(old), func(i int, a *Args) {
		a.Int(int64(old[i].Day))
		a.Bytes(old[i].Who[:])
		a.Bytes(old[i].ID[:])
	}, nil)
	return len(old), err
}
