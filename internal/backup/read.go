package backup

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrNotEmpty refuses to restore over what is there.
var ErrNotEmpty = fault.New(fault.Conflict, "there is something where the backup would be restored to: give an empty database and empty folders")

// Book is a target with what reads it.
type Book struct {
	Target Target
	Keys   Keys
	Log    ed25519.PublicKey // the keeper's log key
	Last   keeper.Backed     // the last backup that the keeper or the recovery file knows of: its number and digest
}

// entry is one backup of the chain.
type entry struct {
	Manifest
	digest [32]byte
}

// chain returns the backups from the last to the first. ErrChain when one of them is
// not there, not the keeper's, or not where it should be.
func (b Book) chain(ctx context.Context) ([]entry, error) {
	if b.Last.N == 0 {
		return nil, ErrNone
	}
	var out []entry
	digest := b.Last.Digest
	for n := b.Last.N; n > 0; n-- {
		m, err := b.one(ctx, n, digest)
		if err != nil {
			return out, err
		}
		out = append(out, entry{m, digest})
		digest = [32]byte(m.Before)
	}
	if digest != ([32]byte{}) {
		return out, ErrChain
	}
	return out, nil
}

// one opens the n-th backup, of that digest.
func (b Book) one(ctx context.Context, n uint64, digest [32]byte) (Manifest, error) {
	m, err := b.Keys.Manifest(ctx, b.Target, digest)
	if err != nil {
		return m, errors.Join(ErrChain, err)
	}
	blob, err := b.Target.Open(ctx, b.Keys.signatureName(digest))
	if err != nil {
		return m, errors.Join(ErrChain, err)
	}
	defer blob.Close()
	raw := make([]byte, min(blob.Size(), 4096))
	if k, err := blob.ReadAt(raw, 0); k < len(raw) {
		return m, err
	}
	var word keeper.Backed
	if err := json.Unmarshal(raw, &word); err != nil || !word.Holds(b.Log) || word.Digest != digest || word.N != n || m.N != n || !word.Held.Equal(m.Held) {
		return m, ErrChain
	}
	return m, nil
}

// Copy is what a backup holds of a keeper.
type Copy struct {
	N       uint64
	Digest  [32]byte
	Held    keeper.Held
	Journal io.Reader
	Files   map[string][]byte
	Wraps   func(chunk uint64) ([]byte, error)
}

// Into is where a backup is restored to: empty places.
type Into struct {
	DB interface {
		store.DB
		store.Copier
	}
	Blobs  store.Blobs      // nil: documents are refused
	Keeper func(Copy) error // nil: the keeper is there still; without Blobs, too, the database alone is restored
	Step   func(bytes, rows int64)
}

// Restored is what a restore brought back.
type Restored struct {
	Made
	Lost string `json:"lost"`
}

// Restore restores the newest backup.
func (b Book) Restore(ctx context.Context, to Into) (Restored, error) {
	var out Restored
	all, err := b.chain(ctx)
	if err != nil {
		return out, err
	}
	m := all[0]
	if err := to.empty(ctx); err != nil {
		return out, err
	}
	if to.Keeper != nil {
		if err := b.keeper(ctx, m, to.Keeper); err != nil {
			return out, err
		}
	}
	out.Made = Made{N: m.N, Held: m.Held, People: m.People}
	out.Lost = "whatever was acknowledged after " + m.Held.UTC().Format("2006-01-02T15:04:05.000Z07:00") + " is lost"
	step := func(n, rows int) {
		out.Bytes += int64(n)
		out.Rows += int64(rows)
		if to.Step != nil {
			to.Step(out.Bytes, out.Rows)
		}
	}
	for _, t := range m.Tables {
		for _, p := range t.Pieces {
			raw, err := b.Keys.open(ctx, b.Target, p)
			if err != nil {
				return out, fmt.Errorf("table %s: %w", t.Name, err)
			}
			var rows [][]store.Value
			if err := readRows(raw, t.Table, func(row []store.Value) error { rows = append(rows, row); return nil }); err != nil {
				return out, err
			}
			if err := to.DB.Fill(ctx, t.Table, rows); err != nil {
				return out, fmt.Errorf("table %s: %w", t.Name, err)
			}
			step(len(raw), len(rows))
		}
	}
	if to.Keeper == nil && to.Blobs == nil {
		return out, nil
	}
	err = b.eachDocument(ctx, m.Manifest, func(name store.BlobName, d document) error {
		if to.Blobs == nil {
			return fault.New(fault.Invalid, "the backup has documents: say where they go")
		}
		out.Blobs++
		step(int(d.size), 0)
		return b.document(ctx, to.Blobs, name, d)
	})
	return out, err
}

