package sqlstore

import (
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putAside     = `INSERT INTO record_aside (id, arrived, reason, state) VALUES ($1, $2, $3, $4)`
	moveAside    = `UPDATE record_aside SET state = $2 WHERE id = $1 AND state = $3`
	putAsideStep = `INSERT INTO record_aside_step (id, count, to_state, against, version, who, why, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	selectAside = `SELECT id, arrived, reason, state FROM record_aside `
	getAside    = selectAside + `WHERE id = $1`
	walkAside   = selectAside + `WHERE id > $1 ORDER BY id LIMIT $2`
	walkAsideIn = selectAside + `WHERE id > $1 AND state = $3 ORDER BY id LIMIT $2`
	asideSteps  = `SELECT to_state, against, version, who, why, at FROM record_aside_step WHERE id = $1 ORDER BY count`
)

type aside struct{ *Tx }

var _ record.AsideStore = aside{}

func (t aside) Set(a record.Aside) error {
	if len(a.Steps) != 1 || a.Steps[0].To != a.State {
		return t.fail(store.ErrConstraint)
	}
	err := t.exec(putAside, func(args *Args) {
		args.Number(uint64(a.ID))
		args.Time(a.Arrived)
		args.Text(string(a.Reason))
		args.Int(int64(a.State))
	})
	if err != nil {
		return err
	}
	return t.putStep(a.ID, 1, a.Steps[0])
}

func (t aside) putStep(id identity.PersonID, n int64, s record.Step) error {
	return t.exec(putAsideStep, func(a *Args) {
		a.Number(uint64(id))
		a.Int(n)
		a.Int(int64(s.To))
		a.Number(uint64(s.Against))
		a.Number(s.Version)
		a.Text(s.By)
		a.Text(string(s.Why))
		a.Time(s.At)
	})
}

func (t aside) Get(id identity.PersonID) (record.Aside, error) {
	all, err := t.some(getAside, func(a *Args) { a.Number(uint64(id)) })
	if err == nil && len(all) == 0 {
		err = record.ErrCase
	}
	if err != nil {
		return record.Aside{}, err
	}
	return all[0], nil
}

func (t aside) Walk(after identity.PersonID, n int, only record.State) ([]record.Aside, error) {
	if n <= 0 || uint64(after) > maxNumber {
		return nil, t.err
	}
	sql := walkAside
	if only != 0 {
		sql = walkAsideIn
	}
	return t.some(sql, func(a *Args) {
		a.Number(uint64(after))
		a.Int(int64(n))
		if only != 0 {
			a.Int(int64(only))
		}
	})
}

func (t aside) some(sql string, bind func(a *Args)) ([]record.Aside, error) {
	var out []record.Aside
	err := t.query(sql, bind, func(r Row) error {
		out = append(out, record.Aside{
			ID: identity.PersonID(r.Int(0)), Arrived: moment(r.Int(1)), Reason: record.Reason(r.Text(2)), State: record.State(r.Int(3)),
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = t.queryEach(asideSteps, len(out), func(i int, a *Args) { a.Number(uint64(out[i].ID)) }, func(i int, r Row) error {
		out[i].Steps = append(out[i].Steps, record.Step{
			To: record.State(r.Int(0)), Against: identity.PersonID(r.Int(1)), Version: uint64(r.Int(2)),
			By: r.Text(3), Why: record.Reason(r.Text(4)), At: moment(r.Int(5)),
		})
		return nil
	})
	return out, err
}

func (t aside) Step(id identity.PersonID, from record.State, s record.Step) error {
	if s.To == 0 {
		return t.fail(store.ErrConstraint)
	}
	var wrote int64
	err := t.execEach(moveAside, 1, func(_ int, a *Args) {
		a.Number(uint64(id))
		a.Int(int64(s.To))
		a.Int(int64(from))
	}, func(_ int, rows int64) { wrote = rows })
	if err != nil {
		return err
	}
	if wrote == 0 {
		if _, err := t.Get(id); err != nil {
			return err
		}
		return record.ErrSettled
	}
	a, err := t.Get(id)
	if err != nil {
		return err
	}
	return t.putStep(id, int64(len(a.Steps))+1, s)
}
