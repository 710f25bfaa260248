package backup

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	mrand "math/rand/v2"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// letters are a sample of the documents that records of a backup name.
type letters struct {
	book  Book
	want  int
	seen  int
	drawn []letter
}

// letter is a document's record as the backup has it.
type letter struct {
	person  identity.PersonID
	version keeper.Version
	sealed  []byte
	blob    []byte
}

// draw is told of each row of record_version.
func (l *letters) draw(t store.Table, row []store.Value) {
	if column(t, row, "size").Int == 0 {
		return
	}
	at := len(l.drawn)
	if l.seen++; at < l.want {
		l.drawn = append(l.drawn, letter{})
	} else if at = mrand.IntN(l.seen); at >= l.want {
		return
	}
	l.drawn[at] = letter{
		identity.PersonID(column(t, row, "person_id").Int), versionOf(t, row), column(t, row, "sealed").Bytes, column(t, row, "blob").Bytes,
	}
}

func versionOf(t store.Table, row []store.Value) keeper.Version {
	return keeper.Version{Record: keeper.Record(column(t, row, "number").Int), Version: uint64(column(t, row, "version").Int)}
}

// open opens them: the keeper's keys open their records, whose keys open the documents.
func (l *letters) open(ctx context.Context, k Reader, actor string, m Manifest, out *Verified) error {
	if len(l.drawn) == 0 {
		return nil
	}
	all, err := l.versions(ctx, m)
	if err != nil {
		return err
	}
	for _, one := range l.drawn {
		i := keeper.Intent{Actor: actor, Purpose: "backup-verify", Budget: keeper.BudgetImport}
		rand.Read(i.ID[:])
		read := keeper.Read{Person: one.person, Have: all[one.person], Want: []keeper.Version{one.version}, Records: true}
		_, opened, err := k.Read(ctx, i, []keeper.Read{read})
		if err != nil {
			return err
		}
		if len(opened) != 1 {
			return keeper.ErrUnavailable
		}
		switch o := opened[0]; {
		case errors.Is(o.Err, keeper.ErrHead):
			out.Changed++
		case errors.Is(o.Err, keeper.ErrErased):
			out.Erased++
		case o.Err != nil:
			return o.Err
		default:
			if err := l.book.read(ctx, one, o.Keys[0]); err != nil {
				return err
			}
			out.Read++
		}
	}
	return nil
}

// versions are all record versions of those drawn, ascending, for the keeper's head.
func (l *letters) versions(ctx context.Context, m Manifest) (map[identity.PersonID][]keeper.Version, error) {
	out := map[identity.PersonID][]keeper.Version{}
	for _, one := range l.drawn {
		out[one.person] = nil
	}
	for _, t := range m.Tables {
		if t.Name != "record_version" {
			continue
		}
		for _, p := range t.Pieces {
			raw, err := l.book.Keys.open(ctx, l.book.Target, p)
			if err != nil {
				return nil, err
			}
			if err := readRows(raw, t.Table, func(row []store.Value) error {
				who := identity.PersonID(column(t.Table, row, "person_id").Int)
				if have, ok := out[who]; ok {
					out[who] = append(have, versionOf(t.Table, row))
				}
				return nil
			}); err != nil {
				return nil, err
			}
		}
	}
	for _, have := range out {
		slices.SortFunc(have, func(a, b keeper.Version) int {
			return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Version, b.Version))
		})
	}
	return out, nil
}

// read opens one document whole, as the backup has it, and holds it against the hash
// that its record has.
func (b Book) read(ctx context.Context, l letter, key keeper.Secret) error {
	place := vault.Binding{Table: vault.Records, Person: l.person, Record: uint64(l.version.Record), Version: l.version.Version}
	raw, err := vault.OpenRecord(key, place, l.sealed)
	if err != nil {
		return ErrPiece
	}
	c, err := record.ParseContent(raw)
	if err != nil || c.Document == nil || string(c.Document.Name[:]) != string(l.blob) {
		return ErrPiece
	}
	blob, err := b.Target.Open(ctx, b.Keys.mac("document", l.blob))
	if errors.Is(err, store.ErrNoBlob) {
		return ErrPiece
	}
	if err != nil {
		return err
	}
	defer blob.Close()
	doc, err := vault.OpenDocument(blob, blob.Size(), c.Document.Key[:])
	if err != nil || doc.Size() != c.Document.Size {
		return errors.Join(ErrPiece, err)
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(h, io.NewSectionReader(doc, 0, doc.Size()), make([]byte, 256<<10)); err != nil {
		return errors.Join(ErrPiece, err)
	}
	if [32]byte(h.Sum(nil)) != c.Document.Hash {
		return ErrPiece
	}
	return nil
}
