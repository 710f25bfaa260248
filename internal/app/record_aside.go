package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	vaultflow "github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
)

// asidePage is how many cases are read at a time.
const asidePage = 512

// Asides returns what was set aside and waits, or all that ever was, by number.
func (o *Operator) Asides(ctx context.Context, all bool) (out []record.Aside, err error) {
	f, err := o.care()
	if err != nil {
		return nil, err
	}
	for after := identity.PersonID(0); ; after = out[len(out)-1].ID {
		page, err := f.Aside(ctx, care.Caller{Actor: "operator", Role: staff.RoleOfficer}, after, asidePage, all)
		if err != nil {
			return nil, err
		}
		if out = append(out, page...); len(page) < asidePage {
			return out, nil
		}
	}
}

// Aside returns one case, with its steps.
func (o *Operator) Aside(ctx context.Context, id identity.PersonID) (a record.Aside, err error) {
	err = o.DB.View(ctx, func(s store.Stores) (err error) {
		a, err = s.Aside.Get(id)
		return err
	})
	return a, err
}

// errServed: the documents of what was set aside are a running server's.
var errServed = fault.New(fault.Conflict, "documents were set aside with it, and a running server keeps the folder of documents to itself: stop the server and give the command again")

// AttachAside enters what was set aside as somebody's records; zero for who is registered
// under the NIK that it names.
func (o *Operator) AttachAside(ctx context.Context, id, to identity.PersonID, officer string, why record.Reason) error {
	return o.settle(ctx, officer, func(f *care.Flow, by care.Caller) error {
		if to == 0 {
			a, err := o.Aside(ctx, id)
			if err != nil {
				return err
			}
			to = a.Steps[0].Against
		}
		_, err := f.Attach(ctx, by, id, to, why)
		if errors.Is(err, errRows) { // nothing was written
			err = o.withDocuments(ctx, f, func() error {
				_, err := f.Attach(ctx, by, id, to, why)
				return err
			})
		}
		return err
	})
}

// withDocuments lets a flow reach the store of documents while fn runs: a bucket beside
// servers, a folder where none runs.
func (o *Operator) withDocuments(ctx context.Context, f *care.Flow, fn func() error) error {
	blobs, err := o.cfg.openBlobs(ctx)
	if errors.Is(err, errShared) {
		return errServed
	}
	if err != nil {
		return err
	}
	spool := filepath.Join(o.cfg.Data, "spool")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return errors.Join(fault.Newf(fault.Unavailable, "the spool cannot be made: %v", unwrapPath(err)), blobs.Close())
	}
	f.Documents = &vaultflow.Vault{
		DB: o.DB, Blobs: blobs, Keeper: o.Keeper, Now: o.now, Lane: f.Lane, Spool: func() (vaultflow.Spooled, error) { return disk.Spool(spool), nil },
	}
	return errors.Join(fn(), blobs.Close())
}

// RejectAside says that what was set aside is nobody's record here.
func (o *Operator) RejectAside(ctx context.Context, id identity.PersonID, officer string, why record.Reason) error {
	return o.settle(ctx, officer, func(f *care.Flow, by care.Caller) error { return f.Reject(ctx, by, id, why) })
}

// UndoAside brings back to waiting what was attached or rejected.
func (o *Operator) UndoAside(ctx context.Context, id identity.PersonID, officer string, why record.Reason) error {
	return o.settle(ctx, officer, func(f *care.Flow, by care.Caller) error { return f.Undo(ctx, by, id, why) })
}

// settle takes a step for an officer, and lets colours follow: they rest on what is attached,
// and no longer on what is taken back.
func (o *Operator) settle(ctx context.Context, officer string, step func(*care.Flow, care.Caller) error) error {
	by, err := office(officer)
	if err != nil {
		return err
	}
	f, err := o.care()
	if err != nil {
		return err
	}
	if err := step(f, by); err != nil {
		return err
	}
	_, err = f.Drain(ctx)
	return err
}
