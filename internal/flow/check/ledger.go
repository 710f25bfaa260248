package check

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Marker is what the ledger needs of the keeper.
type Marker interface {
	Ledger(ctx context.Context) (keeper.Ledger, error)
	MoveLedger(ctx context.Context, m keeper.MoveLedger) (keeper.Ledger, error)
}

// KeepLedger has a database note changes of rows from now on, and takes all rows into
// an installation's first ledger. A database that keeps none is left alone.
func KeepLedger(ctx context.Context, db store.DB, k Marker, key []byte) error {
	l, ok := db.(store.Ledgered)
	if !ok || len(key) == 0 {
		return nil
	}
	mark, err := k.Ledger(ctx)
	if err != nil {
		return err
	}
	err = l.KeepLedger(ctx, key, mark.Seq == 0)
	if errors.Is(err, store.ErrConstraint) { // another server began it at the same moment
		err = l.KeepLedger(ctx, key, false)
	}
	if err != nil {
		return err
	}
	err = l.AdoptLater(ctx, store.LedgerMark(mark))
	if errors.Is(err, store.ErrConstraint) { // another did it at the same moment
		err = l.AdoptLater(ctx, store.LedgerMark(mark))
	}
	return err
}

// FollowLedger has a server know the ledger to its end, before it goes by any row, and
// looks whether that is the ledger which the keeper knows: keeper.ErrLedger, also when
// entries do not follow each other. It reads all of it, about 3 s for a million rows.
func FollowLedger(ctx context.Context, db store.DB, k Marker) error {
	l, ok := db.(store.Ledgered)
	if !ok {
		return nil
	}
	mark, err := k.Ledger(ctx)
	if err != nil {
		return err
	}
	// Without what was noted of venues' counts nobody is let in, and all else is served.
	if err := l.FollowLedger(ctx); err != nil && !errors.Is(err, store.ErrAltered) {
		if errors.Is(err, store.ErrLedger) {
			err = keeper.ErrLedger
		}
		return err
	}
	if mark.Seq == 0 {
		return nil
	}
	at, err := l.LedgerAt(ctx, mark.Seq)
	if err == nil && keeper.Ledger(at) != mark {
		err = keeper.ErrLedger
	}
	return err
}

// MarkLedger notes how far each gate's chain of leaves has come, and tells the keeper how
// far the ledger has: what is cut off afterwards is found. keeper.ErrLedger when the
// ledger is not the one that the keeper knows.
func MarkLedger(ctx context.Context, db store.DB, k Marker) error {
	if l, ok := db.(store.Ledgered); ok {
		if err := l.NoteLeaves(ctx); err != nil {
			return err
		}
	}
	return moveMark(ctx, db, k, false)
}

// PruneLedger takes entries out of the ledger that later ones took the place of, up to a
// number that the keeper's mark has long passed.
func PruneLedger(ctx context.Context, db store.DB, below uint64) error {
	l, ok := db.(store.Ledgered)
	for next := uint64(0); ok; {
		var err error
		if next, err = l.PruneLedger(ctx, next, below); err != nil || next == 0 {
			return err
		}
	}
	return nil
}

// AcceptLedger sets the keeper's mark on the ledger as it is, after a restore.
func AcceptLedger(ctx context.Context, db store.DB, k Marker) error {
	return moveMark(ctx, db, k, true)
}

func moveMark(ctx context.Context, db store.DB, k Marker, accept bool) error {
	l, ok := db.(store.Ledgered)
	if !ok {
		return nil
	}
	mark, err := k.Ledger(ctx)
	if err != nil {
		return err
	}
	to, err := l.LedgerAt(ctx, 0)
	if err != nil || keeper.Ledger(to) == mark {
		return err
	}
	m := keeper.MoveLedger{To: keeper.Ledger(to), Accept: accept}
	if mark.Seq > 0 {
		was, err := l.LedgerAt(ctx, mark.Seq)
		if err != nil {
			return err
		}
		m.Was = keeper.Ledger(was)
	}
	_, err = k.MoveLedger(ctx, m)
	return err
}

