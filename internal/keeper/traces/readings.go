package traces

import (
	"errors"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/permit"
)

// scanned bounds how much of the journal one answer is of, in bytes.
const scanned = 1 << 20

// readings is who opened which versions of health records, as the journal tells from a
// place on, and where to go on; zero at its end. Whose they are it does not say: a record
// is its row.
func (t *Traces) readings(from uint64) (out []keeper.Reading, next uint64, err error) {
	_, end := t.journal.End()
	if from > uint64(end) {
		return nil, 0, nil
	}
	at, err := t.journal.Scan(int64(from), scanned, func(kind byte, payload []byte) {
		o, ok := permit.Read(kind, payload)
		if r := t.reading(o); ok && len(r.Rows) > 0 {
			out = append(out, r)
		}
	})
	if at >= end {
		at = 0
	}
	return out, uint64(at), err
}

// viewed is which single views some names are of, from a place of the journal on.
func (t *Traces) viewed(from uint64, names []leak.ViewToken) (g keeper.TraceGiven, err error) {
	if len(names) > keeper.MaxViews {
		return g, keeper.ErrTooMany
	}
	asked := make(map[leak.ViewToken]bool, len(names))
	for _, n := range names {
		asked[n] = true
	}
	_, end := t.journal.End()
	if from > uint64(end) {
		return g, nil
	}
	at, err := t.journal.Scan(int64(from), scanned, func(kind byte, payload []byte) {
		if kind != journal.KindOpened {
			return
		}
		o, ok := permit.Read(kind, payload)
		if !ok {
			return
		}
		g.All++
		if name := t.views.Token(o.ID); asked[name] {
			g.Views = append(g.Views, keeper.View{Token: name, Reading: t.reading(o)})
		}
	})
	if at < end {
		g.Next = uint64(at)
	}
	return g, err
}

// reading is what was opened of health records, by their rows.
func (t *Traces) reading(o permit.Opening) keeper.Reading {
	r := keeper.Reading{At: o.At, Who: o.Who, Door: o.Door, Request: o.Request}
	if o.Request != (staff.RequestID{}) {
		r.Copy = copies.CopyOf(o.Request)
	}
	for _, v := range o.Versions {
		if v.Record < keeper.FirstRecord || v.Record == keeper.Record(record.Standing) {
			continue
		}
		row := t.rowOf(record.RefOf(v.Person, record.Number(v.Record)))
		gone := errors.Is(t.people.Known(v.Person), keeper.ErrErased)
		r.Rows = append(r.Rows, keeper.RowVersion{Row: row, Version: v.Version, Erased: gone})
	}
	return r
}
