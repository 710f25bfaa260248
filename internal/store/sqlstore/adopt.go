package sqlstore

import (
	"slices"

	"github.com/amanah-project/amanah/internal/store"
)

// taking is a kind of rows that was not covered from the first: how those from before are
// taken in, once. An entry of the ledger says that it was done.
type taking struct {
	done store.LedgerEntry
	take func(*Tx) error
}

// takings are all of them, the oldest first.
func takings() []taking {
	once := func(name string, take func(*Tx) error) taking {
		return taking{store.LedgerEntry{Table: "store_ledger", Row: []byte(name)}, take}
	}
	return []taking{
		once("sealed", (*Tx).sealRows),
		once("placed", (*Tx).placeAll),
		once("tagged "+store.SealNIK, func(t *Tx) error { return t.tagAll(store.SealNIK) }),
		once("tagged "+store.SealPhone, func(t *Tx) error { return t.tagAll(store.SealPhone) }),
	}
}

// Adopt begins an empty ledger with every row that is there.
func (t *Tx) Adopt() error {
	end, err := t.LedgerAt(0)
	if err != nil || end.Seq > 0 {
		return err
	}
	if err := t.adopt(store.LedgerTables()); err != nil {
		return err
	}
	for _, one := range takings() {
		if err := one.take(t); err != nil {
			return err
		}
		if err := t.append([]store.LedgerEntry{one.done}); err != nil {
			return err
		}
	}
	return nil
}

// AdoptLater takes in, once, what a ledger from before did not cover. That it was not done is
// believed of a ledger that is whole and has come as far as the keeper's mark: else an entry
// that somebody takes out, for as long as a command runs, would make what they wrote good.
func (t *Tx) AdoptLater(mark store.LedgerMark) error {
	end, err := t.LedgerAt(0)
	if err != nil || end.Seq == 0 {
		return err
	}
	all := takings()
	for i := 0; i < len(all); {
		if seq, err := t.newestOf(all[i].done); err != nil {
			return err
		} else if seq == 0 {
			i++
			continue
		}
		all = slices.Delete(all, i, i+1)
	}
	if len(all) == 0 {
		return nil
	}
	said, whole, err := t.said(mark)
	if err != nil || !whole {
		return err // rows that have no MAC stay refused, and a check names what misses
	}
	for _, one := range all {
		if said[string(one.done.Row)] {
			continue
		}
		if string(one.done.Row) == "sealed" {
			if err := t.adopt(append([]string{"record_follow"}, store.Watched()...)); err != nil {
				return err
			}
		}
		if err := one.take(t); err != nil {
			return err
		}
		if err := t.append([]store.LedgerEntry{one.done}); err != nil {
			return err
		}
	}
	return nil
}

// said goes over the whole ledger and returns what it says of itself, and whether each entry
// follows the one before and one is the keeper's mark.
func (t *Tx) said(mark store.LedgerMark) (rows map[string]bool, whole bool, err error) {
	rows = map[string]bool{}
	whole = mark.Seq == 0 // the keeper knows none yet
	for at := (store.LedgerMark{}); ; {
		page, err := t.entriesFrom(at.Seq, 4*pruneAtOnce)
		if err != nil || len(page) == 0 {
			return rows, whole, err
		}
		for _, e := range page {
			if !t.ledger.key.Follows(at, e) {
				return nil, false, nil
			}
			at = store.LedgerMark{Seq: e.Seq, Chain: e.Chain}
			whole = whole || at == mark
			if e.Table == "store_ledger" {
				rows[string(e.Row)] = true
			}
		}
	}
}

func (t *Tx) newestOf(e store.LedgerEntry) (seq uint64, err error) {
	err = t.conn.QueryEach(newestEntry, 1, func(_ int, a *Args) {
		a.Text(e.Table)
		a.Bytes(e.Row)
	}, func(_ int, r Row) error {
		seq = uint64(r.Int(0))
		return nil
	})
	return seq, err
}
