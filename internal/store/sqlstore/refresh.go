package sqlstore

import "github.com/amanah-project/amanah/internal/domain/identity"

const (
	getGeneration  = `SELECT generation FROM identity_refresh WHERE link_id = $1`
	addGeneration  = `INSERT INTO identity_refresh (link_id, generation) VALUES ($1, $2) ON CONFLICT (link_id) DO NOTHING`
	moveGeneration = `UPDATE identity_refresh SET generation = $2 WHERE link_id = $1 AND generation = $2 - 1`
)

type refresh struct{ *Tx }

var _ identity.RefreshStore = refresh{}

func (t refresh) Generation(id identity.LinkID) (g identity.Generation, err error) {
	if err := t.held("identity_refresh", func(a *Args) { a.Bytes(id[:]) }); err != nil {
		return 0, err
	}
	err = t.query(getGeneration, func(a *Args) { a.Bytes(id[:]) }, func(r Row) error {
		g = identity.Generation(r.Int(0))
		return nil
	})
	return g, err
}

// Advance leaves a lost race to a count of rows: the transaction stays usable.
func (t refresh) Advance(id identity.LinkID, to identity.Generation) error {
	sql := moveGeneration
	if to <= 1 {
		sql = addGeneration
	}
	var wrote int64
	err := t.execEach(sql, 1, func(_ int, a *Args) {
		a.Bytes(id[:])
		a.Number(uint64(to))
	}, func(_ int, rows int64) { wrote = rows })
	if err == nil && wrote == 0 {
		return identity.ErrGeneration
	}
	return err
}
