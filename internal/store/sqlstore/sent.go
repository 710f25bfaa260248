package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
)

const (
	putSent = `INSERT INTO record_sent (person_id, number, version, sent_to, sent_from, at, until, digest, size, fetched, received)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (person_id, number) DO NOTHING`
	selectSent   = `SELECT person_id, number, version, sent_to, sent_from, at, until, digest, size, fetched, received FROM record_sent `
	getSent      = selectSent + `WHERE person_id = $1 AND number = $2`
	sentTo       = selectSent + `WHERE sent_to = $1 AND at >= $2 ORDER BY at DESC, person_id DESC, number DESC LIMIT $3`
	sentFrom     = selectSent + `WHERE sent_from = $1 AND at >= $2 ORDER BY at DESC, person_id DESC, number DESC LIMIT $3`
	sentFetched  = `UPDATE record_sent SET fetched = $3 WHERE person_id = $1 AND number = $2 AND fetched = 0`
	sentReceived = `UPDATE record_sent SET received = $3 WHERE person_id = $1 AND number = $2 AND received = 0`
)

type sent struct{ *Tx }

var _ record.SentStore = sent{}

func (t sent) Put(s record.Sent) error {
	return t.exec(putSent, func(a *Args) {
		a.Number(uint64(s.Ref.Person))
		a.Number(uint64(s.Ref.Number))
		a.Number(s.Version)
		a.Bytes(s.To[:])
		a.Bytes(s.From[:])
		a.Time(s.At)
		a.Time(s.Until)
		a.Bytes(s.Digest[:])
		a.Int(s.Size)
		a.Time(s.Fetched)
		a.Time(s.Received)
	})
}

func (t sent) Get(r record.Ref) (record.Sent, error) {
	all, err := t.some(getSent, func(a *Args) { named(a, r) })
	if err == nil && len(all) == 0 {
		err = record.ErrNone
	}
	if err != nil {
		return record.Sent{}, err
	}
	return all[0], nil
}

func (t sent) To(facility identity.Tag, since time.Time, n int) ([]record.Sent, error) {
	return t.since(sentTo, facility, since, n)
}

func (t sent) From(facility identity.Tag, since time.Time, n int) ([]record.Sent, error) {
	return t.since(sentFrom, facility, since, n)
}

func (t sent) since(sql string, facility identity.Tag, since time.Time, n int) ([]record.Sent, error) {
	if n <= 0 {
		return nil, t.err
	}
	return t.some(sql, func(a *Args) {
		a.Bytes(facility[:])
		a.Time(since)
		a.Int(int64(n))
	})
}

func (t sent) some(sql string, bind func(a *Args)) ([]record.Sent, error) {
	var out []record.Sent
	err := t.query(sql, bind, func(r Row) error {
		s := record.Sent{
			Ref:     record.Ref{Person: identity.PersonID(r.Int(0)), Number: record.Number(r.Int(1))},
			Version: uint64(r.Int(2)), At: moment(r.Int(5)), Until: moment(r.Int(6)), Size: r.Int(8), Fetched: moment(r.Int(9)), Received: moment(r.Int(10)),
		}
		r.Fixed(3, s.To[:])
		r.Fixed(4, s.From[:])
		r.Fixed(7, s.Digest[:])
		out = append(out, s)
		return nil
	})
	return out, err
}

func (t sent) Fetched(r record.Ref, at time.Time) error { return t.mark(sentFetched, r, at) }

func (t sent) Received(r record.Ref, at time.Time) error { return t.mark(sentReceived, r, at) }

func (t sent) mark(sql string, r record.Ref, at time.Time) error {
	return t.exec(sql, func(a *Args) {
		named(a, r)
		a.Time(at)
	})
}

func named(a *Args, r record.Ref) {
	a.Number(uint64(r.Person))
	a.Number(uint64(r.Number))
}
