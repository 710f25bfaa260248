package sqlstore

import (
	"slices"

	"github.com/amanah-project/amanah/internal/store"
)

// pruneAtOnce bounds the entries that one transaction looks at.
const pruneAtOnce = 1000

const dropEntry = `DELETE FROM store_ledger WHERE seq = $1`

// Prune puts bridges in the place of entries of watched rows that are not their rows'
// newest, or that say that a row was removed: among some after a number, below another.
// It returns the last one looked at, zero when there are no more.
func (t *Tx) Prune(after, below uint64) (next uint64, err error) {
	if t.ledger == nil || below == 0 {
		return 0, nil
	}
	entries, err := t.entriesFrom(after, pruneAtOnce)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	last := store.LedgerMark{}
	if after > 0 {
		if last, err = t.LedgerAt(after); err != nil {
			return 0, err
		}
	}
	var run []store.LedgerEntry
	end := func() error {
		err := t.bridge(last, run)
		if n := len(run); n > 0 {
			last = store.LedgerMark{Seq: run[n-1].Seq, Chain: run[n-1].Chain}
		}
		run = nil
		return err
	}
	mark := last
	for _, e := range entries {
		if e.Seq >= below || !t.ledger.key.Follows(mark, e) {
			return 0, end() // what does not follow a check names: it is left as it is
		}
		mark = store.LedgerMark{Seq: e.Seq, Chain: e.Chain}
		spent, err := t.spent(e)
		if err != nil {
			return 0, err
		}
		if spent {
			run = append(run, e)
			continue
		}
		if err := end(); err != nil {
			return 0, err
		}
		last = mark
	}
	return mark.Seq, end()
}

// spent reports whether nothing rests on an entry.
func (t *Tx) spent(e store.LedgerEntry) (bool, error) {
	if e.Table == "" {
		return true, nil
	}
	if !slices.Contains(store.Watched(), e.Table) {
		return false, nil
	}
	if len(e.MAC) == 0 {
		return true, nil // those before it of its row are spent, and gone by now
	}
	newest, err := t.newest(e.Table, e.Row)
	return newest.Seq > e.Seq, err
}

// bridge puts one in the place of a run of entries, also of a single one: what is spent
// must be gone before what came after it goes.
func (t *Tx) bridge(from store.LedgerMark, run []store.LedgerEntry) error {
	n := len(run)
	if n == 0 || n == 1 && run[0].Table == "" {
		return nil
	}
	b := t.ledger.key.Bridge(from, store.LedgerMark{Seq: run[n-1].Seq, Chain: run[n-1].Chain})
	if err := t.conn.ExecEach(dropEntry, n, func(i int, a *Args) { a.Number(run[i].Seq) }, nil); err != nil {
		return err
	}
	return t.put([]store.LedgerEntry{b})
}