// empty refuses places where something is.
func (to Into) empty(ctx context.Context) error {
	if to.Blobs != nil {
		names, err := to.Blobs.List(ctx, store.BlobName{}, 1)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return ErrNotEmpty
		}
	}
	return to.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		for _, t := range tables {
			if err := s.Rows(t, func([]store.Value) error { return ErrNotEmpty }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b Book) keeper(ctx context.Context, m entry, restore func(Copy) error) error {
	c := Copy{N: m.N, Digest: m.digest, Files: map[string][]byte{}, Held: keeper.Held{
		At: m.Held, Seq: m.Seq, Chain: [32]byte(m.Chain), Journal: m.Size, People: m.People, WrapGen: m.WrapGen, Week: m.Week,
	}}
	for _, f := range m.Files {
		raw, err := b.Keys.open(ctx, b.Target, f.Piece)
		if err != nil {
			return err
		}
		c.Files[f.Name] = raw
	}
	c.Wraps = func(chunk uint64) ([]byte, error) {
		if chunk >= uint64(len(m.Wraps)) {
			return nil, ErrPiece
		}
		return b.Keys.open(ctx, b.Target, m.Wraps[chunk])
	}
	c.Journal = &pieces{open: func(p Piece) ([]byte, error) { return b.Keys.open(ctx, b.Target, p) }, left: m.Journal}
	return restore(c)
}

// pieces reads pieces one after the other.
type pieces struct {
	open func(Piece) ([]byte, error)
	left []Piece
	now  bytes.Reader
}

// Read implements io.Reader.
func (r *pieces) Read(p []byte) (int, error) {
	for r.now.Len() == 0 {
		if len(r.left) == 0 {
			return 0, io.EOF
		}
		raw, err := r.open(r.left[0])
		if err != nil {
			return 0, err
		}
		r.now.Reset(raw)
		r.left = r.left[1:]
	}
	return r.now.Read(p)
}

func (b Book) eachDocument(ctx context.Context, m Manifest, fn func(store.BlobName, document) error) error {
	for _, p := range m.Blobs {
		raw, err := b.Keys.open(ctx, b.Target, p)
		if err != nil {
			return err
		}
		if err := readRows(raw, blobTable, func(row []store.Value) error {
			if len(row[0].Bytes) != 32 || len(row[2].Bytes) != 32 {
				return ErrPiece
			}
			return fn(store.BlobName(row[0].Bytes), document{row[1].Int, [32]byte(row[2].Bytes)})
		}); err != nil {
			return err
		}
	}
	return nil
}

// document copies one document back and holds it against its hash.
func (b Book) document(ctx context.Context, to store.Blobs, name store.BlobName, d document) error {
	return b.hashed(ctx, name, d, func(r io.Reader) error { return to.Put(ctx, name, r) })
}

func (b Book) hashed(ctx context.Context, name store.BlobName, d document, take func(io.Reader) error) error {
	from, err := b.Target.Open(ctx, b.Keys.mac("document", name[:]))
	if err != nil {
		return fmt.Errorf("document %s: %w", name, errors.Join(ErrPiece, err))
	}
	defer from.Close()
	h := sha256.New()
	if err := take(io.TeeReader(io.NewSectionReader(from, 0, from.Size()), h)); err != nil {
		return err
	}
	if from.Size() != d.size || [32]byte(h.Sum(nil)) != d.sum {
		return fmt.Errorf("document %s: %w", name, ErrPiece)
	}
	return nil
}
