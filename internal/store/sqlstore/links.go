package sqlstore

import (
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

const (
	// A link that ended stays ended, at the moment it first ended.
	putLink = `INSERT INTO identity_link (id, partner_id, subject, device, created, ended, scope)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET ended = excluded.ended WHERE identity_link.ended = 0`
	selectLink = `SELECT id, partner_id, subject, device, created, ended, scope FROM identity_link `
	getLink    = selectLink + `WHERE id = $1`
	linksOf    = selectLink + `WHERE subject = $1`
)

type links struct{ *Tx }

var _ identity.LinkStore = links{}

func (t links) Put(l identity.Link) error {
	return t.exec(putLink, func(a *Args) {
		a.Bytes(l.ID[:])
		a.Number(uint64(l.Partner))
		a.Bytes(l.Subject[:])
		a.Bytes(l.Device[:])
		a.Time(l.Created)
		a.Time(l.Ended)
		a.Int(int64(l.Scope))
	})
}

func (t links) Get(ids []identity.LinkID) ([]identity.Link, error) {
	out := make([]identity.Link, len(ids))
	err := t.queryEach(getLink, len(ids),
		func(i int, a *Args) { a.Bytes(ids[i][:]) },
		func(i int, r Row) error {
			scanLink(r, &out[i])
			return nil
		})
	return out, err
}

func (t links) Of(subject identity.Tag) ([]identity.Link, error) {
	var out []identity.Link
	err := t.query(linksOf,
		func(a *Args) { a.Bytes(subject[:]) },
		func(r Row) error {
			var l identity.Link
			scanLink(r, &l)
			out = append(out, l)
			return nil
		})
	slices.SortFunc(out, func(a, b identity.Link) int {
		return older(a.Created, b.Created, a.ID[:], b.ID[:])
	})
	return out, err
}

func scanLink(r Row, l *identity.Link) {
	r.Fixed(0, l.ID[:])
	l.Partner = partner.ID(r.Int(1))
	r.Fixed(2, l.Subject[:])
	r.Fixed(3, l.Device[:])
	l.Created, l.Ended = moment(r.Int(4)), moment(r.Int(5))
	l.Scope = identity.LinkScope(r.Int(6))
}
