package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

const (
	// A card that was revoked stays so, at the moment it first was; whose it is and
	// until when never change.
	putCard = `INSERT INTO identity_card (id, person_id, issued, expires, revoked) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked WHERE identity_card.revoked = 0`
	selectCard   = `SELECT id, person_id, issued, expires, revoked FROM identity_card `
	getCard      = selectCard + `WHERE id = $1`
	cardsOf      = selectCard + `WHERE person_id = $1 ORDER BY id`
	expiredCards = `SELECT id FROM identity_card WHERE expires < $1 ORDER BY expires, id LIMIT $2`
	dropCard     = `DELETE FROM identity_card WHERE id = $1`

	putPIN = `INSERT INTO identity_pin (person_id, tag) VALUES ($1, $2)
		ON CONFLICT (person_id) DO UPDATE SET tag = excluded.tag`
	dropPIN  = `DELETE FROM identity_pin WHERE person_id = $1`
	getPIN   = `SELECT tag FROM identity_pin WHERE person_id = $1`
	getTries = `SELECT tries FROM identity_pin_try WHERE day = $1 AND nik = $2`
	addTries = `INSERT INTO identity_pin_try (day, nik, tries) VALUES ($1, $2, CASE WHEN $3 < 0 THEN 0 ELSE $3 END)
		ON CONFLICT (day, nik) DO UPDATE SET
			tries = CASE WHEN identity_pin_try.tries + $3 < 0 THEN 0 ELSE identity_pin_try.tries + $3 END`
	oldTries  = `SELECT day, nik FROM identity_pin_try WHERE day < $1 ORDER BY day, nik LIMIT $2`
	dropTries = `DELETE FROM identity_pin_try WHERE day = $1 AND nik = $2`

	getLookups = `SELECT hour, used, mark, before FROM venue_lookup WHERE venue_id = $1`
	putLookups = `INSERT INTO venue_lookup (venue_id, hour, used, mark, before) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (venue_id) DO UPDATE SET hour = excluded.hour, used = excluded.used,
			mark = excluded.mark, before = excluded.before`
)

type cards struct{ *Tx }

var _ identity.CardStore = cards{}

func (t cards) Put(c identity.Card) error {
	return t.exec(putCard, func(a *Args) {
		a.Bytes(c.ID[:])
		a.Number(uint64(c.Person))
		a.Time(c.Issued)
		a.Time(c.Expires)
		a.Time(c.Revoked)
	})
}

func (t cards) Get(id identity.CardID) (c identity.Card, err error) {
	err = t.query(getCard, func(a *Args) { a.Bytes(id[:]) }, func(r Row) error {
		scanCard(r, &c)
		return nil
	})
	return c, err
}

func (t cards) Of(p identity.PersonID) ([]identity.Card, error) {
	var out []identity.Card
	err := t.query(cardsOf, func(a *Args) { a.Number(uint64(p)) }, func(r Row) error {
		var c identity.Card
		scanCard(r, &c)
		out = append(out, c)
		return nil
	})
	return out, err
}

func scanCard(r Row, c *identity.Card) {
	r.Fixed(0, c.ID[:])
	c.Person = identity.PersonID(r.Int(1))
	c.Issued, c.Expires, c.Revoked = moment(r.Int(2)), moment(r.Int(3)), moment(r.Int(4))
}

func (t cards) Forget(before time.Time, n int) (int, error) {
	ids, err := firstGood(t.Tx, expiredCards, n, func(a *Args) { a.Time(before) }, func(r Row) (id identity.CardID) {
		r.Fixed(0, id[:])
		return id
	})
	if err != nil {
		return 0, err
	}
	err = t.execEach(dropCard, len(ids), func(i int, a *Args) { a.Bytes(ids[i][:]) }, nil)
	return len(ids), err
}

type pins struct{ *Tx }

var _ identity.PINStore = pins{}

func (t pins) Put(p identity.PersonID, tag identity.Tag) error {
	if tag == (identity.Tag{}) {
		return t.exec(dropPIN, func(a *Args) { a.Number(uint64(p)) })
	}
	return t.exec(putPIN, func(a *Args) {
		a.Number(uint64(p))
		a.Bytes(tag[:])
	})
}

func (t pins) Get(p identity.PersonID) (tag identity.Tag, err error) {
	err = t.query(getPIN, func(a *Args) { a.Number(uint64(p)) }, func(r Row) error {
		r.Fixed(0, tag[:])
		return nil
	})
	return tag, err
}

// Count writes before it reads, so that two transactions never count from one number.
func (t pins) Count(nik identity.Tag, d day.Day, by int) (n int, err error) {
	if err := t.held("identity_pin_try", func(a *Args) {
		a.Int(int64(d))
		a.Bytes(nik[:])
	}); err != nil {
		return 0, err
	}
	err = t.exec(addTries, func(a *Args) {
		a.Int(int64(d))
		a.Bytes(nik[:])
		a.Int(int64(by))
	})
	if err != nil {
		return 0, err
	}
	err = t.query(getTries,
		func(a *Args) {
			a.Int(int64(d))
			a.Bytes(nik[:])
		},
		func(r Row) error {
			n = int(r.Int(0))
			return nil
		})
	return n, err
}

func (t pins) Forget(before day.Day, n int) (int, error) {
	type counted struct {
		day day.Day
		nik identity.Tag
	}
	old, err := firstGood(t.Tx, oldTries, n, func(a *Args) { a.Int(int64(before)) }, func(r Row) counted {
		c := counted{day: day.Day(r.Int(0))}
		r.Fixed(1, c.nik[:])
		return c
	})
	if err != nil {
		return 0, err
	}
	err = t.execEach(dropTries, len(old), func(i int, a *Args) {
		a.Int(int64(old[i].day))
		a.Bytes(old[i].nik[:])
	}, nil)
	return len(old), err
}

type lookups struct{ *Tx }

var _ venue.LookupStore = lookups{}

func (t lookups) Get(v venue.ID) (venue.Lookups, error) {
	l := venue.Lookups{Venue: v}
	if err := t.held("venue_lookup", func(a *Args) { a.Number(uint64(v)) }); err != nil {
		return l, err
	}
	err := t.query(getLookups, func(a *Args) { a.Number(uint64(v)) }, func(r Row) error {
		l.Hour, l.Used = r.Int(0), int(r.Int(1))
		l.Mark, l.Before = uint64(r.Int(2)), uint64(r.Int(3))
		return nil
	})
	return l, err
}

func (t lookups) Put(l venue.Lookups) error {
	return t.exec(putLookups, func(a *Args) {
		a.Number(uint64(l.Venue))
		a.Int(l.Hour)
		a.Int(int64(l.Used))
		a.Number(l.Mark)
		a.Number(l.Before)
	})
}
