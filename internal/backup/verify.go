package backup

import (
	"context"
	"crypto/rand"
	"io"
	mrand "math/rand/v2"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Reader opens a sample of records, after an intent.
type Reader interface {
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
}

// Verified is what a verification saw.
type Verified struct {
	Backups   int  `json:"backups"`
	Newest    Made `json:"newest"`
	Pieces    int  `json:"pieces"`    // opened, all of the newest backup's
	Documents int  `json:"documents"` // hashed: a sample
	Read      int  `json:"read"`      // documents opened with the key of their record, through the keeper
	Opened    int  `json:"opened"`    // people's rows, through the keeper
	Changed   int  `json:"changed"`   // since the backup: the keeper gives no key of an older version
	Erased    int  `json:"erased"`
}

// sampled is one person's rows as the backup has them.
type sampled struct {
	person   identity.Stored
	evidence uint64
}

// Verify walks the chain, opens every piece of the newest backup, hashes a sample of
// its documents, and through the keeper, under intents, opens a sample of people's rows
// and of documents by the records that hold their keys. Reader nil: without the last.
func (b Book) Verify(ctx context.Context, k Reader, actor string, sample int, step func(bytes, rows int64)) (Verified, error) {
	var out Verified
	all, err := b.chain(ctx)
	out.Backups = len(all)
	if err != nil {
		return out, err
	}
	m := all[0].Manifest
	out.Newest = Made{N: m.N, Held: m.Held, People: m.People}
	look := func(p Piece) ([]byte, error) {
		raw, err := b.Keys.open(ctx, b.Target, p)
		out.Pieces++
		out.Newest.Bytes += int64(len(raw))
		out.Newest.Rows += int64(p.Rows)
		if step != nil {
			step(out.Newest.Bytes, out.Newest.Rows)
		}
		return raw, err
	}
	rest := slices.Concat(m.Journal, m.Wraps, m.Blobs)
	for _, f := range m.Files {
		rest = append(rest, f.Piece)
	}
	for _, p := range rest {
		if _, err := look(p); err != nil {
			return out, err
		}
	}
	letters := &letters{book: b, want: sample}
	people, err := b.sample(m, look, sample, letters.draw)
	if err != nil {
		return out, err
	}
	if err := b.hashSome(ctx, m, sample, &out); err != nil {
		return out, err
	}
	if k == nil {
		return out, nil
	}
	if len(people) > 0 {
		if err := openSome(ctx, k, actor, people, &out); err != nil {
			return out, err
		}
	}
	return out, letters.open(ctx, k, actor, m, &out)
}

// sample looks at every table's pieces and draws people of them.
func (b Book) sample(m Manifest, look func(Piece) ([]byte, error), n int, letter func(store.Table, []store.Value)) (map[int64]*sampled, error) {
	drawn := map[int64]*sampled{}
	var order []int64
	seen := 0
	for _, pass := range []string{"", "status_evidence"} { // people are drawn before their evidence is sought
		for _, t := range m.Tables {
			if (t.Name == "status_evidence") != (pass != "") {
				continue
			}
			col := func(row []store.Value, name string) store.Value { return column(t.Table, row, name) }
			for _, p := range t.Pieces {
				raw, err := look(p)
				if err != nil {
					return nil, err
				}
				if err := readRows(raw, t.Table, func(row []store.Value) error {
					switch t.Name {
					case "record_version":
						letter(t.Table, row)
					case "identity_person":
						id := col(row, "id").Int
						s := &sampled{person: identity.Stored{ID: identity.PersonID(id), Version: uint64(col(row, "version").Int), Sealed: col(row, "sealed").Bytes}}
						if seen++; len(order) < n {
							order, drawn[id] = append(order, id), s
						} else if at := mrand.IntN(seen); at < n {
							delete(drawn, order[at])
							order[at], drawn[id] = id, s
						}
					case "status_evidence":
						if s := drawn[col(row, "person_id").Int]; s != nil {
							s.evidence = uint64(col(row, "version").Int)
						}
					}
					return nil
				}); err != nil {
					return nil, err
				}
			}
		}
	}
	return drawn, nil
}

// column is a row's value of a column, zero when the table has none such.
func column(t store.Table, row []store.Value, name string) store.Value {
	i := slices.IndexFunc(t.Columns, func(c store.Column) bool { return c.Name == name })
	if i < 0 {
		return store.Value{}
	}
	return row[i]
}

func (b Book) hashSome(ctx context.Context, m Manifest, n int, out *Verified) error {
	type one struct {
		name store.BlobName
		d    document
	}
	var drawn []one
	seen := 0
	if err := b.eachDocument(ctx, m, func(name store.BlobName, d document) error {
		if !there(ctx, b.Target, b.Keys.mac("document", name[:]), d.size) {
			return ErrPiece
		}
		if seen++; len(drawn) < n {
			drawn = append(drawn, one{name, d})
		} else if at := mrand.IntN(seen); at < n {
			drawn[at] = one{name, d}
		}
		return nil
	}); err != nil {
		return err
	}
	out.Newest.Blobs = int64(seen)
	for _, d := range drawn {
		if err := b.hashed(ctx, d.name, d.d, func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }); err != nil {
			return err
		}
		out.Documents++
	}
	return nil
}

// openSome opens people's rows as the backup has them.
func openSome(ctx context.Context, k Reader, actor string, people map[int64]*sampled, out *Verified) error {
	i := keeper.Intent{Actor: actor, Purpose: "backup-verify", Budget: keeper.BudgetImport}
	rand.Read(i.ID[:])
	var reads []keeper.Read
	var of []*sampled
	for _, s := range people {
		have := []keeper.Version{{Record: keeper.RecordPerson, Version: s.person.Version}}
		r := keeper.Read{Person: s.person.ID, Want: have}
		if r.Have = have; s.evidence > 0 {
			r.Have = append(slices.Clone(have), keeper.Version{Record: keeper.RecordEvidence, Version: s.evidence})
		}
		reads, of = append(reads, r), append(of, s)
	}
	_, opened, err := k.Read(ctx, i, reads)
	if err != nil {
		return err
	}
	if len(opened) != len(reads) {
		return keeper.ErrUnavailable
	}
	for n, o := range opened {
		switch o.Err {
		case nil:
		case keeper.ErrHead:
			out.Changed++
			continue
		case keeper.ErrErased:
			out.Erased++
			continue
		default:
			return o.Err
		}
		p := of[n].person
		place := vault.Binding{Table: vault.People, Person: p.ID, Record: uint64(keeper.RecordPerson), Version: p.Version}
		if _, err := vault.OpenRecord(o.Keys[0], place, p.Sealed); err != nil {
			return ErrPiece
		}
		out.Opened++
	}
	return nil
}
