package trace

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/trace/pages"
)

// seen is what was seen of a patient's row, with seenPerson, or of a record's.
type seen struct {
	row  leak.Row
	bits uint32
}

const seenPerson uint32 = 1 << 29

// seen collects what people and records were noted of.
func (e *Engine) seen() (all []seen, spans []Span, shown []Shown) {
	n, exact := 0, 0
	for _, of := range [][]atomic.Uint32{e.people, e.records} {
		exact = 0
		for i := range of {
			bits := of[i].Load()
			if bits != 0 {
				n++
			}
			if bits&seenVersion != 0 {
				exact++
			}
		}
	}
	all, spans, shown = pages.Make[seen](0, n), pages.Make[Span](0, n), pages.Make[Shown](0, exact)
	for i := range e.people {
		bits := e.people[i].Load()
		if bits == 0 {
			continue
		}
		h := e.table.Held(int32(i))
		all = append(all, seen{h.Row, bits | seenPerson})
		if bits&seenVersion != 0 {
			spans = append(spans, Span{h.From, e.table.HeldUntil(int32(i))})
		}
	}
	for i := range e.records {
		bits := e.records[i].Load()
		if bits == 0 {
			continue
		}
		all = append(all, seen{e.table.Version(int32(i)).Row, bits})
		if bits&seenVersion != 0 {
			v := e.table.Version(int32(i))
			spans, shown = append(spans, Span{v.From, e.table.Until(int32(i))}), append(shown, Shown{v.Row, v.From})
		}
	}
	return all, spans, shown
}

// rows lists patients, records and cells of what was seen, ascending by row. A row with
// several versions comes once, with what was read of each. Stretches of all are counted, and
// then listed, side by side.
func (r *Result) rows(all []seen) {
	cuts := stretches(all, runtime.GOMAXPROCS(0))
	before := make([]tally, len(cuts)+1)
	var each sync.WaitGroup
	for i, one := range cuts {
		each.Go(func() { once(one, before[i+1].count) })
	}
	each.Wait()
	for i := range cuts {
		before[i+1].add(before[i])
	}
	sum := before[len(cuts)]
	r.Patients, r.Known = pages.Make[leak.Row](sum.patients, sum.patients), pages.Make[leak.Row](sum.known, sum.known)
	r.Cells = pages.Make[leak.Observed](sum.cells, sum.cells)
	for i, one := range cuts {
		each.Go(func() {
			at := before[i]
			once(one, func(s seen) {
				observed(r.Cells[at.cells:at.cells], s.row, s.bits)
				switch {
				case !s.matched():
				case s.bits&seenPerson != 0:
					r.Patients[at.patients] = s.row
				default:
					r.Known[at.known] = s.row
				}
				at.count(s)
			})
		})
	}
	each.Wait()
}

func (s seen) matched() bool { return s.bits&seenMatched != 0 && s.row != 0 }

// stretches cuts all into n at most, none within a row.
func stretches(all []seen, n int) (cuts [][]seen) {
	for ; n > 0 && len(all) > 0; n-- {
		to := len(all) / n
		for to < len(all) && (to == 0 || all[to].row == all[to-1].row) {
			to++
		}
		cuts, all = append(cuts, all[:to]), all[to:]
	}
	return cuts
}

// once gives each row once, with all that was seen of it.
func once(all []seen, give func(seen)) {
	for i := 0; i < len(all); {
		one := all[i]
		for i++; i < len(all) && all[i].row == one.row; i++ {
			one.bits |= all[i].bits
		}
		give(one)
	}
}

// tally is how many patients, records and cells there are.
type tally struct{ patients, known, cells int }

func (t *tally) add(o tally) {
	t.patients, t.known, t.cells = t.patients+o.patients, t.known+o.known, t.cells+o.cells
}

func (t *tally) count(s seen) {
	t.cells += bits.OnesCount32(s.bits & seenMarks)
	switch {
	case !s.matched():
	case s.bits&seenPerson != 0:
		t.patients++
	default:
		t.known++
	}
}

// observed appends the cells that bits hold; one that was read in both spellings comes twice.
func observed(out []leak.Observed, row leak.Row, shown uint32) []leak.Observed {
	for shown &= seenMarks; shown != 0; shown &= shown - 1 {
		at := bits.TrailingZeros32(shown)
		p := places[at/2]
		out = append(out, leak.Observed{Cell: leak.Cell{Row: row, Family: p.family, Index: p.index}, Symbol: at%2 == 1})
	}
	return out
}
