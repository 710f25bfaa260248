package sqlstore

import (
	"bytes"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	firstLast = `INSERT INTO record_person (person_id, last) VALUES ($1, $2) ON CONFLICT (person_id) DO NOTHING`
	moveLast  = `UPDATE record_person SET last = $2 WHERE person_id = $1 AND last = $3`
	putRow    = `INSERT INTO record_version (person_id, number, version, entered, sealed, blob, size, known)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING seq`
	putFollow = `INSERT INTO record_follow (person_id, number, version, entered) VALUES ($1, $2, $3, $4)`
	putSource = `INSERT INTO record_source (tag, person_id, number, checked) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tag) DO UPDATE SET person_id = excluded.person_id, number = excluded.number, checked = excluded.checked`
	versionsOf = `SELECT number, version FROM record_version WHERE person_id = $1 ORDER BY number, version`
	selectRow  = `SELECT seq, person_id, number, version, entered, sealed, blob, size, known, mac FROM record_version `
	getRow     = selectRow + `WHERE person_id = $1 AND number = $2 AND version = $3`
	walkRows   = selectRow + `WHERE seq > $1 ORDER BY seq LIMIT $2`
	walkFollow = `SELECT seq, person_id, number, version, entered FROM record_follow WHERE seq > $1 ORDER BY seq LIMIT $2`
	dropFollow = `DELETE FROM record_follow WHERE seq = $1`
	getSource  = `SELECT person_id, number, checked FROM record_source WHERE tag = $1`
)

type records struct{ *Tx }

var _ record.Store = records{}

// Put moves each person's highest version first: who finds it elsewhere writes nothing,
// and the row is held until the transaction ends.
func (t records) Put(writes []record.Write) ([]int, error) {
	for i := range writes {
		if !writes[i].Whole() {
			return nil, t.fail(store.ErrConstraint)
		}
	}
	moved, err := t.fence(writes)
	if err != nil {
		return nil, err
	}
	var rows []*record.Row
	var follow []*record.Row
	var sources []*record.Source
	for i := range writes {
		if _, skip := slices.BinarySearch(moved, i); skip {
			continue
		}
		w := &writes[i]
		for n := range w.Rows {
			rows = append(rows, &w.Rows[n])
			if slices.Contains(w.Follow, w.Rows[n].Number) {
				follow = append(follow, &w.Rows[n])
			}
		}
		for n := range w.Sources {
			sources = append(sources, &w.Sources[n])
		}
	}
	if err := t.putRows(rows, follow); err != nil {
		return nil, err
	}
	return moved, t.putSources(sources)
}

// fence returns the places of those whose highest version is not what they saw.
func (t records) fence(writes []record.Write) (moved []int, err error) {
	note := func(at []int) func(i int, rows int64) {
		return func(i int, rows int64) {
			if rows == 0 {
				moved = append(moved, at[i])
			}
		}
	}
	first := pick(len(writes), func(i int) bool { return writes[i].Last == 0 })
	err = t.execEach(firstLast, len(first), func(i int, a *Args) {
		w := &writes[first[i]]
		a.Number(uint64(w.Person))
		a.Number(w.Rows[0].Version)
	}, note(first))
	if err != nil {
		return nil, err
	}
	later := pick(len(writes), func(i int) bool { return writes[i].Last != 0 })
	err = t.execEach(moveLast, len(later), func(i int, a *Args) {
		w := &writes[later[i]]
		a.Number(uint64(w.Person))
		a.Number(w.Rows[0].Version)
		a.Number(w.Last)
	}, note(later))
	slices.Sort(moved)
	return moved, err
}