// ledger holds the rows that say who may do what against the ledger of their changes,
// and its end against the keeper's mark.
func (c *Check) ledger(ctx context.Context) error {
	if len(c.LedgerKey) == 0 {
		return nil
	}
	return c.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		newest, err := c.entries(s, tables)
		if err != nil {
			return err
		}
		for _, name := range store.LedgerTables() {
			if err := eachOf(s, tables, name, func(r reader) error { return c.noted(r, newest) }); err != nil {
				return err
			}
		}
		for _, tag := range c.gone {
			if _, forgotten := newest[rowHash("record_source", c.LedgerKey.Name("record_source", tag[:]))]; !forgotten {
				if err := c.found(Finding{"record_source", hex.EncodeToString(tag[:]), Missing, "a record has this name"}); err != nil {
					return err
				}
			}
		}
		for _, last := range newest {
			if last.there {
				if err := c.found(Finding{last.table, last.row, Missing, "the ledger of rows has it"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// noting is the newest entry of a row.
type noting struct {
	mac        [16]byte
	there      bool
	table, row string
}

func rowHash(table string, row []byte) [16]byte {
	sum := sha256.Sum256(append([]byte(table+"\x00"), row...))
	return [16]byte(sum[:16])
}

// entries walks the chain and returns each row's newest entry.
func (c *Check) entries(s store.Snapshot, tables []store.Table) (map[[16]byte]noting, error) {
	newest := map[[16]byte]noting{}
	var last store.LedgerMark
	err := eachOf(s, tables, "store_ledger", func(r reader) error {
		e := store.LedgerEntry{Seq: uint64(r.at("seq").Int), Table: string(r.at("name").Bytes), Row: r.at("row_key").Bytes, MAC: r.at("mac").Bytes}
		copy(e.Chain[:], r.at("chain").Bytes)
		bridge := e.Table == "" && len(e.Row) == 8 && binary.BigEndian.Uint64(e.Row) == last.Seq
		if e.Table != "" {
			n := noting{there: len(e.MAC) > 0, table: e.Table, row: hex.EncodeToString(e.Row)}
			copy(n.mac[:], e.MAC)
			newest[rowHash(e.Table, e.Row)] = n
		}
		what, why := What(""), ""
		switch {
		case e.Seq != last.Seq+1 && !bridge:
			what, why = Missing, "entries before it are gone"
		case len(r.at("chain").Bytes) != 32 || !c.LedgerKey.Follows(last, e):
			what, why = Altered, "does not follow the one before it"
		case e.Seq == c.Mark.Seq && e.Chain != c.Mark.Chain:
			what, why = Altered, "is not the entry that the keeper knows of this number"
		}
		last = store.LedgerMark{Seq: e.Seq, Chain: e.Chain}
		if what == "" {
			return nil
		}
		return c.found(Finding{"store_ledger", r.key(), what, why})
	})
	if err != nil {
		return nil, err
	}
	if last.Seq < c.Mark.Seq {
		if err := c.found(Finding{"store_ledger", fmt.Sprint(last.Seq + 1), RolledBack, fmt.Sprintf("the keeper knows of %d entries: those after the last one are gone", c.Mark.Seq)}); err != nil {
			return nil, err
		}
	}
	var end store.LedgerMark
	if err := eachOf(s, tables, "store_ledger_end", func(r reader) error {
		end.Seq = uint64(r.at("seq").Int)
		copy(end.Chain[:], r.at("chain").Bytes)
		return nil
	}); err != nil {
		return nil, err
	}
	if end != last {
		err = c.found(Finding{"store_ledger_end", "1", Altered, "is not the end of the ledger"})
	}
	return newest, err
}

// noted holds a row against its newest entry.
func (c *Check) noted(r reader, newest map[[16]byte]noting) error {
	h := rowHash(r.table.Name, c.LedgerKey.Row(r.table, r.row))
	last, known := newest[h]
	delete(newest, h)
	mac := c.sealer.Ledger(r.table, r.row)
	switch {
	case known && last.there && last.mac == mac:
		return nil
	case !known:
		return c.found(Finding{r.table.Name, r.key(), Foreign, "the ledger of rows has none such"})
	case !last.there:
		return c.found(Finding{r.table.Name, r.key(), Foreign, "it was removed, and is there again"})
	}
	return c.found(Finding{r.table.Name, r.key(), Altered, "or rolled back: it is not what the ledger of rows has last"})
}
