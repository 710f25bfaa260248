package sqlstore

import (
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

const (
	putAsk = `INSERT INTO venue_ask (day, who, id, at, outcome, times, gate, seq, event)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (day, who, id) DO UPDATE SET at = excluded.at, outcome = excluded.outcome,
			times = venue_ask.times + excluded.times,
			gate = excluded.gate, seq = excluded.seq, event = excluded.event`
	asksOf = `SELECT day, who, id, at, outcome, times, gate, seq, event FROM venue_ask
		WHERE day = $1 AND who = $2`
	oldAsks = `SELECT day, who, id FROM venue_ask WHERE day < $1 ORDER BY day, who, id LIMIT $2`
	dropAsk = `DELETE FROM venue_ask WHERE day = $1 AND who = $2 AND id = $3`
)

type asks struct{ *Tx }

var _ venue.AskStore = asks{}

func (t asks) Put(add []venue.Ask) error {
	return t.execEach(putAsk, len(add), func(i int, a *Args) {
		k := &add[i]
		a.Int(int64(k.Day))
		a.Bytes(k.Who[:])
		a.Bytes(k.ID[:])
		a.Time(k.At)
		a.Int(int64(k.Outcome))
		a.Int(int64(k.Times))
		a.Bytes(k.Leaf.Gate[:])
		a.Number(k.Leaf.Seq)
		a.Int(int64(k.Leaf.Index))
	}, nil)
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
			k := venue.Ask{Day: day.Day(r.Int(0)), At: moment(r.Int(3)), Outcome: venue.AskOutcome(r.Int(4)), Times: int(r.Int(5))}
			r.Fixed(1, k.Who[:])
			r.Fixed(2, k.ID[:])
			r.Fixed(6, k.Leaf.Gate[:])
			k.Leaf.Seq, k.Leaf.Index = uint64(r.Int(7)), int(r.Int(8))
			out[i] = append(out[i], k)
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
