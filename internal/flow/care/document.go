package care

import (
	"context"
	"errors"
	"io"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

// Content is a document in the clear, read once from its beginning.
type Content = io.Reader

// Opened is a document, open. Ranges open alone. The caller closes it.
type Opened interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// EnterDocument seals a document and enters it as e's last item. It streams: a document
// of any length passes in constant memory. Whose it is must be known before it is
// sealed, so a claim is matched first, and what does not match is sealed to the number
// under which it waits.
func (f *Flow) EnterDocument(ctx context.Context, c Caller, e Entry, content io.Reader) (Done, error) {
	if err := f.may(c, &e); err != nil {
		return Done{}, err
	}
	if e.Person == 0 {
		who, reason, err := f.Match(ctx, *e.Claim)
		if err != nil {
			return Done{}, err
		}
		if e.Person = who; reason != "" {
			numbers, err := f.Keeper.Register(ctx, 1)
			if err != nil {
				return Done{}, err
			}
			e.Person, e.waits = 0, numbers[0].ID
		}
	}
	item := &e.Items[len(e.Items)-1]
	kind := item.Meta.Kind
	if item.Resource != nil {
		kind = record.Describe(item.Resource).Kind
	}
	d, err := f.Documents.Seal(ctx, max(e.Person, e.waits), kind, content)
	if err != nil {
		return Done{}, err
	}
	item.Meta.Document = &d
	done, err := f.Enter(ctx, c, []Entry{e})
	if err == nil {
		err = done[0].Err
	}
	if err == nil && done[0].Placed != nil && !done[0].Placed[len(e.Items)-1].Known {
		return done[0], nil
	}
	if !errors.Is(err, store.ErrUnknown) { // it may be named
		f.drop(ctx, d)
	}
	if err != nil {
		return Done{}, err
	}
	return done[0], nil // it was there already
}

// drop removes a document that no record names; one that stays is found by the check.
func (f *Flow) drop(ctx context.Context, d record.Document) {
	_ = f.Documents.Drop(context.WithoutCancel(ctx), d)
}

// read returns a document whole; for resources that outgrew their row.
func (f *Flow) read(ctx context.Context, who identity.PersonID, k record.Kind, d record.Document) ([]byte, error) {
	o, err := f.Documents.Open(ctx, who, k, d)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	b := make([]byte, o.Size())
	if _, err := o.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}
