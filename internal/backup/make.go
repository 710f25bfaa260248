package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Options of a backup.
type Options struct {
	DB     store.Copier
	Keeper Keeper
	Blobs  store.BlobSource // nil when there are none
	Target Target
	// Keep stores what a restore needs beside the target, replacing what it stored
	// before.
	Keep func(keeper.Recovery) error
	// Step, which may be nil, is told what was read and what had to be put.
	Step func(bytes, rows int64)
}

// Made is what a backup did.
type Made struct {
	N      uint64    `json:"n"`
	Held   time.Time `json:"held"` // it is the state of this moment
	Rows   int64     `json:"rows"`
	Blobs  int64     `json:"documents"`
	Bytes  int64     `json:"bytes"` // looked at
	Put    int64     `json:"put"`   // pieces and documents that were not there
	People uint64    `json:"people"`
}

// maker is one backup under way.
type maker struct {
	Options
	keys   Keys
	made   Made
	m      Manifest
	before map[store.BlobName]document // of the backup before this
}

// document is one document as the list names it.
type document struct {
	size int64
	sum  [32]byte
}

// blobTable is the shape of the list of documents.
var blobTable = store.Table{Name: "documents", Columns: []store.Column{
	{Name: "name", Kind: store.BytesValue, Key: 1}, {Name: "size", Kind: store.IntValue}, {Name: "sum", Kind: store.BytesValue},
}}

// Make makes a backup. Begun again after a failure it puts what is not there yet.
func Make(ctx context.Context, opt Options) (Made, error) {
	b := &maker{Options: opt}
	given, err := opt.Keeper.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupBegin})
	if err != nil {
		return b.made, err
	}
	b.keys = Keys{given.Backup.Data, given.Backup.Name}
	b.m = Manifest{Format: format, N: given.Backup.N, Before: given.Backup.Before[:]}
	b.made.N = b.m.N
	if err := b.mend(ctx); err != nil {
		return b.made, err
	}
	b.recall(ctx, given.Backup.Before)
	whole := given.Backup.People / keeper.WrapChunk
	for chunk := range whole {
		g, err := opt.Keeper.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupWraps, At: chunk})
		if err != nil {
			return b.made, err
		}
		if err := b.wraps(ctx, g.Raw); err != nil {
			return b.made, err
		}
	}
	if err := b.still(ctx, whole); err != nil {
		return b.made, err
	}
	return b.made, b.finish(ctx)
}

// put puts one piece and counts it.
func (b *maker) put(ctx context.Context, content []byte, rows int) (Piece, error) {
	name := b.keys.named(content)
	if !there(ctx, b.Target, name, int64(len(content)+16)) {
		b.made.Put++
	}
	p, err := b.keys.piece(ctx, b.Target, content, rows)
	b.made.Bytes += int64(len(content))
	b.made.Rows += int64(rows)
	if b.Step != nil {
		b.Step(b.made.Bytes, b.made.Rows)
	}
	return p, err
}

func (b *maker) wraps(ctx context.Context, raw []byte) error {
	p, err := b.put(ctx, raw, 0)
	b.m.Wraps = append(b.m.Wraps, p)
	return err
}

// still takes the moment: keeper and database are of the same one.
func (b *maker) still(ctx context.Context, from uint64) error {
	g, err := b.Keeper.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupHold, At: from})
	if err != nil {
		return err
	}
	letGo := func() error {
		_, err := b.Keeper.Backup(context.WithoutCancel(ctx), keeper.BackupAsk{Step: keeper.BackupRelease})
		return err
	}
	h, released := g.Held, false
	err = b.DB.Snapshot(ctx, func(s store.Snapshot) error {
		released = true
		if err := letGo(); err != nil {
			return err // it was let go before the snapshot was taken: of another moment
		}
		b.m.Held, b.m.Seq, b.m.Chain, b.m.Size = h.At, h.Seq, h.Chain[:], h.Journal
		b.m.People, b.m.WrapGen, b.m.Week = h.People, h.WrapGen, h.Week
		b.made.Held, b.made.People = h.At, h.People
		return b.tables(ctx, s)
	})
	if !released {
		err = errors.Join(err, letGo())
	}
	if err != nil {
		return err
	}
	for _, raw := range h.Tail {
		if err := b.wraps(ctx, raw); err != nil {
			return err
		}
	}
	return nil
}

func (b *maker) tables(ctx context.Context, s store.Snapshot) error {
	tables, err := s.Tables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		c := &cutter{table: t, put: func(content []byte, rows int) (Piece, error) {
			if err := ctx.Err(); err != nil {
				return Piece{}, err
			}
			return b.put(ctx, content, rows)
		}}
		if err := errors.Join(s.Rows(t, c.add), c.end()); err != nil {
			return err
		}
		b.m.Tables = append(b.m.Tables, Table{t, c.pieces})
	}
	return nil
}

