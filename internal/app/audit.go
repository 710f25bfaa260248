package app

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
)

// CertificateRow is a certificate of destruction and whether its signature holds.
type CertificateRow struct {
	Day       day.Day
	Destroyed time.Time
	KeyHash   [32]byte
	Verdict   string
}

func (o *Operator) row(c keeper.Certificate) CertificateRow {
	r := CertificateRow{c.Day, c.Destroyed, c.KeyHash, "holds"}
	if !c.Holds(o.ring.set.Load().log) {
		r.Verdict = "DOES NOT HOLD"
	}
	return r
}

// DestroyDay destroys a day's key.
func (o *Operator) DestroyDay(ctx context.Context, d day.Day) (CertificateRow, error) {
	c, err := o.Keeper.DestroyDay(ctx, d)
	if err != nil {
		return CertificateRow{}, err
	}
	return o.row(c), nil
}

// Certificates lists the days destroyed.
func (o *Operator) Certificates(ctx context.Context) ([]CertificateRow, error) {
	all, err := o.Keeper.Certificates(ctx)
	rows := make([]CertificateRow, len(all))
	for i, c := range all {
		rows[i] = o.row(c)
	}
	return rows, err
}

// CheckLog checks every leaf of the access log against the keeper's log key.
func (o *Operator) CheckLog(ctx context.Context) (gate.Audit, error) {
	return gate.AuditLog(ctx, o.DB, o.ring.set.Load().log)
}
