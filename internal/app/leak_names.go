package app

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/flow/signin"
)

func (o *Operator) naming(folder string) *response.Naming {
	return &response.Naming{DB: o.DB, Keeper: o.Keeper, Case: durable.OS(folder), Now: o.now}
}

// AskNames asks for the names of a part of a case's people; nobody has approved it yet.
func (o *Operator) AskNames(ctx context.Context, folder, purpose, recipient string, part int) (staff.Request, error) {
	return o.naming(folder).Request(ctx, purpose, recipient, part)
}

// Names writes the names of an approved request's people to a file, sealed to its recipient.
func (o *Operator) Names(ctx context.Context, id staff.RequestID, folder, out string) (response.Named, error) {
	var b bytes.Buffer
	done, err := o.naming(folder).Run(ctx, id, &b)
	if err != nil {
		return done, err
	}
	return done, durable.WriteFile(durable.OS(filepath.Dir(out)), filepath.Base(out), b.Bytes())
}

// NamesAsked returns the requests for names of late, the newest first, with their approvals.
func (o *Operator) NamesAsked(ctx context.Context) ([]signin.Pending, error) {
	all, err := o.asked(ctx)
	return slices.DeleteFunc(all, func(p signin.Pending) bool { return p.Kind != staff.AskNames }), err
}