func (t records) putRows(rows, follow []*record.Row) error {
	places := make([]spot, len(rows))
	err := t.queryEach(putRow, len(rows), func(i int, a *Args) {
		r := rows[i]
		a.Number(uint64(r.Person))
		a.Number(uint64(r.Number))
		a.Number(r.Version)
		a.Time(r.Entered)
		a.Bytes(r.Sealed)
		if r.Blob == [32]byte{} {
			a.Bytes([]byte{})
		} else {
			a.Bytes(r.Blob[:])
		}
		a.Int(r.Size)
		a.Bytes(append([]byte{}, r.Known...))
	}, func(i int, r Row) error {
		places[i] = spotOf(uint64(r.Int(0)), rows[i])
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.sealPlaces(places); err != nil {
		return err
	}
	return t.execEach(putFollow, len(follow), func(i int, a *Args) {
		a.Number(uint64(follow[i].Person))
		a.Number(uint64(follow[i].Number))
		a.Number(follow[i].Version)
		a.Time(follow[i].Entered)
	}, nil)
}

func (t records) putSources(sources []*record.Source) error {
	slices.SortStableFunc(sources, func(a, b *record.Source) int { return bytes.Compare(a.Tag[:], b.Tag[:]) })
	return t.execEach(putSource, len(sources), func(i int, a *Args) {
		s := sources[i]
		a.Bytes(s.Tag[:])
		a.Number(uint64(s.Ref.Person))
		a.Number(uint64(s.Ref.Number))
		a.Bytes(s.Check[:])
	}, nil)
}

func (t records) Versions(who identity.PersonID) ([]record.Version, error) {
	var out []record.Version
	err := t.query(versionsOf, func(a *Args) { a.Number(uint64(who)) }, func(r Row) error {
		out = append(out, record.Version{Number: record.Number(r.Int(0)), Version: uint64(r.Int(1))})
		return nil
	})
	return out, err
}

func (t records) Get(who identity.PersonID, versions []record.Version) ([]record.Row, error) {
	out := make([]record.Row, len(versions))
	err := t.queryEach(getRow, len(versions), func(i int, a *Args) {
		a.Number(uint64(who))
		a.Number(uint64(versions[i].Number))
		a.Number(versions[i].Version)
	}, func(i int, r Row) error {
		out[i] = t.row(r)
		return nil
	})
	return out, err
}

func (t records) Walk(after uint64, n int) ([]record.Row, error) {
	var out []record.Row
	err := t.walk(walkRows, after, n, func(r Row) error {
		out = append(out, t.row(r))
		return nil
	})
	return out, err
}

func (t records) row(r Row) record.Row {
	out := record.Row{
		Seq: uint64(r.Int(0)), Person: identity.PersonID(r.Int(1)), Number: record.Number(r.Int(2)), Version: uint64(r.Int(3)),
		Entered: moment(r.Int(4)), Sealed: r.Bytes(5), Size: r.Int(7), Known: r.Bytes(8),
	}
	copy(out.Blob[:], r.Bytes(6)) // empty when there is none
	out.Misplaced = !t.whole(store.SealPlace, r.Bytes(9), spotOf(out.Seq, &out).bind)
	return out
}

func (t records) Following(after uint64, n int) ([]record.Follow, error) {
	if n <= 0 || after > maxNumber {
		return nil, t.err
	}
	if err := t.complete("record_follow"); err != nil {
		return nil, err
	}
	return firstGood(t.Tx, walkFollow, n, func(a *Args) { a.Number(after) }, func(r Row) record.Follow {
		return record.Follow{
			Seq: uint64(r.Int(0)), Person: identity.PersonID(r.Int(1)),
			Version: record.Version{Number: record.Number(r.Int(2)), Version: uint64(r.Int(3))}, Entered: moment(r.Int(4)),
		}
	})
}

func (t records) Followed(seqs []uint64) error {
	return t.execEach(dropFollow, len(seqs), func(i int, a *Args) { a.Number(seqs[i]) }, nil)
}

func (t records) Sources(tags []identity.Tag) ([]record.Source, error) {
	out := make([]record.Source, len(tags))
	err := t.queryEach(getSource, len(tags), func(i int, a *Args) {
		out[i].Tag = tags[i]
		a.Bytes(tags[i][:])
	}, func(i int, r Row) error {
		out[i].Ref = record.Ref{Person: identity.PersonID(r.Int(0)), Number: record.Number(r.Int(1))}
		r.Fixed(2, out[i].Check[:])
		return nil
	})
	return out, err
}
