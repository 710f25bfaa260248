package sqlstore

import (
	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	countDispute = `INSERT INTO dispute_count (year, last) VALUES ($1, 1)
		ON CONFLICT (year) DO UPDATE SET last = dispute_count.last + 1`
	lastDispute = `SELECT last FROM dispute_count WHERE year = $1`
	putDispute  = `INSERT INTO dispute_dispute
			(id, person_id, year, count, digest, filed, due, outcome, answered, filing, answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9)`
	selectDispute = `SELECT id, person_id, year, count, digest, filed, due, outcome, answered, filing, answer
		FROM dispute_dispute `
	getDispute      = selectDispute + `WHERE id = $1`
	numberedDispute = selectDispute + `WHERE year = $1 AND count = $2`
	disputesOf      = selectDispute + `WHERE person_id = $1 ORDER BY id DESC`
	walkDisputes    = selectDispute + `WHERE id > $1 ORDER BY id LIMIT $2`
	walkOpen        = selectDispute + `WHERE id > $1 AND outcome = 0 ORDER BY id LIMIT $2`
	answerDispute   = `UPDATE dispute_dispute SET outcome = $2, answered = $3, answer = $4
		WHERE id = $1 AND outcome = 0`
)

type disputes struct{ *Tx }

var _ dispute.Store = disputes{}

// File counts first: the row of the year is held until the transaction ends, so that
// numbers have no gaps and nobody gets another's.
func (t disputes) File(d dispute.Dispute) (dispute.Number, error) {
	n := dispute.Number{Year: d.Year()}
	known, err := t.Get(d.ID)
	if err != nil {
		return n, err
	}
	if known.ID != (dispute.ID{}) {
		return n, dispute.ErrFiled
	}
	if err := t.exec(countDispute, func(a *Args) { a.Int(int64(n.Year)) }); err != nil {
		return n, err
	}
	err = t.query(lastDispute, func(a *Args) { a.Int(int64(n.Year)) }, func(r Row) error {
		n.Count = int(r.Int(0))
		return nil
	})
	if err != nil {
		return n, err
	}
	return n, t.exec(putDispute, func(a *Args) {
		a.Bytes(d.ID[:])
		a.Number(uint64(d.Person))
		a.Int(int64(n.Year))
		a.Int(int64(n.Count))
		a.Bytes(d.Digest[:])
		a.Time(d.Filed)
		a.Time(d.Due)
		a.Bytes(d.Filing)
		a.Bytes([]byte{})
	})
}

func (t disputes) Get(id dispute.ID) (dispute.Dispute, error) {
	all, err := t.some(getDispute, func(a *Args) { a.Bytes(id[:]) })
	if err != nil || len(all) == 0 {
		return dispute.Dispute{}, err
	}
	return all[0], nil
}

func (t disputes) ByNumber(n dispute.Number) (dispute.Dispute, error) {
	all, err := t.some(numberedDispute, func(a *Args) {
		a.Int(int64(n.Year))
		a.Int(int64(n.Count))
	})
	if err == nil && len(all) == 0 {
		err = dispute.ErrNone
	}
	if err != nil {
		return dispute.Dispute{}, err
	}
	return all[0], nil
}

func (t disputes) Of(p identity.PersonID) ([]dispute.Dispute, error) {
	return t.some(disputesOf, func(a *Args) { a.Number(uint64(p)) })
}

func (t disputes) Walk(after dispute.ID, n int, all bool) ([]dispute.Dispute, error) {
	if n <= 0 {
		return nil, t.err
	}
	sql := walkOpen
	if all {
		sql = walkDisputes
	}
	return t.some(sql, func(a *Args) {
		a.Bytes(after[:])
		a.Int(int64(n))
	})
}

func (t disputes) Answer(d dispute.Dispute) error {
	if d.Outcome == 0 || micros(d.Answered) == 0 {
		return t.fail(store.ErrConstraint)
	}
	var wrote int64
	err := t.execEach(answerDispute, 1, func(_ int, a *Args) {
		a.Bytes(d.ID[:])
		a.Int(int64(d.Outcome))
		a.Time(d.Answered)
		a.Bytes(d.Answer)
	}, func(_ int, rows int64) { wrote = rows })
	if err != nil || wrote == 1 {
		return err
	}
	known, err := t.Get(d.ID)
	if err == nil {
		err = dispute.ErrAnswered
		if known.ID == (dispute.ID{}) {
			err = dispute.ErrNone
		}
	}
	return err
}

func (t disputes) some(sql string, bind func(a *Args)) ([]dispute.Dispute, error) {
	var out []dispute.Dispute
	err := t.query(sql, bind, func(r Row) error {
		d := dispute.Dispute{
			Person: identity.PersonID(r.Int(1)), Number: dispute.Number{Year: int(r.Int(2)), Count: int(r.Int(3))},
			Filed: moment(r.Int(5)), Due: moment(r.Int(6)), Outcome: dispute.Outcome(r.Int(7)), Answered: moment(r.Int(8)),
			Filing: r.Bytes(9), Answer: r.Bytes(10),
		}
		r.Fixed(0, d.ID[:])
		r.Fixed(4, d.Digest[:])
		out = append(out, d)
		return nil
	})
	return out, err
}
