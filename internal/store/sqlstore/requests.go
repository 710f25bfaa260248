package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putRequest = `INSERT INTO staff_request (id, kind, asker, place, purpose, body, asked, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`
	selectRequest = `SELECT kind, asker, place, purpose, body, asked, until FROM staff_request `
	getRequest    = selectRequest + `WHERE id = $1`
	requestsSince = selectRequest + `WHERE asked >= $1 ORDER BY asked DESC, id DESC LIMIT $2`
	addApproval   = `INSERT INTO staff_approval (request_id, actor, at, auth_data, client_data, signature)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (request_id, actor) DO NOTHING`
	approvalsOf = `SELECT actor, at, auth_data, client_data, signature FROM staff_approval
		WHERE request_id = $1 ORDER BY at, actor`
)

type requests struct{ *Tx }

var _ staff.RequestStore = requests{}

func (t requests) Put(r staff.Request) error {
	if r.Check() != nil {
		return t.fail(store.ErrConstraint)
	}
	id := r.ID()
	return t.exec(putRequest, func(a *Args) {
		a.Bytes(id[:])
		a.Int(int64(r.Kind))
		a.Text(string(r.By))
		a.Text(string(r.Place))
		a.Text(r.Purpose)
		a.Bytes(r.Body)
		a.Time(r.Asked)
		a.Time(r.Until)
	})
}

// Get returns ErrNoRequest also for a row that was altered: it has another name.
func (t requests) Get(id staff.RequestID) (staff.Request, error) {
	all, err := t.some(getRequest, func(a *Args) { a.Bytes(id[:]) })
	if err == nil && (len(all) == 0 || all[0].ID() != id) {
		err = staff.ErrNoRequest
	}
	if err != nil {
		return staff.Request{}, err
	}
	return all[0], nil
}

func (t requests) Since(at time.Time, n int) ([]staff.Request, error) {
	if n <= 0 {
		return nil, t.err
	}
	return t.some(requestsSince, func(a *Args) {
		a.Time(at)
		a.Int(int64(n))
	})
}

func (t requests) some(sql string, bind func(a *Args)) ([]staff.Request, error) {
	var out []staff.Request
	err := t.query(sql, bind, func(r Row) error {
		out = append(out, staff.Request{
			Kind: staff.Ask(r.Int(0)), By: staff.ActorID(r.Text(1)), Place: staff.FacilityID(r.Text(2)), Purpose: r.Text(3),
			Body: r.Bytes(4), Asked: moment(r.Int(5)), Until: moment(r.Int(6)),
		})
		return nil
	})
	return out, err
}

func (t requests) Approve(p staff.Approval) error {
	var wrote int64
	err := t.execEach(addApproval, 1, func(_ int, a *Args) {
		a.Bytes(p.Request[:])
		a.Text(string(p.Actor))
		a.Time(p.At)
		a.Bytes(p.AuthData)
		a.Bytes(p.ClientData)
		a.Bytes(p.Signature)
	}, func(_ int, rows int64) { wrote = rows })
	if err == nil && wrote == 0 {
		err = staff.ErrApproved
	}
	return err
}

func (t requests) Approvals(id staff.RequestID) ([]staff.Approval, error) {
	var out []staff.Approval
	err := t.query(approvalsOf, func(a *Args) { a.Bytes(id[:]) }, func(r Row) error {
		out = append(out, staff.Approval{
			Request: id, Actor: staff.ActorID(r.Text(0)), At: moment(r.Int(1)),
			Assertion: staff.Assertion{AuthData: r.Bytes(2), ClientData: r.Bytes(3), Signature: r.Bytes(4)},
		})
		return nil
	})
	return out, err
}
