package api

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/gate"
)

// pinBody is PUT /v1/pin.
type pinBody struct {
	PIN string `json:"pin"` // six digits
}

// setPIN answers PUT /v1/pin: a PIN for the days without a phone.
func (d *Device) setPIN(ctx context.Context, r *Request, a gate.Ask, _ time.Time) Response {
	var b pinBody
	var pin identity.PIN
	err := json.Unmarshal(r.Body, &b)
	if err != nil {
		err = ErrBody
	} else {
		pin, err = identity.ParsePIN(b.PIN)
	}
	if err = d.cover(ctx, a, err); err != nil {
		return d.problem(err)
	}
	if err := d.Holder.ChangePIN(ctx, self(a.Member), a.Person, pin); err != nil {
		return d.problem(err)
	}
	return d.ok([]byte(`{"pin":true}`))
}

// dropPIN answers DELETE /v1/pin.
func (d *Device) dropPIN(ctx context.Context, _ *Request, a gate.Ask, _ time.Time) Response {
	if err := d.cover(ctx, a, nil); err != nil {
		return d.problem(err)
	}
	if err := d.Holder.DropPIN(ctx, a.Person); err != nil {
		return d.problem(err)
	}
	return d.ok([]byte(`{"pin":false}`))
}

// dropCards answers DELETE /v1/cards: for a card that was lost.
func (d *Device) dropCards(ctx context.Context, _ *Request, a gate.Ask, _ time.Time) Response {
	if err := d.cover(ctx, a, nil); err != nil {
		return d.problem(err)
	}
	n, err := d.Holder.DropCards(ctx, a.Person)
	if err != nil {
		return d.problem(err)
	}
	return d.ok([]byte(`{"revoked":` + strconv.Itoa(n) + `}`))
}
