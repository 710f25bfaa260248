package app

import (
	"bytes"
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/lookup"
	"github.com/amanah-project/amanah/internal/format/card"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/verify"
)

func (o *Operator) holders() *lookup.Flow {
	return &lookup.Flow{DB: o.DB, Keeper: o.Keeper, Now: o.now}
}

// wib is the zone in which dates are printed.
func wib() *time.Location { return time.FixedZone("WIB", 7*3600) }

// PrintCard gives somebody a card, in place of those they had, and returns it as PDF.
func (o *Operator) PrintCard(ctx context.Context, nik identity.NIK, days int) ([]byte, identity.Card, error) {
	by := lookup.Actor{Name: "operator", Budget: keeper.BudgetImport}
	c, who, err := o.holders().IssueCard(ctx, by, nik, time.Duration(days)*24*time.Hour)
	if err != nil {
		return nil, c, err
	}
	text, err := o.ring.set.Load().cards.Card(verify.Card{ID: c.ID, Issued: c.Issued, Expires: c.Expires})
	if err != nil {
		return nil, c, err
	}
	var b bytes.Buffer
	err = card.Write(&b, card.Card{
		Code: text, Name: who.Name.Reveal(), Issued: c.Issued.In(wib()), Last: c.Expires.Add(-time.Minute).In(wib()),
	})
	return b.Bytes(), c, err
}

// RevokeCards revokes all of somebody's cards and returns how many held.
func (o *Operator) RevokeCards(ctx context.Context, nik identity.NIK) (int, error) {
	return o.holders().RevokeCards(ctx, nik)
}

// SetPIN sets somebody's PIN.
func (o *Operator) SetPIN(ctx context.Context, nik identity.NIK, pin identity.PIN) error {
	return o.holders().SetPIN(ctx, nik, pin)
}

// RemovePIN removes somebody's PIN.
func (o *Operator) RemovePIN(ctx context.Context, nik identity.NIK) error {
	return o.holders().RemovePIN(ctx, nik)
}