func (b *maker) finish(ctx context.Context) error {
	if err := b.journal(ctx); err != nil {
		return err
	}
	g, err := b.Keeper.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupFiles})
	if err != nil {
		return err
	}
	for _, name := range []string{"fixed", "service", "days"} {
		raw, ok := g.Files[name]
		if !ok {
			continue
		}
		p, err := b.put(ctx, raw, 0)
		if err != nil {
			return err
		}
		b.m.Files = append(b.m.Files, File{name, p})
	}
	if err := b.documents(ctx); err != nil {
		return err
	}
	digest, err := b.keys.putManifest(ctx, b.Target, b.m)
	if err != nil {
		return err
	}
	return b.end(ctx, b.m.N, digest, b.m.Held)
}

// end has the keeper journal and sign that a backup is whole.
func (b *maker) end(ctx context.Context, n uint64, digest [32]byte, held time.Time) error {
	g, err := b.Keeper.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupEnd, N: n, Digest: digest, Held: held})
	if err != nil {
		return err
	}
	raw, err := json.Marshal(g.Backed)
	if err != nil {
		return err
	}
	if err := b.keys.putAt(ctx, b.Target, b.keys.signatureName(digest), raw); err != nil {
		return err
	}
	return b.Keep(g.Recovery)
}

// mend puts the keeper's word for the backup before this one, when that was cut off
// after it was journaled and before the word was put: the chain would not hold for ever.
func (b *maker) mend(ctx context.Context) error {
	before := [32]byte(b.m.Before)
	if before == ([32]byte{}) {
		return nil
	}
	word, err := b.Target.Open(ctx, b.keys.signatureName(before))
	if err == nil {
		return word.Close()
	}
	if !errors.Is(err, store.ErrNoBlob) {
		return err
	}
	m, err := b.keys.Manifest(ctx, b.Target, before)
	if errors.Is(err, ErrPiece) {
		return nil // it was taken away: a verification says so
	}
	if err != nil {
		return err
	}
	return b.end(ctx, m.N, before, m.Held)
}

func (b *maker) journal(ctx context.Context) error {
	for at := int64(0); at < b.m.Size; {
		g, err := b.Keeper.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupJournal, At: uint64(at)})
		if err != nil {
			return err
		}
		raw := g.Raw[:min(int64(len(g.Raw)), b.m.Size-at)]
		if len(raw) == 0 {
			return keeper.ErrUnavailable
		}
		p, err := b.put(ctx, raw, 0)
		if err != nil {
			return err
		}
		b.m.Journal = append(b.m.Journal, p)
		at += int64(len(raw))
	}
	return nil
}

// documents puts the documents that the backup before did not have, as they are
// sealed, and lists all.
func (b *maker) documents(ctx context.Context) error {
	if b.Blobs == nil {
		return nil
	}
	c := &cutter{table: blobTable, put: func(content []byte, rows int) (Piece, error) { return b.put(ctx, content, rows) }}
	for after := (store.BlobName{}); ; {
		names, err := b.Blobs.List(ctx, after, store.MaxBlobPage)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			break
		}
		for _, name := range names {
			d, ok := b.before[name]
			if !ok {
				if d, ok, err = b.document(ctx, name); err != nil {
					return err
				}
			}
			if !ok {
				continue // deleted meanwhile
			}
			if err := c.add([]store.Value{{Bytes: name[:]}, {Int: d.size}, {Bytes: d.sum[:]}}); err != nil {
				return err
			}
			b.made.Blobs++
		}
		after = names[len(names)-1]
	}
	err := c.end()
	b.m.Blobs = c.pieces
	return err
}

func (b *maker) document(ctx context.Context, name store.BlobName) (document, bool, error) {
	from, err := b.Blobs.Open(ctx, name)
	if errors.Is(err, store.ErrNoBlob) {
		return document{}, false, nil
	}
	if err != nil {
		return document{}, false, err
	}
	defer from.Close()
	h := sha256.New()
	at := b.keys.mac("document", name[:])
	whole := io.NewSectionReader(from, 0, from.Size())
	if there(ctx, b.Target, at, from.Size()) { // of a backup that was interrupted
		_, err = io.Copy(h, whole)
	} else {
		b.made.Put++
		err = b.Target.Put(ctx, at, io.TeeReader(whole, h))
	}
	b.made.Bytes += from.Size()
	return document{from.Size(), [32]byte(h.Sum(nil))}, true, err
}

// recall reads the list of documents of the backup before. Without it all are read
// again, which costs time and nothing else.
func (b *maker) recall(ctx context.Context, digest [32]byte) {
	b.before = map[store.BlobName]document{}
	if digest == ([32]byte{}) {
		return
	}
	m, err := b.keys.Manifest(ctx, b.Target, digest)
	if err != nil {
		return
	}
	for _, p := range m.Blobs {
		raw, err := b.keys.open(ctx, b.Target, p)
		if err != nil {
			return
		}
		if err := readRows(raw, blobTable, func(row []store.Value) error {
			if len(row[0].Bytes) != 32 || len(row[2].Bytes) != 32 {
				return ErrPiece
			}
			b.before[store.BlobName(row[0].Bytes)] = document{row[1].Int, [32]byte(row[2].Bytes)}
			return nil
		}); err != nil {
			return
		}
	}
}

// putAt puts what is not named by its content: it is as good as its signature.
func (k Keys) putAt(ctx context.Context, t Target, name store.BlobName, content []byte) error {
	return t.Put(ctx, name, bytes.NewReader(content))
}
