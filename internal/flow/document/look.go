package document

import (
	"context"
	"io"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/vault"
)

// look reads a sealed document once more, for what it is known again by when it is leaked.
// A client that is slow holds nobody up: by now all of the document is here. Those that
// must be held whole are looked at one at a time.
func (v *Vault) look(ctx context.Context, spooled io.ReaderAt, d *record.Document) (*leak.Likeness, error) {
	doc, err := vault.OpenDocument(spooled, d.Sealed, d.Key[:])
	if err != nil {
		return nil, err
	}
	l, err := v.Lane.Of(&bounded{ctx: ctx, from: io.NewSectionReader(doc, 0, doc.Size())}, doc.Size())
	l.File = d.Hash
	return &l, err
}
