package sqlstore

import (
	"bytes"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putPass = `INSERT INTO venue_pass (serial, id, day, who, category, level, issued, expires, party, decision,
			gate, seq, event, mac, used_venue, used_door, used_at, used_mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (serial, id) DO NOTHING`
	passesOf = `SELECT id, day, who, category, level, issued, expires, party, decision,
			gate, seq, event, used_venue, used_door, used_at, mac, used_mac
		FROM venue_pass WHERE serial = $1 ORDER BY id`
	usePass = `UPDATE venue_pass SET used_venue = $2, used_door = $3, used_at = $4, used_mac = $5
		WHERE serial = $1 AND used_venue = 0`
	oldPasses = `SELECT serial, id FROM venue_pass WHERE day < $1 ORDER BY day, serial, id LIMIT $2`
	dropPass  = `DELETE FROM venue_pass WHERE serial = $1 AND id = $2`
)

type passes struct{ *Tx }

var _ venue.PassStore = passes{}

func (t passes) Put(add []venue.Pass) error {
	return t.execEach(putPass, len(add), func(i int, a *Args) {
		p := &add[i]
		bindPass(a, p)
		a.Bytes(t.seal(store.SealPass, a.List))
		bindUse(a, p.Use)
		a.Bytes(t.sealUse(p.Serial, p.Use))
	}, nil)
}

// bindPass binds what store.SealPass covers.
func bindPass(a *Args, p *venue.Pass) {
	a.Bytes(p.Serial[:])
	a.Bytes(p.ID[:])
	a.Int(int64(p.Day))
	a.Bytes(p.Who[:])
	a.Text(string(p.Category))
	a.Int(int64(p.Level))
	a.Time(p.Issued)
	a.Time(p.Expires)
	a.Int(int64(p.Party))
	a.Int(int64(p.Decision))
	a.Bytes(p.Leaf.Gate[:])
	a.Number(p.Leaf.Seq)
	a.Int(int64(p.Leaf.Index))
}

func bindUse(a *Args, u venue.PassUse) {
	a.Number(uint64(u.Venue))
	a.Int(int64(u.Door))
	a.Time(u.At)
}

// sealUse is the MAC of where a pass was admitted, no bytes while it was nowhere.
func (t *Tx) sealUse(serial venue.VisitID, u venue.PassUse) []byte {
	if u.Venue == 0 {
		return []byte{}
	}
	var a Args
	a.Bytes(serial[:])
	bindUse(&a, u)
	return t.seal(store.SealUse, a.List)
}

func (t passes) Of(serials []venue.VisitID) ([][]venue.Pass, error) {
	out := make([][]venue.Pass, len(serials))
	err := t.queryEach(passesOf, len(serials),
		func(i int, a *Args) { a.Bytes(serials[i][:]) },
		func(i int, r Row) error {
			p := venue.Pass{
				Serial: serials[i], Day: day.Day(r.Int(1)), Category: venue.Category(r.Text(3)), Level: venue.Level(r.Int(4)),
				Issued: moment(r.Int(5)), Expires: moment(r.Int(6)), Party: int(r.Int(7)), Decision: venue.Decision(r.Int(8)),
				Use: venue.PassUse{Venue: venue.ID(r.Int(12)), Door: venue.Door(r.Int(13)), At: moment(r.Int(14))},
			}
			r.Fixed(0, p.ID[:])
			r.Fixed(2, p.Who[:])
			r.Fixed(9, p.Leaf.Gate[:])
			p.Leaf.Seq, p.Leaf.Index = uint64(r.Int(10)), int(r.Int(11))
			p.Altered = t.ledger != nil && (!t.whole(store.SealPass, r.Bytes(15), func(a *Args) { bindPass(a, &p) }) ||
				!bytes.Equal(t.sealUse(p.Serial, p.Use), r.Bytes(16)) || !p.Used() && t.unused(p.Serial))
			if p.Used() && !p.Altered {
				t.use(p.Serial)
			}
			out[i] = append(out[i], p)
			return nil
		})
	return out, err
}

func (t passes) Use(serials []venue.VisitID, uses []venue.PassUse) ([]bool, error) {
	if len(serials) != len(uses) {
		return nil, t.fail(store.ErrConstraint)
	}
	for _, use := range uses {
		if use.Venue == 0 {
			return nil, t.fail(store.ErrConstraint) // that marks a pass as not used
		}
	}
	out := make([]bool, len(serials))
	err := t.execEach(usePass, len(serials),
		func(i int, a *Args) {
			a.Bytes(serials[i][:])
			bindUse(a, uses[i])
			a.Bytes(t.seal(store.SealUse, a.List))
		},
		func(i int, rows int64) {
			if out[i] = rows > 0; out[i] {
				t.use(serials[i])
			}
		})
	return out, err
}

func (t passes) Forget(before day.Day, n int) (int, error) {
	if n <= 0 {
		return 0, t.err
	}
	var old []venue.Pass
	err := t.query(oldPasses,
		func(a *Args) {
			a.Int(int64(before))
			a.Int(int64(n))
		},
		func(r Row) error {
			var p venue.Pass
			r.Fixed(0, p.Serial[:])
			r.Fixed(1, p.ID[:])
			old = append(old, p)
			return nil
		})
	if err != nil {
		return 0, err
	}
	err = t.execEach(dropPass, len(old), func(i int, a *Args) {
		a.Bytes(old[i].Serial[:])
		a.Bytes(old[i].ID[:])
	}, nil)
	return len(old), err
}
