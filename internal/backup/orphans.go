package backup

import (
	"context"
	"errors"

	"github.com/amanah-project/amanah/internal/store"
)

// Place is a target that can be listed, and under credentials of its owner's deleted from.
type Place interface {
	List(ctx context.Context, after store.BlobName, n int) ([]store.BlobName, error)
	Open(ctx context.Context, name store.BlobName) (store.Blob, error)
	Delete(ctx context.Context, name store.BlobName) error
}

// Orphans are what lies in a place and belongs to no backup: backups that were cut off put
// it, and what changed meanwhile was put under other names.
type Orphans struct {
	Found   int   `json:"found"`
	Bytes   int64 `json:"bytes"`
	Kept    int   `json:"kept"` // belong to a backup
	Removed int   `json:"removed"`
}

// Orphans finds what belongs to no backup of the chain, and with remove deletes it. ErrChain
// unless the whole chain is there: a backup whose manifest is missing would lose its pieces.
// No backup may be under way: until it ends, what it put belongs to none. It holds all names
// of pieces and documents in memory, about 100 bytes each.
func (b Book) Orphans(ctx context.Context, at Place, remove bool) (out Orphans, err error) {
	all, err := b.chain(ctx)
	if err != nil {
		return out, err
	}
	known := map[store.BlobName]bool{}
	for _, m := range all {
		if err := b.names(ctx, m, known); err != nil {
			return out, err
		}
	}
	for after := (store.BlobName{}); ; {
		names, err := at.List(ctx, after, store.MaxBlobPage)
		if err != nil || len(names) == 0 {
			return out, err
		}
		for _, name := range names {
			if known[name] {
				out.Kept++
				continue
			}
			if err := out.orphan(ctx, at, name, remove); err != nil {
				return out, err
			}
		}
		after = names[len(names)-1]
	}
}

func (o *Orphans) orphan(ctx context.Context, at Place, name store.BlobName, remove bool) error {
	one, err := at.Open(ctx, name)
	if errors.Is(err, store.ErrNoBlob) {
		return nil // gone meanwhile
	}
	if err != nil {
		return err
	}
	o.Found++
	o.Bytes += one.Size()
	if err := one.Close(); err != nil || !remove {
		return err
	}
	if err := at.Delete(ctx, name); err != nil {
		return err
	}
	o.Removed++
	return nil
}

// names adds all that belongs to one backup.
func (b Book) names(ctx context.Context, m entry, known map[store.BlobName]bool) error {
	known[b.Keys.mac("piece", m.digest[:])] = true
	known[b.Keys.signatureName(m.digest)] = true
	pieces := append(append([]Piece{}, m.Journal...), m.Wraps...)
	for _, f := range m.Files {
		pieces = append(pieces, f.Piece)
	}
	for _, t := range m.Tables {
		pieces = append(pieces, t.Pieces...)
	}
	for _, p := range pieces {
		name, err := store.ParseBlobName(p.Name)
		if err != nil {
			return ErrPiece
		}
		known[name] = true
	}
	for _, p := range m.Blobs {
		name, err := store.ParseBlobName(p.Name)
		if err != nil {
			return ErrPiece
		}
		if known[name] {
			continue // as in a backup after this one
		}
		known[name] = true
		raw, err := b.Keys.open(ctx, b.Target, p)
		if err != nil {
			return err
		}
		if err := readRows(raw, blobTable, func(row []store.Value) error {
			known[b.Keys.mac("document", row[0].Bytes)] = true
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
