package sqlstore

import (
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

const (
	putJourney = `INSERT INTO venue_journey (id, asked, decision) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO NOTHING`
	getJourney   = `SELECT asked, decision FROM venue_journey WHERE id = $1`
	oldJourneys  = `SELECT id FROM venue_journey WHERE asked < $1 ORDER BY asked, id LIMIT $2`
	dropJourney  = `DELETE FROM venue_journey WHERE id = $1`
	addDecisions = `INSERT INTO partner_decision (day, partner_id, told) VALUES ($1, $2, CASE WHEN $3 < 0 THEN 0 ELSE $3 END)
		ON CONFLICT (day, partner_id) DO UPDATE SET
			told = CASE WHEN partner_decision.told + $3 < 0 THEN 0 ELSE partner_decision.told + $3 END`
	getDecisions  = `SELECT told FROM partner_decision WHERE day = $1 AND partner_id = $2`
	dropDecisions = `DELETE FROM partner_decision WHERE day < $1`
)

type journeys struct{ *Tx }

var _ venue.JourneyStore = journeys{}

func (t journeys) Put(j venue.Journey) (venue.Journey, error) {
	if err := t.heldJourney(j.ID); err != nil {
		return venue.Journey{}, err
	}
	err := t.exec(putJourney, func(a *Args) {
		a.Bytes(j.ID[:])
		a.Int(int64(j.Asked))
		a.Int(int64(j.Decision))
	})
	if err != nil {
		return venue.Journey{}, err
	}
	return t.Get(j.ID)
}

func (t journeys) Get(id venue.JourneyID) (j venue.Journey, err error) {
	if err := t.heldJourney(id); err != nil {
		return venue.Journey{}, err
	}
	err = t.query(getJourney, func(a *Args) { a.Bytes(id[:]) }, func(r Row) error {
		j = venue.Journey{ID: id, Asked: day.Day(r.Int(0)), Decision: venue.Decision(r.Int(1))}
		return nil
	})
	return j, err
}

func (t journeys) heldJourney(id venue.JourneyID) error {
	return t.held("venue_journey", func(a *Args) { a.Bytes(id[:]) })
}

// Count writes before it reads, so that two transactions never count from one number.
func (t journeys) Count(p partner.ID, d day.Day, by int) (n int, err error) {
	if err := t.held("partner_decision", func(a *Args) {
		a.Int(int64(d))
		a.Number(uint64(p))
	}); err != nil {
		return 0, err
	}
	err = t.exec(addDecisions, func(a *Args) {
		a.Int(int64(d))
		a.Number(uint64(p))
		a.Int(int64(by))
	})
	if err != nil {
		return 0, err
	}
	err = t.query(getDecisions,
		func(a *Args) {
			a.Int(int64(d))
			a.Number(uint64(p))
		},
		func(r Row) error {
			n = int(r.Int(0))
			return nil
		})
	return n, err
}

func (t journeys) Forget(before day.Day, n int) (int, error) {
	if n <= 0 {
		return 0, t.err
	}
	ids, err := firstGood(t.Tx, oldJourneys, n, func(a *Args) { a.Int(int64(before)) }, func(r Row) (id venue.JourneyID) {
		r.Fixed(0, id[:])
		return id
	})
	if err != nil {
		return 0, err
	}
	if err := t.execEach(dropJourney, len(ids), func(i int, a *Args) { a.Bytes(ids[i][:]) }, nil); err != nil {
		return 0, err
	}
	return len(ids), t.exec(dropDecisions, func(a *Args) { a.Int(int64(before)) })
}
