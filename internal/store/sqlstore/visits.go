package sqlstore

import (
	"bytes"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// The statements say "decision <> 3" for a visit that was not refused; these fail
// to compile when venue.Refuse moves.
const (
	_ = uint8(venue.Refuse) - 3
	_ = 3 - uint8(venue.Refuse)
)

const (
	putVisit = `INSERT INTO venue_visit
		(id, venue_id, door, day, who, entered, leaves_by, party, decision, gate, seq, event, mac, left_at, left_mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (id) DO NOTHING`
	putTrail = `INSERT INTO venue_trail (day, who, visit_id) VALUES ($1, $2, $3)`

	selectVisit = `SELECT v.id, v.venue_id, v.door, v.day, v.who, v.entered, v.leaves_by, v.left_at,
		v.party, v.decision, v.gate, v.seq, v.event, v.mac, v.left_mac `
	getVisit = selectVisit + `FROM venue_visit v WHERE v.id = $1`
	visitsOf = selectVisit + `FROM venue_trail t JOIN venue_visit v ON v.id = t.visit_id
		WHERE t.day = $1 AND t.who = $2`
	dueVisits = selectVisit + `FROM venue_visit v
		WHERE v.left_at = 0 AND v.decision <> 3 AND v.leaves_by < $1
		ORDER BY v.leaves_by, v.id LIMIT $2`
	leaveVisit = `UPDATE venue_visit SET left_at = $2, left_mac = $3 WHERE id = $1 AND left_at = 0 AND decision <> 3`

	oldTrails = `SELECT day, who, visit_id FROM venue_trail WHERE day < $1
		ORDER BY day, who, visit_id LIMIT $2`
	dropVisit = `DELETE FROM venue_visit WHERE id = $1`
	dropTrail = `DELETE FROM venue_trail WHERE day = $1 AND who = $2 AND visit_id = $3`
)

type visits struct{ *Tx }

var _ venue.VisitStore = visits{}

// Put writes a trail only for a visit it added: an id already there keeps its
// own trail and gets no second one.
func (t visits) Put(add []venue.Visit) error {
	fresh := make([]int, 0, len(add))
	err := t.execEach(putVisit, len(add), func(i int, a *Args) {
		bindVisit(a, &add[i])
		a.Bytes(t.seal(store.SealVisit, a.List))
		a.Time(add[i].Left)
		a.Bytes(t.sealLeft(add[i].ID, add[i].Left))
	}, func(i int, rows int64) {
		if rows == 1 {
			if fresh = append(fresh, i); !add[i].Left.IsZero() && add[i].Decision != venue.Refuse {
				t.over(add[i].ID)
			}
		}
	})
	if err != nil {
		return err
	}
	return t.execEach(putTrail, len(fresh), func(i int, a *Args) {
		v := &add[fresh[i]]
		a.Int(int64(v.Day))
		a.Bytes(v.Who[:])
		a.Bytes(v.ID[:])
	}, nil)
}

// bindVisit binds what store.SealVisit covers.
func bindVisit(a *Args, v *venue.Visit) {
	a.Bytes(v.ID[:])
	a.Number(uint64(v.Venue))
	a.Int(int64(v.Door))
	a.Int(int64(v.Day))
	a.Bytes(v.Who[:])
	a.Time(v.Entered)
	a.Time(v.LeavesBy)
	a.Int(int64(v.Party))
	a.Int(int64(v.Decision))
	a.Bytes(v.Leaf.Gate[:])
	a.Number(v.Leaf.Seq)
	a.Int(int64(v.Leaf.Index))
}

// sealLeft is the MAC of when a visit ended, no bytes while it lasts.
func (t *Tx) sealLeft(id venue.VisitID, at time.Time) []byte {
	if at.IsZero() {
		return []byte{}
	}
	return t.seal(store.SealLeft, []Arg{{Kind: Bytes, Bytes: id[:]}, {Kind: Int, Int: micros(at)}})
}

func (t visits) Get(ids []venue.VisitID) ([]venue.Visit, error) {
	out := make([]venue.Visit, len(ids))
	err := t.queryEach(getVisit, len(ids),
		func(i int, a *Args) { a.Bytes(ids[i][:]) },
		func(i int, r Row) error {
			t.scan(r, &out[i])
			return nil
		})
	return out, err
}

// Of sorts here: a person has few visits a day, most have none, and a sorter in
// the database costs even those.
func (t visits) Of(trails []venue.Trail) ([][]venue.Visit, error) {
	out := make([][]venue.Visit, len(trails))
	err := t.queryEach(visitsOf, len(trails),
		func(i int, a *Args) {
			a.Int(int64(trails[i].Day))
			a.Bytes(trails[i].Who[:])
		},
		func(i int, r Row) error {
			var v venue.Visit
			t.scan(r, &v)
			out[i] = append(out[i], v)
			return nil
		})
	for _, v := range out {
		slices.SortFunc(v, func(a, b venue.Visit) int { return older(a.Entered, b.Entered, a.ID[:], b.ID[:]) })
	}
	return out, err
}

func (t visits) Leave(l []venue.Leaving) ([]int, error) {
	for i := range l {
		if micros(l[i].At) == 0 {
			return nil, t.fail(store.ErrConstraint)
		}
	}
	out := make([]int, len(l))
	err := t.execEach(leaveVisit, len(l),
		func(i int, a *Args) {
			a.Bytes(l[i].ID[:])
			a.Time(l[i].At)
			a.Bytes(t.seal(store.SealLeft, a.List))
		},
		func(i int, rows int64) {
			if out[i] = int(rows); rows > 0 {
				t.over(l[i].ID)
			}
		})
	return out, err
}

// Due passes over visits that were altered: nobody knows when they end.
func (t visits) Due(before time.Time, n int) ([]venue.Visit, error) {
	var out []venue.Visit
	if n <= 0 {
		return nil, t.err
	}
	err := t.query(dueVisits,
		func(a *Args) {
			a.Time(before)
			a.Int(int64(n))
		},
		func(r Row) error {
			var v venue.Visit
			t.scan(r, &v)
			if !v.Altered {
				out = append(out, v)
			}
			return nil
		})
	return out, err
}

// Forget finds the visits by their trails, which lead with the day, so that no
// index on the visits has to.
func (t visits) Forget(before time.Time, n int) (int, error) {
	var ids []venue.VisitID
	var trails []venue.Trail
	if n <= 0 {
		return 0, t.err
	}
	err := t.query(oldTrails,
		func(a *Args) {
			a.Int(int64(day.Of(before)))
			a.Int(int64(n))
		},
		func(r Row) error {
			var id venue.VisitID
			trail := venue.Trail{Day: day.Day(r.Int(0))}
			r.Fixed(1, trail.Who[:])
			r.Fixed(2, id[:])
			ids, trails = append(ids, id), append(trails, trail)
			return nil
		})
	if err != nil {
		return 0, err
	}
	if err := t.execEach(dropVisit, len(ids), func(i int, a *Args) { a.Bytes(ids[i][:]) }, nil); err != nil {
		return 0, err
	}
	err = t.execEach(dropTrail, len(ids), func(i int, a *Args) {
		a.Int(int64(trails[i].Day))
		a.Bytes(trails[i].Who[:])
		a.Bytes(ids[i][:])
	}, nil)
	return len(ids), err
}

func (t visits) scan(r Row, v *venue.Visit) {
	r.Fixed(0, v.ID[:])
	v.Venue = venue.ID(r.Int(1))
	v.Door = venue.Door(r.Int(2))
	v.Day = day.Day(r.Int(3))
	r.Fixed(4, v.Who[:])
	v.Entered, v.LeavesBy, v.Left = moment(r.Int(5)), moment(r.Int(6)), moment(r.Int(7))
	v.Party = int(r.Int(8))
	v.Decision = venue.Decision(r.Int(9))
	r.Fixed(10, v.Leaf.Gate[:])
	v.Leaf.Seq = uint64(r.Int(11))
	v.Leaf.Index = int(r.Int(12))
	v.Altered = t.ledger != nil && (!t.whole(store.SealVisit, r.Bytes(13), func(a *Args) { bindVisit(a, v) }) ||
		!bytes.Equal(t.sealLeft(v.ID, v.Left), r.Bytes(14)) || v.Left.IsZero() && t.again(v.ID))
}

// older orders by time, then by id.
func older(a, b time.Time, ida, idb []byte) int {
	if c := a.Compare(b); c != 0 {
		return c
	}
	return bytes.Compare(ida, idb)
}
