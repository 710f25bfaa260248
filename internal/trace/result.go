package trace

import (
	"bytes"
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Counts are what the rows of a dump came to. All are of rows.
type Counts struct {
	Rows    int64
	NIKs    int64 // with a plausible NIK
	People  int64 // whose NIK is somebody's in the index
	Short   int64 // whose NIK has a zero at its end and somebody's first fifteen digits
	Matched int64 // that agree with a person in a NIK and something else, or in a composite
	Records int64 // of them, that are of a record that is known

	ByNIK, ByShort, ByRef, ByBorn, ByCall                  int64 // of Matched, how the person was found
	OnPhone, OnName, OnWords, OnAddress, OnRecord, OnVisit int64 // and what else agreed

	Decoys                                    int64 // whose NIK is a decoy
	Invented, InventedPeople, InventedMatched int64 // invented rows, those whose NIK is somebody's, those that match

	// Own is rows that say something that only we hold and OwnRight those in which it is
	// right; OwnDecoys and OwnDecoysRight are the same of claims that were never true.
	Own, OwnRight, OwnDecoys, OwnDecoysRight int64
}

func (c *Counts) all() []*int64 {
	return []*int64{&c.Rows, &c.NIKs, &c.People, &c.Short, &c.Matched, &c.Records,
		&c.ByNIK, &c.ByShort, &c.ByRef, &c.ByBorn, &c.ByCall, &c.OnPhone, &c.OnName, &c.OnWords, &c.OnAddress, &c.OnRecord, &c.OnVisit,
		&c.Decoys, &c.Invented, &c.InventedPeople, &c.InventedMatched, &c.Own, &c.OwnRight, &c.OwnDecoys, &c.OwnDecoysRight}
}

func (c *Counts) add(o *Counts) {
	to := c.all()
	for i, n := range o.all() {
		*to[i] += *n
	}
}

func (c *Counts) by(h how) {
	for i, n := range [...]*int64{&c.ByNIK, &c.ByShort, &c.ByRef, &c.ByBorn, &c.ByCall,
		&c.OnPhone, &c.OnName, &c.OnWords, &c.OnAddress, &c.OnRecord, &c.OnVisit} {
		if h&(1<<i) != 0 {
			*n++
		}
	}
}

// Span is when a version that was seen held: from its minute until To, or still when To is
// index.Open.
type Span struct{ From, To norm.Minute }

// Result is all that a trace observed. It is the same for the same files and index.
type Result struct {
	Counts
	Against int // identities in the index
	Invent  int // decoys in it

	Patients []leak.Row // ascending: of people who matched
	Known    []leak.Row // ascending: of records that matched
	Spans    []Span     // ascending: each version that was seen, once
	Cells    []leak.Observed
	Tokens   []Token
	Canaries []uint32 // ascending
	Files    []Document
}

// Result returns what was observed, after the walk has ended.
func (e *Engine) Result() *Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &Result{Counts: e.counts, Against: e.table.People(), Invent: e.table.Decoys()}
	for i := range e.people {
		bits := e.people[i].Load()
		if bits == 0 {
			continue
		}
		h := e.table.Held(int32(i))
		if bits&seenMatched != 0 && h.Kind == index.Canary {
			r.Canaries = append(r.Canaries, h.N)
		} else if bits&seenMatched != 0 && h.Row != 0 {
			r.Patients = append(r.Patients, h.Row)
		}
		if bits&seenVersion != 0 && h.Kind != index.Canary {
			r.Spans = append(r.Spans, Span{h.From, h.To})
		}
		r.Cells = observed(r.Cells, h.Row, bits)
	}
	r.fromRecords(e.records, e.table)
	slices.Sort(r.Patients)
	slices.Sort(r.Known)
	slices.Sort(r.Canaries)
	slices.SortFunc(r.Spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	slices.SortFunc(r.Cells, func(a, b leak.Observed) int {
		c := cmp.Or(cmp.Compare(a.Cell.Row, b.Cell.Row), cmp.Compare(a.Cell.Index, b.Cell.Index), cmp.Compare(a.Cell.Family, b.Cell.Family))
		if c == 0 && a.Symbol != b.Symbol {
			if a.Symbol {
				return 1
			}
			return -1
		}
		return c
	})
	r.Tokens = slices.Clone(e.tokens)
	slices.SortFunc(r.Tokens, func(a, b Token) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), bytes.Compare(a.Token[:], b.Token[:]))
	})
	r.Patients, r.Known, r.Canaries = slices.Compact(r.Patients), slices.Compact(r.Known), slices.Compact(r.Canaries)
	r.Cells, r.Tokens = slices.Compact(r.Cells), slices.Compact(r.Tokens)
	r.Files = slices.Clone(e.docs)
	slices.SortStableFunc(r.Files, func(a, b Document) int { return cmp.Compare(a.Source, b.Source) })
	return r
}

// fromRecords adds what was seen of versions of records.
func (r *Result) fromRecords(all []atomic.Uint32, table *index.Table) {
	for i := range all {
		bits := all[i].Load()
		if bits == 0 {
			continue
		}
		v := table.Version(int32(i))
		r.Known = append(r.Known, v.Row)
		r.Cells = observed(r.Cells, v.Row, bits)
		if bits&seenVersion != 0 {
			r.Spans = append(r.Spans, Span{v.From, table.Until(int32(i))})
		}
	}
}

// observed appends the cells that bits hold; one that was read in both spellings comes twice.
func observed(out []leak.Observed, row leak.Row, bits uint32) []leak.Observed {
	for i, p := range places {
		for symbol := range 2 {
			if bits&(1<<(2*i+symbol)) != 0 {
				out = append(out, leak.Observed{Cell: leak.Cell{Row: row, Family: p.family, Index: p.index}, Symbol: symbol == 1})
			}
		}
	}
	return out
}
