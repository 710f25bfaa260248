package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// seals holds rows that every check-in writes against the MACs that they carry.
func (c *Check) seals(ctx context.Context) error {
	if len(c.LedgerKey) == 0 {
		return nil
	}
	seals := store.Seals()
	return c.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		for _, t := range tables {
			var of []string
			for _, name := range slices.Sorted(maps.Keys(seals)) {
				if seals[name].Table == t.Name {
					of = append(of, name)
				}
			}
			if len(of) == 0 {
				continue
			}
			if err := s.Rows(t, func(row []store.Value) error {
				r := reader{t, row}
				for _, name := range of {
					want, have := c.sealer.Row(name, seals[name], r.typed)
					if !bytes.Equal(want, have) {
						return c.found(Finding{t.Name, r.key(), Altered, "or put there: it does not carry the MAC of what was written"})
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// typed is a column's value and whether it is a number.
func (r reader) typed(name string) (store.Value, bool) {
	i := slices.IndexFunc(r.table.Columns, func(c store.Column) bool { return c.Name == name })
	if i < 0 {
		return store.Value{}, false
	}
	return r.row[i], r.table.Columns[i].Kind == store.IntValue
}

// counted are tables of rows whose number each leaf says, and from which day on none of
// them may have been forgotten.
func (c *Check) counted() map[string]countedRows {
	today := day.Of(time.Now())
	return map[string]countedRows{
		// Of a day before, rows may go while the check runs.
		"venue_ask":  {"asks", max(c.firstDay, today.Add(2-c.VisitDays))},
		"venue_pass": {"passes", today},
	}
}

type countedRows struct {
	column string
	from   day.Day
}

// complete holds how many asks and passes each gate's leaves say against those that are
// there: one that was removed is missed.
func (c *Check) complete(s store.Snapshot, tables []store.Table, rows map[string]map[leafID]int64) error {
	for name, of := range c.counted() {
		if err := eachOf(s, tables, "accesslog_leaf", func(r reader) error {
			at := leafID{accesslog.GateID(fit(r.at("gate").Bytes)), r.at("seq").Int}
			there := rows[name][at]
			delete(rows[name], at)
			want := r.at(of.column).Int
			if want < 0 || want == there || day.Of(time.UnixMicro(r.at("at").Int)) < of.from {
				return nil
			}
			return c.found(Finding{name, leafName(at.gate, uint64(at.seq)), Missing, fmt.Sprintf("its leaf has %d, and %d are there", want, there)})
		}); err != nil {
			return err
		}
	}
	return nil
}

// leafID names a leaf.
type leafID struct {
	gate accesslog.GateID
	seq  int64
}

// fit makes 16 bytes of what should be.
func fit(b []byte) (id [16]byte) {
	copy(id[:], b)
	return id
}

// alone reports whether a row of one of these tables is of one event, and not of several
// counted together.
func alone(r reader) bool {
	rest := venue.Rest()
	return !bytes.Equal(r.at("id").Bytes, rest[:])
}

// ends looks for the leaves up to which each gate's chain was noted to have come.
func (c *Check) ends(ctx context.Context) error {
	return c.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		return eachOf(s, tables, "accesslog_end", func(r reader) error {
			gate, seq := accesslog.GateID(fit(r.at("gate").Bytes)), uint64(r.at("seq").Int)
			err := c.DB.View(ctx, func(s store.Stores) error {
				_, err := s.Log.Get(gate, seq)
				return err
			})
			if errors.Is(err, accesslog.ErrNoLeaf) {
				return c.found(Finding{"accesslog_leaf", leafName(gate, seq), Missing, "the gate's chain had come so far"})
			}
			return err
		})
	})
}
