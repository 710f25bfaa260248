package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
)

const (
	beginUpload = `INSERT INTO record_upload (name, begun) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
	endUpload   = `DELETE FROM record_upload WHERE name = $1`
	staleUpload = `SELECT name FROM record_upload WHERE begun < $1 ORDER BY begun, name LIMIT $2`
	heldBlob    = `SELECT 1 FROM record_version WHERE blob = $1 AND size > 0 LIMIT 1`
)

type uploads struct{ *Tx }

var _ record.UploadStore = uploads{}

func (t uploads) Begin(name [32]byte, at time.Time) error {
	return t.exec(beginUpload, func(a *Args) {
		a.Bytes(name[:])
		a.Time(at)
	})
}

func (t uploads) End(names [][32]byte) error {
	return t.execEach(endUpload, len(names), func(i int, a *Args) { a.Bytes(names[i][:]) }, nil)
}

func (t uploads) Stale(before time.Time, n int) ([][32]byte, error) {
	if n <= 0 {
		return nil, t.err
	}
	var out [][32]byte
	err := t.query(staleUpload, func(a *Args) {
		a.Time(before)
		a.Int(int64(n))
	}, func(r Row) error {
		var name [32]byte
		r.Fixed(0, name[:])
		out = append(out, name)
		return nil
	})
	return out, err
}

func (t uploads) Held(names [][32]byte) ([]bool, error) {
	out := make([]bool, len(names))
	err := t.queryEach(heldBlob, len(names), func(i int, a *Args) { a.Bytes(names[i][:]) }, func(i int, _ Row) error {
		out[i] = true
		return nil
	})
	return out, err
}
