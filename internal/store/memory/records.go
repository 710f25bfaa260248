package memory

import (
	"bytes"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

type records struct{ *tx }

func (t records) Put(writes []record.Write) (moved []int, err error) {
	if err := t.write(); err != nil {
		return nil, err
	}
	for i := range writes {
		if !writes[i].Whole() || !storable(&writes[i]) {
			return nil, t.fail(store.ErrConstraint)
		}
	}
	for i := range writes {
		w := &writes[i]
		if last, _ := t.lasts.get(number(w.Person)); last != w.Last {
			moved = append(moved, i)
			continue
		}
		t.lasts.put(number(w.Person), w.Rows[0].Version)
		for _, r := range w.Rows {
			at := place{uint64(r.Person), uint64(r.Number), r.Version}
			if _, there := t.places.get(at); there {
				return nil, t.fail(store.ErrConstraint)
			}
			t.arrivals[0]++
			r.Seq, r.Entered, r.Sealed, r.Known = t.arrivals[0], whole(r.Entered), bytes.Clone(r.Sealed), bytes.Clone(r.Known)
			t.rows.put(number(r.Seq), r)
			t.places.put(at, number(r.Seq))
			if r.Size > 0 {
				t.blobs.put(id32(r.Blob), none{})
			}
			if slices.Contains(w.Follow, r.Number) {
				t.arrivals[1]++
				t.follows.put(number(t.arrivals[1]), record.Follow{
					Seq: t.arrivals[1], Person: r.Person, Entered: r.Entered, Version: record.Version{Number: r.Number, Version: r.Version},
				})
			}
		}
		for _, s := range w.Sources {
			t.sources.put(id16(s.Tag), s)
		}
	}
	return moved, nil
}

// storable reports whether a database could keep the numbers.
func storable(w *record.Write) bool {
	for _, r := range w.Rows {
		if !names(uint64(r.Person)) || !fits(uint64(r.Number)) || !fits(r.Version) || r.Size < 0 {
			return false
		}
	}
	for _, s := range w.Sources {
		if !names(uint64(s.Ref.Person)) || !fits(uint64(s.Ref.Number)) {
			return false
		}
	}
	return true
}

func (t records) Versions(who identity.PersonID) ([]record.Version, error) {
	var out []record.Version
	for p := range t.places.from(place{person: uint64(who)}) {
		if p.person != uint64(who) {
			break
		}
		out = append(out, record.Version{Number: record.Number(p.number), Version: p.version})
	}
	return out, t.err
}

func (t records) Get(who identity.PersonID, versions []record.Version) ([]record.Row, error) {
	out := make([]record.Row, len(versions))
	for i, v := range versions {
		seq, _ := t.places.get(place{uint64(who), uint64(v.Number), v.Version})
		out[i], _ = t.rows.get(seq)
		out[i].Sealed = bytes.Clone(out[i].Sealed)
	}
	return out, t.err
}

func (t records) Walk(after uint64, n int) ([]record.Row, error) {
	var out []record.Row
	walk(t.rows, after, n, func(r record.Row) {
		r.Sealed = bytes.Clone(r.Sealed)
		out = append(out, r)
	})
	return out, t.err
}

func (t records) Following(after uint64, n int) ([]record.Follow, error) {
	var out []record.Follow
	walk(t.follows, after, n, func(f record.Follow) { out = append(out, f) })
	return out, t.err
}

func (t records) Followed(seqs []uint64) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, s := range seqs {
		t.follows.drop(number(s))
	}
	return nil
}

func (t records) Sources(tags []identity.Tag) ([]record.Source, error) {
	out := make([]record.Source, len(tags))
	for i, tag := range tags {
		out[i], _ = t.sources.get(id16(tag))
		out[i].Tag = tag
	}
	return out, t.err
}

type aside struct{ *tx }

func (t aside) Set(a record.Aside) error {
	if err := t.write(); err != nil {
		return err
	}
	_, known := t.asides.get(number(a.ID))
	if known || !names(uint64(a.ID)) || len(a.Steps) != 1 || a.State == 0 || a.Steps[0].To != a.State || !stepFits(a.Steps[0]) {
		return t.fail(store.ErrConstraint)
	}
	a.Arrived, a.Steps = whole(a.Arrived), []record.Step{kept(a.Steps[0])}
	t.asides.put(number(a.ID), a)
	return nil
}

func stepFits(s record.Step) bool {
	return s.To != 0 && fits(uint64(s.Against)) && fits(s.Version)
}

func kept(s record.Step) record.Step {
	s.At = whole(s.At)
	return s
}

func (t aside) Get(id identity.PersonID) (record.Aside, error) {
	a, known := t.asides.get(number(id))
	if t.err == nil && !known {
		return record.Aside{}, record.ErrCase
	}
	a.Steps = slices.Clone(a.Steps)
	return a, t.err
}

func (t aside) Walk(after identity.PersonID, n int, only record.State) ([]record.Aside, error) {
	var out []record.Aside
	if n <= 0 || !fits(uint64(after)) {
		return nil, t.err
	}
	for _, a := range t.asides.from(number(after + 1)) {
		if only != 0 && a.State != only {
			continue
		}
		a.Steps = slices.Clone(a.Steps)
		if out = append(out, a); len(out) == n {
			break
		}
	}
	return out, t.err
}

func (t aside) Step(id identity.PersonID, from record.State, s record.Step) error {
	if err := t.write(); err != nil {
		return err
	}
	if !stepFits(s) {
		return t.fail(store.ErrConstraint)
	}
	a, known := t.asides.get(number(id))
	switch {
	case !known:
		return record.ErrCase
	case a.State != from:
		return record.ErrSettled
	}
	a.State = s.To
	a.Steps = append(slices.Clone(a.Steps), kept(s))
	t.asides.put(number(id), a)
	return nil
}
