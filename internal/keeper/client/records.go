package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
	"github.com/amanah-project/amanah/verify"
)

// WriteRecords begins writes of health records.
func (c *Client) WriteRecords(ctx context.Context, e []keeper.Enter) ([]keeper.Entered, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.WriteRecords, Enters: e})
	if err != nil {
		return nil, err
	}
	out := make([]keeper.Entered, len(a.Entered))
	for i, one := range a.Entered {
		out[i] = one.Entered(a.Faults[i])
	}
	return out, nil
}

// SettleRecords confirms writes of health records.
func (c *Client) SettleRecords(ctx context.Context, s []keeper.Settled) error {
	_, err := c.call(ctx, &wire.Request{Call: wire.SettleRecords, Settled: s})
	return err
}

// OpenRecords asks for the keys of the versions that somebody signed for.
func (c *Client) OpenRecords(ctx context.Context, ask keeper.Ask, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.OpenRecords, Ask: ask, Reads: r})
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	return a.Receipt, a.AllOpened(), nil
}

// Enrol makes an actor known, changes their rights or ends them.
func (c *Client) Enrol(ctx context.Context, e keeper.Enrolment) error {
	_, err := c.call(ctx, &wire.Request{Call: wire.Enrol, Enrols: e})
	return err
}

// Actors lists all who were ever enrolled.
func (c *Client) Actors(ctx context.Context) ([]staff.Actor, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Actors})
	if err != nil {
		return nil, err
	}
	return a.Actors, nil
}

// Approve brings a second person's word for an actor.
func (c *Client) Approve(ctx context.Context, ask keeper.Ask) error {
	_, err := c.call(ctx, &wire.Request{Call: wire.Approve, Ask: ask})
	return err
}

// Relate brings a facility's word that it treats somebody.
func (c *Client) Relate(ctx context.Context, ask keeper.Ask, r keeper.Relation) error {
	_, err := c.call(ctx, &wire.Request{Call: wire.Relate, Ask: ask, Relates: r})
	return err
}

// OpenExport asks for the keys of the versions of people whom an approved export is of.
func (c *Client) OpenExport(ctx context.Context, e keeper.Export, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.OpenExport, Export: e, Reads: r})
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	return a.Receipt, a.AllOpened(), nil
}

// SignTransfer asks for the signed statement about a document that a facility sends.
func (c *Client) SignTransfer(ctx context.Context, t keeper.TransferAsk) (verify.Transfer, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.SignTransfer, Sending: t})
	if err != nil {
		return verify.Transfer{}, err
	}
	return a.Transfer, nil
}

// ReceiveTransfer brings a facility's word that it has what was sent to it.
func (c *Client) ReceiveTransfer(ctx context.Context, ask keeper.Ask) (keeper.Receipt, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.ReceiveTransfer, Ask: ask})
	if err != nil {
		return keeper.Receipt{}, err
	}
	return a.Receipt, nil
}
