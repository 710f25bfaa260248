package check

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// documents is the name of the store of documents among tables.
const documents = "documents"

// letter holds what a row says in clear of its document against what is sealed, and
// looks for the document.
func (c *Check) letter(ctx context.Context, f *chart, v keeper.Version, row record.Row, d *record.Document) error {
	if d == nil {
		if row.Size != 0 || row.Blob != ([32]byte{}) {
			f.is(v, Altered, "names a document that it does not have")
		}
		return nil
	}
	if row.Blob != d.Name || row.Size != d.Sealed {
		f.is(v, Altered, "names another document, or another length, than it has")
	}
	if c.Blobs == nil {
		return nil
	}
	what, why, err := c.blob(ctx, d)
	if what != "" {
		f.wrong = append(f.wrong, Finding{documents, store.BlobName(d.Name).String(), what, why + " (of record " + rowName(f.who, v) + ")"})
	}
	return err
}

// blob looks whether a document is there and is what was sealed: its name is the
// keeper's keyed hash of it.
func (c *Check) blob(ctx context.Context, d *record.Document) (What, string, error) {
	b, err := c.Blobs.Open(ctx, d.Name)
	if errors.Is(err, store.ErrNoBlob) {
		return Missing, "a record names it", nil
	}
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	if b.Size() != d.Sealed {
		return Altered, "was cut or extended", nil
	}
	if c.Lengths {
		return "", "", nil
	}
	h := sha256.New()
	buf := make([]byte, 256<<10)
	if _, err := io.CopyBuffer(h, io.NewSectionReader(b, 0, b.Size()), buf); err != nil {
		return "", "", err
	}
	sum := h.Sum(nil)
	tags, err := c.Keeper.Index(ctx, keeper.KindBlob, [][]byte{append([]byte{1}, sum...), append([]byte{2}, sum...)})
	if err != nil {
		return "", "", err
	}
	if len(tags) != 2 {
		return "", "", keeper.ErrUnavailable
	}
	if name := [32]byte(append(append([]byte{}, tags[0][:]...), tags[1][:]...)); name != d.Name {
		return Altered, "or swapped: it is not what was sealed", nil
	}
	return "", "", nil
}

// extra looks for documents that no record names and no upload is under way of.
func (c *Check) extra(ctx context.Context) error {
	if c.Blobs == nil {
		return nil
	}
	for after := (store.BlobName{}); ; {
		names, err := c.Blobs.List(ctx, after, store.MaxBlobPage)
		if err != nil || len(names) == 0 {
			return err
		}
		after = names[len(names)-1]
		asked := make([][32]byte, len(names))
		for i, n := range names {
			asked[i] = n
		}
		var held []bool
		coming := map[[32]byte]bool{}
		if err := c.DB.View(ctx, func(s store.Stores) error {
			var err error
			if held, err = s.Uploads.Held(asked); err != nil {
				return err
			}
			uploads, err := s.Uploads.Stale(time.Now().AddDate(100, 0, 0), maxUploads)
			for _, u := range uploads {
				coming[u] = true
			}
			return err
		}); err != nil {
			return err
		}
		for i, n := range names {
			if held[i] || coming[n] {
				continue
			}
			b, err := c.Blobs.Open(ctx, n)
			if errors.Is(err, store.ErrNoBlob) {
				continue // removed meanwhile
			}
			if err != nil {
				return err
			}
			if err := errors.Join(b.Close(), c.found(Finding{documents, n.String(), Foreign, "no record names it"})); err != nil {
				return err
			}
		}
		c.rows(documents, len(names))
	}
}

// maxUploads bounds the uploads that are under way at once.
const maxUploads = 1 << 20

// setAside goes over the records that wait under a number of their own, so that their
// rows are somebody's.
func (c *Check) setAside(ctx context.Context) error {
	for after := identity.PersonID(0); ; {
		var rows []record.Aside
		if err := c.DB.View(ctx, func(s store.Stores) (err error) {
			rows, err = s.Aside.Walk(after, page, 0)
			return err
		}); err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		for _, a := range rows {
			if uint64(a.ID) < uint64(len(c.seen)) && c.seen[a.ID] == nowhere {
				c.seen[a.ID] = aside
			}
		}
	}
}
