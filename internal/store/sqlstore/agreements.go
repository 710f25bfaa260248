package sqlstore

import (
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	addAgreement = `INSERT INTO partner_agreement
			(partner_id, version, terms, signature, offered, until, seq, signed, countersignature)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)
		ON CONFLICT (partner_id, version) DO NOTHING`
	signAgreement = `UPDATE partner_agreement SET seq = $3, signed = $4, countersignature = $5
		WHERE partner_id = $1 AND version = $2 AND signed = 0`
	selectAgreement = `SELECT partner_id, version, terms, signature, offered, until, seq, signed, countersignature
		FROM partner_agreement `
	agreementsOf  = selectAgreement + `WHERE partner_id = $1 ORDER BY version`
	allAgreements = selectAgreement + `ORDER BY partner_id, version`
)

type agreements struct{ *Tx }

var _ partner.AgreementStore = agreements{}

func (t agreements) Offer(g partner.Agreement) error {
	before, err := t.Of(g.Partner)
	if err != nil {
		return err
	}
	if g.Version != len(before)+1 {
		return partner.ErrVersion
	}
	var wrote int64
	var none partner.Countersignature
	err = t.execEach(addAgreement, 1, func(_ int, a *Args) {
		a.Number(uint64(g.Partner))
		a.Int(int64(g.Version))
		a.Bytes(g.Terms)
		a.Text(g.Signature)
		a.Time(g.Offered)
		a.Time(g.Until)
		a.Bytes(none.Signature[:])
	}, func(_ int, rows int64) { wrote = rows })
	if err == nil && wrote == 0 {
		return partner.ErrVersion
	}
	return err
}

func (t agreements) Countersign(id partner.ID, version int, c partner.Countersignature) error {
	var wrote int64
	err := t.execEach(signAgreement, 1, func(_ int, a *Args) {
		a.Number(uint64(id))
		a.Int(int64(version))
		a.Number(c.Seq)
		a.Time(c.At)
		a.Bytes(c.Signature[:])
	}, func(_ int, rows int64) { wrote = rows })
	if err != nil || wrote > 0 {
		return err
	}
	all, err := t.Of(id)
	switch {
	case err != nil:
		return err
	case version < 1 || version > len(all):
		return partner.ErrAgreement
	}
	return partner.ErrSigned
}

func (t agreements) Of(id partner.ID) ([]partner.Agreement, error) {
	out, bad, err := t.all(agreementsOf, func(a *Args) { a.Number(uint64(id)) })
	if err == nil && len(bad) > 0 {
		err = t.fail(store.ErrAltered)
	}
	return out, err
}

// Current passes over partners of whom an agreement is not what was written: an older one
// must not be in force in its place.
func (t agreements) Current(at time.Time) ([]partner.Agreement, error) {
	all, bad, err := t.all(allAgreements, func(*Args) {})
	altered := map[partner.ID]bool{}
	for _, i := range bad {
		altered[all[i].Partner] = true
	}
	return slices.DeleteFunc(all, func(g partner.Agreement) bool {
		return g.Countersignature.At.IsZero() || micros(g.Until) <= micros(at) || altered[g.Partner]
	}), err
}

// all returns agreements, and which of them were altered; it fails when one was removed.
func (t agreements) all(sql string, bind func(a *Args)) (out []partner.Agreement, bad []int, err error) {
	if err := t.complete("partner_agreement"); err != nil {
		return nil, nil, err
	}
	bad, err = t.good(sql, 1, func(_ int, a *Args) { bind(a) }, func(_ int, r Row) error {
		g := partner.Agreement{
			Partner: partner.ID(r.Int(0)), Version: int(r.Int(1)), Terms: r.Bytes(2), Signature: r.Text(3),
			Offered: moment(r.Int(4)), Until: moment(r.Int(5)),
			Countersignature: partner.Countersignature{Seq: uint64(r.Int(6)), At: moment(r.Int(7))},
		}
		r.Fixed(8, g.Countersignature.Signature[:])
		out = append(out, g)
		return nil
	})
	return out, bad, err
}
