package app

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

func (o *Operator) records() *consent.Records {
	return &consent.Records{DB: o.DB, Keeper: o.Keeper, Now: o.now}
}

// BindNumber binds somebody's first number.
func (o *Operator) BindNumber(ctx context.Context, nik identity.NIK, phone identity.Phone) error {
	return o.records().Bind(ctx, nik, phone)
}

// RebindNumber lets a new number wait and returns when it takes over; zero when
// nothing changed.
func (o *Operator) RebindNumber(ctx context.Context, nik identity.NIK, phone identity.Phone) (time.Time, error) {
	r := o.records()
	if o.cfg.Message.Kind != "none" {
		var err error
		if r.Messenger, err = o.cfg.messenger(readSecret); err != nil {
			return time.Time{}, err
		}
	}
	return r.Rebind(ctx, nik, phone)
}

// Guard records who consents for a child.
func (o *Operator) Guard(ctx context.Context, guardian, child identity.NIK, proof identity.Proof, office string) error {
	_, err := o.records().Guard(ctx, guardian, child, proof, office)
	return err
}

// Unguard ends that, and the child's links.
func (o *Operator) Unguard(ctx context.Context, guardian, child identity.NIK) error {
	return o.records().Unguard(ctx, guardian, child)
}
