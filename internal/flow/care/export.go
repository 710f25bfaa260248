package care

import (
	"context"
	"errors"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// ErrOutgrown: what exports do not take.
var ErrOutgrown = fault.New(fault.Invalid, "a record of this person outgrew its row: exports do not take such records yet")

// Exported opens all of a person's current records for an approved export, on whose word
// ask asks the keeper; none while they are restricted (record.ErrRestricted). Documents
// are named in the records and stay here.
func (f *Flow) Exported(ctx context.Context, who identity.PersonID, ask func(context.Context, keeper.Read) (keeper.Opened, error)) ([]Record, error) {
	records, _, err := f.ExportedWith(ctx, who, ask)
	return records, err
}

// ExportedWith is Exported, with the records that are documents alone beside.
func (f *Flow) ExportedWith(ctx context.Context, who identity.PersonID, ask func(context.Context, keeper.Read) (keeper.Opened, error)) (records, documents []Record, err error) {
	o, err := f.unseal(ctx, who, everything, ask)
	if errors.Is(err, record.ErrNone) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if o.stand.Restricted.On {
		return nil, nil, record.ErrRestricted
	}
	for _, r := range o.records {
		switch {
		case !(&record.Filter{}).Holds(&r.Meta):
		case r.Type != "" && len(r.Body) == 0:
			return nil, nil, ErrOutgrown
		case r.Type != "":
			records = append(records, r)
		case r.Content.Document != nil:
			documents = append(documents, r)
		}
	}
	return records, documents, nil
}

// Own opens all of a person's current records for that person, restricted and withdrawn
// ones too, on whose word ask asks the keeper.
func (f *Flow) Own(ctx context.Context, who identity.PersonID, ask func(context.Context, keeper.Read) (keeper.Opened, error)) ([]Record, error) {
	o, err := f.unseal(ctx, who, everything, ask)
	if errors.Is(err, record.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return o.records, f.fill(ctx, o.records)
}
