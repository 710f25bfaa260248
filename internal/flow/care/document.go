package care

import (
	"context"
	"io"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
)

// Content is a document in the clear, read once from its beginning.
type Content = io.Reader

// Opened is a document, open. Ranges open alone. The caller closes it.
type Opened interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// EnterDocument seals a document and enters a record that names it. It streams: a
// document of any length passes in constant memory. About its place in e.Items: the
// last item gets it, and its meta the document's length and type.
func (f *Flow) EnterDocument(ctx context.Context, c Caller, e Entry, content io.Reader) (Done, error) {
	if len(e.Items) == 0 {
		return Done{}, ErrEmpty
	}
	if e.Person == 0 {
		return Done{}, ErrEmpty // it is sealed to somebody: match first
	}
	item := &e.Items[len(e.Items)-1]
	if err := c.Rights.Need(item.right()); err != nil {
		return Done{}, err
	}
	d, err := f.Documents.Seal(ctx, e.Person, item.Meta.Kind, content)
	if err != nil {
		return Done{}, err
	}
	item.Meta.Document = &d
	done, err := f.Enter(ctx, c, []Entry{e})
	if err == nil {
		err = done[0].Err
	}
	if err != nil {
		f.drop(ctx, d)
		return Done{}, err
	}
	return done[0], nil
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
