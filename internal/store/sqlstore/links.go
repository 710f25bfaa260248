package sqlstore

import (
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

const (
	// A link that ended stays ended, at the moment it first ended.
	putLink = `INSERT INTO identity_link (id, partner_id, subject, device, created, ended, scope, synthetic)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET ended = excluded.ended WHERE identity_link.ended = 0`
	selectLink = `SELECT id, partner_id, subject, device, created, ended, scope, synthetic FROM identity_link `
	getLink    = selectLink + `WHERE id = $1`
	linksOf    = selectLink + `WHERE subject = $1`
	addLinked  = `INSERT INTO partner_linked (partner_id, people) VALUES ($1, $2)
		ON CONFLICT (partner_id) DO UPDATE SET people = partner_linked.people + excluded.people`
	dropLinked = `UPDATE partner_linked SET people = people - 1 WHERE partner_id = $1`
	getLinked  = `SELECT people FROM partner_linked WHERE partner_id = $1`
)

type links struct{ *Tx }

var _ identity.LinkStore = links{}

// Put keeps the count of the partner's people with the links, so that a cap needs
// no counting of millions of rows.
func (t links) Put(l identity.Link) error {
	before, err := t.Get([]identity.LinkID{l.ID})
	if err != nil {
		return err
	}
	old := before[0]
	switch known := old.ID == l.ID; {
	case !known && l.Ended.IsZero():
		err = t.count(l, addLinked)
	case known && old.Ended.IsZero() && !l.Ended.IsZero():
		err = t.count(old, dropLinked)
	}
	if err != nil {
		return err
	}
	return t.exec(putLink, func(a *Args) {
		a.Bytes(l.ID[:])
		a.Number(uint64(l.Partner))
		a.Bytes(l.Subject[:])
		a.Bytes(l.Device[:])
		a.Time(l.Created)
		a.Time(l.Ended)
		a.Int(int64(l.Scope))
		a.Int(bit(l.Synthetic))
	})
}

// count moves the count of a link's partner by one person, unless another live
// link is the same person's.
func (t links) count(l identity.Link, sql string) error {
	if l.Subject != (identity.Tag{}) {
		all, err := t.Of(l.Subject)
		if err != nil || slices.ContainsFunc(all, func(o identity.Link) bool {
			return o.ID != l.ID && o.Partner == l.Partner && o.Ended.IsZero()
		}) {
			return err
		}
	}
	return t.exec(sql, func(a *Args) {
		a.Number(uint64(l.Partner))
		if sql == addLinked {
			a.Int(1)
		}
	})
}

func (t links) Linked(through partner.ID) (int, error) {
	n := 0
	err := t.query(getLinked+t.conn.Lock(), func(a *Args) { a.Number(uint64(through)) }, func(r Row) error {
		n = int(r.Int(0))
		return nil
	})
	return n, err
}

// Get says of links that were altered nothing but that: a batch has others'.
func (t links) Get(ids []identity.LinkID) ([]identity.Link, error) {
	out := make([]identity.Link, len(ids))
	bad, err := t.good(getLink, len(ids),
		func(i int, a *Args) { a.Bytes(ids[i][:]) },
		func(i int, r Row) error {
			scanLink(r, &out[i])
			return nil
		})
	for _, i := range bad {
		out[i] = identity.Link{Altered: true}
	}
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
	l.Scope, l.Synthetic = identity.LinkScope(r.Int(6)), r.Int(7) != 0
}
