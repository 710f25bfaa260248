package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/verify"
)

func reader(b []byte) io.Reader { return bytes.NewReader(b) }

func readFull(o io.ReaderAt, b []byte) (int, error) {
	n, err := o.ReadAt(b, 0)
	if n == len(b) {
		err = nil
	}
	return n, err
}

// find returns a transfer to by's facility, or with own from it; record.ErrNone for any
// other, so that a third facility learns nothing, record.ErrOver when it is over.
func (f *Flow) find(ctx context.Context, by care.Caller, ref record.Ref, own bool) (record.Sent, error) {
	tags, err := f.tags(ctx, by.Facility)
	if err != nil {
		return record.Sent{}, err
	}
	var s record.Sent
	err = f.DB.View(ctx, func(st store.Stores) (err error) {
		s, err = st.Sent.Get(ref)
		return err
	})
	switch {
	case err != nil:
		return record.Sent{}, err
	case s.To != tags[0] && !(own && s.From == tags[0]):
		return record.Sent{}, record.ErrNone
	case !f.Now().Before(s.Until):
		return record.Sent{}, record.ErrOver
	}
	return s, nil
}

// Fetch opens a transfer's document for whom it was sent to, or who sent it, on their
// signed request: the same bytes each time. record.ErrNone for anybody else,
// record.ErrOver when it is over. The caller closes it.
func (f *Flow) Fetch(ctx context.Context, by care.Caller, ref record.Ref) (verify.Transfer, care.Opened, error) {
	s, err := f.find(ctx, by, ref, true)
	if err != nil {
		return verify.Transfer{}, nil, err
	}
	r, err := f.Records.Open(ctx, by, ref, s.Version)
	if err != nil {
		return verify.Transfer{}, nil, err
	}
	t := r.Transfer
	switch { // the database may say what it likes: the sealed record counts
	case t == nil || t.To != string(by.Facility) && t.From != string(by.Facility):
		return verify.Transfer{}, nil, record.ErrNone
	case !f.Now().Before(t.Until):
		return verify.Transfer{}, nil, record.ErrOver
	case r.Content.Document == nil || r.Content.Document.Hash != t.Digest:
		return verify.Transfer{}, nil, care.ErrAltered
	}
	o, err := f.Records.Document(ctx, r)
	if err != nil {
		return verify.Transfer{}, nil, err
	}
	if t.To == string(by.Facility) {
		now := f.Now()
		if err := f.DB.Update(ctx, func(s store.Stores) error { return s.Sent.Fetched(ref, now) }); err != nil {
			return verify.Transfer{}, nil, errors.Join(err, o.Close())
		}
	}
	return *t, o, nil
}

// Receive notes that a facility has what was sent to it: their signed request says which
// bytes, and the keeper holds it against what was stated.
func (f *Flow) Receive(ctx context.Context, by care.Caller, ref record.Ref) (keeper.Receipt, error) {
	if _, err := f.find(ctx, by, ref, false); err != nil {
		return keeper.Receipt{}, err
	}
	got, err := f.Keeper.ReceiveTransfer(ctx, by.Ask)
	if err != nil {
		return keeper.Receipt{}, err
	}
	return got, f.DB.Update(ctx, func(s store.Stores) error { return s.Sent.Received(ref, got.At) })
}

// Relate says that the receiving facility treats whom something was sent of, until a
// moment that is not after the transfer's end.
func (f *Flow) Relate(ctx context.Context, by care.Caller, ref record.Ref, until time.Time) error {
	if _, err := f.find(ctx, by, ref, false); err != nil {
		return err
	}
	return f.Keeper.Relate(ctx, by.Ask, keeper.Relation{Person: ref.Person, Facility: staff.FacilityID(by.Facility), Until: until})
}
