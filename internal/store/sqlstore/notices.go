package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/notice"
)

const (
	putNotice  = `INSERT INTO notice_waiting (place, due, tries) VALUES ($1, $2, 0) ON CONFLICT (place) DO NOTHING`
	dueNotices = `SELECT place, due, tries FROM notice_waiting WHERE due <= $1 ORDER BY due, place LIMIT $2`
	moveNotice = `UPDATE notice_waiting SET due = $2, tries = $3 WHERE place = $1`
	dropNotice = `DELETE FROM notice_waiting WHERE place = $1`
)

type notices struct{ *Tx }

var _ notice.Store = notices{}

func (t notices) Put(places []uint64, due time.Time) error {
	return t.execEach(putNotice, len(places), func(i int, a *Args) {
		a.Number(places[i])
		a.Time(due)
	}, nil)
}

func (t notices) Due(at time.Time, n int) ([]notice.Waiting, error) {
	if n <= 0 {
		return nil, t.err
	}
	if err := t.complete("notice_waiting"); err != nil {
		return nil, err
	}
	return firstGood(t.Tx, dueNotices, n, func(a *Args) { a.Time(at) }, func(r Row) notice.Waiting {
		return notice.Waiting{Place: uint64(r.Int(0)), Due: moment(r.Int(1)), Tries: int(r.Int(2))}
	})
}

func (t notices) Move(w notice.Waiting) error {
	return t.exec(moveNotice, func(a *Args) {
		a.Number(w.Place)
		a.Time(w.Due)
		a.Int(int64(w.Tries))
	})
}

func (t notices) Drop(places []uint64) error {
	return t.execEach(dropNotice, len(places), func(i int, a *Args) { a.Number(places[i]) }, nil)
}
