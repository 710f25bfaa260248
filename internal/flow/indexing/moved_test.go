package indexing_test

import (
	"context"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

// movedDB is a database in which somebody moved one version behind all others.
type movedDB struct {
	store.DB
	seq  uint64
	says bool // and it does not say so
}

func (d movedDB) View(ctx context.Context, fn func(store.Stores) error) error {
	return d.DB.View(ctx, func(s store.Stores) error {
		s.Records = movedRecords{s.Records, d}
		return fn(s)
	})
}

type movedRecords struct {
	record.Store
	d movedDB
}

func (m movedRecords) Walk(after uint64, n int) (out []record.Row, err error) {
	all, err := m.Store.Walk(0, 99)
	var last []record.Row
	for _, r := range all {
		if r.Seq == m.d.seq {
			r.Seq, r.Misplaced = 1<<40, m.d.says
			last = append(last, r)
			continue
		}
		out = append(out, r)
	}
	out = append(out, last...)
	for len(out) > 0 && out[0].Seq <= after {
		out = out[1:]
	}
	return out[:min(n, len(out))], err
}

// TestNobodyIsPassedOver: a version that somebody moved behind all others is in the index,
// and takes it past none that come later, as it did while nobody could tell.
func TestNobodyIsPassedOver(t *testing.T) {
	for says, want := range map[bool]int{true: 4, false: 3} {
		s := open(t)
		who := s.add(3)
		s.flow.DB = movedDB{s.DB, 2, says}
		s.drain()
		s.drain()
		s.record(who)
		s.drain()
		if set := s.set(); len(set.Versions) != want {
			t.Errorf("told %v: %d versions, not %d", says, len(set.Versions), want)
		}
		if at := s.drain(); says && at.Seq != 4 {
			t.Errorf("fed %+v", at)
		}
	}
}
