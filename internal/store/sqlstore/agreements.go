package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
)

const (
	lastAgreement = `SELECT COUNT(*) FROM partner_agreement WHERE partner_id = $1`
	addAgreement  = `INSERT INTO partner_agreement
			(partner_id, version, terms, signature, offered, until, seq, signed, countersignature)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)
		ON CONFLICT (partner_id, version) DO NOTHING`
	signAgreement = `UPDATE partner_agreement SET seq = $3, signed = $4, countersignature = $5
		WHERE partner_id = $1 AND version = $2 AND signed = 0`
	countAgreement  = `SELECT COUNT(*) FROM partner_agreement WHERE partner_id = $1 AND version = $2`
	selectAgreement = `SELECT partner_id, version, terms, signature, offered, until, seq, signed, countersignature
		FROM partner_agreement `
	agreementsOf      = selectAgreement + `WHERE partner_id = $1 ORDER BY version`
	currentAgreements = selectAgreement + `WHERE signed > 0 AND until > $1 ORDER BY partner_id, version`
)

type agreements struct{ *Tx }

var _ partner.AgreementStore = agreements{}

func (t agreements) Offer(g partner.Agreement) error {
	last, err := t.one(lastAgreement, func(a *Args) { a.Number(uint64(g.Partner)) })
	if err != nil {
		return err
	}
	if int64(g.Version) != last+1 {
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
	known, err := t.one(countAgreement, func(a *Args) {
		a.Number(uint64(id))
		a.Int(int64(version))
	})
	switch {
	case err != nil:
		return err
	case known == 0:
		return partner.ErrAgreement
	}
	return partner.ErrSigned
}

func (t agreements) one(sql string, bind func(a *Args)) (n int64, err error) {
	err = t.query(sql, bind, func(r Row) error {
		n = r.Int(0)
		return nil
	})
	return n, err
}

func (t agreements) Of(id partner.ID) ([]partner.Agreement, error) {
	return t.all(agreementsOf, func(a *Args) { a.Number(uint64(id)) })
}

func (t agreements) Current(at time.Time) ([]partner.Agreement, error) {
	return t.all(currentAgreements, func(a *Args) { a.Time(at) })
}

func (t agreements) all(sql string, bind func(a *Args)) ([]partner.Agreement, error) {
	var out []partner.Agreement
	err := t.query(sql, bind, func(r Row) error {
		g := partner.Agreement{
			Partner: partner.ID(r.Int(0)), Version: int(r.Int(1)), Terms: r.Bytes(2), Signature: r.Text(3),
			Offered: moment(r.Int(4)), Until: moment(r.Int(5)),
			Countersignature: partner.Countersignature{Seq: uint64(r.Int(6)), At: moment(r.Int(7))},
		}
		r.Fixed(8, g.Countersignature.Signature[:])
		out = append(out, g)
		return nil
	})
	return out, err
}
