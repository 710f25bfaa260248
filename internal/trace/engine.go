package trace

import (
	"sync"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/carrier"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
	"github.com/amanah-project/amanah/internal/trace/pages"
)

// Engine holds what a dump.Walk reads against an index. It is a dump.Sink: batches come from
// many goroutines at once. Memory is bounded by the index's people and versions, which have
// four bytes each, and by the tokens seen.
type Engine struct {
	table    *index.Table
	presence []carrier.Place
	workers  sync.Pool // of *worker

	people  []atomic.Uint32 // of each identity: what was seen of it
	records []atomic.Uint32 // of each version of a record

	before    []uint32 // check sums of the indexes of earlier runs
	strangers strangers

	mu     sync.Mutex
	passed part           // of all that a walk has passed
	ahead  map[int64]part // of what came before its turn, by number
}

// part is what some batches came to, besides bits of people and records, which may be noted
// twice.
type part struct {
	counts Counts
	tokens [][]Token
	views  []leak.ViewToken
	docs   []Document
	found  []Paper // in texts, which are no documents of their own
}

func (p *part) add(o part) {
	p.counts.add(&o.counts)
	p.tokens, p.views, p.docs = append(p.tokens, o.tokens...), append(p.views, o.views...), append(p.docs, o.docs...)
	p.found = append(p.found, o.found...)
}

// Token is eight bytes of a column of such, as read, with the row they stood in where that is
// known and zero where it is not.
type Token struct {
	Row   leak.Row
	Token leak.Token
}

// Document is what there is to know a whole file by.
type Document struct {
	Source        int
	Kind          dump.Kind
	File, Pixels  [32]byte
	UIDs, IDs     []string
	Width, Height int
	Person        leak.Row // whose it says it is; zero when it says nothing or nobody's of ours
	Found         []Paper  // which of ours it is

	// Marks are what of UIDs and IDs may be a copy's, with what it stands for where that is known.
	Marks []Token
}

// What was seen of an identity or of a version: two bits for each cell, one for each symbol,
// and these.
const (
	seenMatched uint32 = 1 << 31 // a row was theirs
	seenVersion uint32 = 1 << 30 // this version it was that a row showed
	seenMarks   uint32 = 1<<(2*len(places)) - 1
)

// New returns an engine for one run. asker computes tags under the keys of table.
func New(table *index.Table, asker *index.Asker) *Engine {
	e := &Engine{table: table, ahead: map[int64]part{}, people: pages.Make[atomic.Uint32](table.People(), table.People()), records: pages.Make[atomic.Uint32](table.Records(), table.Records())}
	for _, p := range carrier.Places() {
		if p.Family == leak.Presence {
			e.presence = append(e.presence, p)
		}
	}
	var mu sync.Mutex
	e.workers.New = func() any {
		mu.Lock()
		defer mu.Unlock()
		return newWorker(e, asker.Clone())
	}
	return e
}

// Rows takes a batch.
func (e *Engine) Rows(b *dump.Batch) error {
	w := e.workers.Get().(*worker)
	defer e.workers.Put(w)
	w.counts, w.tokens, w.strange, w.found = Counts{}, w.tokens[:0], leak.Strangers{}, nil
	w.prose(b)
	l := observe(b.Rows, e.presence)
	if b.Kind == dump.Table {
		l.fix()
	}
	for rows := b.Rows; len(rows) > 0; {
		n := min(len(rows), index.Ask)
		w.take(l, rows[:n])
		rows = rows[n:]
	}
	e.strangers.take(w.strange)
	p := w.part()
	p.views = views(b)
	e.note(b.Number, p)
	return nil
}

// views finds names of single views, in what was read before it was cut into values, or in
// values of what has no text.
func views(b *dump.Batch) (out []leak.ViewToken) {
	found := func(v leak.ViewToken) { out = append(out, v) }
	if b.Text != nil {
		leak.FindViews(b.Text, found)
		return out
	}
	for i := range b.Rows {
		for k := range b.Rows[i].Fields {
			leak.FindViews(b.Rows[i].Fields[k].Value, found)
		}
	}
	return out
}

// part is what the worker's last rows came to.
func (w *worker) part() part {
	p := part{counts: w.counts, found: w.found}
	if n := len(w.tokens); n > 0 {
		if cap(w.room)-len(w.room) < n {
			w.room = pages.Make[Token](0, max(n, tokenRoom))
		}
		at := len(w.room)
		w.room = append(w.room, w.tokens...)
		p.tokens = [][]Token{w.room[at : at+n : at+n]}
	}
	return p
}

// tokenRoom is for how many tokens room is made at once.
const tokenRoom = 1 << 18

// note takes what a batch or document came to.
func (e *Engine) note(number int64, p part) {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.ahead[number]
	all.add(p)
	e.ahead[number] = all
}

// Document takes a file that is compared as a whole; it counts as one row. What it says of
// itself, as DICOM does of its patient, is that row.
func (e *Engine) Document(d *dump.Document) error {
	out := Document{Source: d.Source, Kind: d.Kind, File: d.FileHash, Pixels: d.PixelHash, UIDs: d.UIDs, IDs: d.IDs, Width: d.Width, Height: d.Height}
	if d.Beside {
		out.mark()
		e.note(d.Number, part{docs: []Document{out}})
		return nil
	}
	w := e.workers.Get().(*worker)
	defer e.workers.Put(w)
	w.counts, w.tokens, w.strange, w.found = Counts{}, w.tokens[:0], leak.Strangers{}, nil
	if w.whose = index.None; len(d.Fields) > 0 {
		w.take(new(layout), []dump.Row{{Source: d.Source, Fields: d.Fields}})
		e.strangers.take(w.strange)
		if at := w.whose; at >= 0 {
			out.Person = e.table.Held(at).Row
		}
	} else {
		w.counts.Rows++
	}
	var chance bool
	out.Found, chance = w.paper(d)
	w.counts.count(len(out.Found) > 0, chance, w.whose >= 0)
	out.mark()
	p := w.part()
	p.docs = []Document{out}
	e.note(d.Number, p)
	return nil
}

// Passed takes what a batch came to in its turn: what State returns is of what was passed.
func (e *Engine) Passed(m dump.Mark) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.passed.add(e.ahead[m.Number-1])
	delete(e.ahead, m.Number-1)
	return nil
}

// warm reads what was seen of people and of their first records into the processor's cache, as
// index.Table.Warm does.
func (e *Engine) warm(found []int32) (sum uint64) {
	for _, at := range found {
		if at >= 0 {
			sum += uint64(e.people[at].Load())
			if _, first := e.table.Versions(at); int(first) < len(e.records) {
				sum += uint64(e.records[first].Load())
			}
		}
	}
	return sum
}

// see notes bits of a person or of a version.
func see(all []atomic.Uint32, at int, bits uint32) {
	if v := &all[at]; v.Load()&bits != bits {
		v.Or(bits)
	}
}

// Cells that are looked for, in the order of their bits.
var places = [...]struct {
	family leak.Family
	index  uint8
}{
	{leak.Street, 0}, {leak.Neighbourhood, 0}, {leak.Telephone, 0}, {leak.Stamp, 0}, {leak.Letters, 0},
	{leak.Presence, 0}, {leak.Presence, 1}, {leak.Presence, 2}, {leak.Presence, 3},
}

// mark returns the bit of a symbol in a cell; zero for a cell that is not looked for.
func mark(f leak.Family, at uint8, symbol bool) uint32 {
	for i, p := range places {
		if p.family == f && p.index == at {
			if symbol {
				return 2 << (2 * i)
			}
			return 1 << (2 * i)
		}
	}
	return 0
}

// read returns the mark that a raw value shows.
func read(f leak.Family, raw []byte) uint32 {
	symbol, ok := carrier.Read(f, raw)
	if !ok {
		return 0
	}
	return mark(f, 0, symbol)
}

// niks takes what may be a NIK of a row.
func (s *sorted) niks(l *layout, row *dump.Row) {
	if !l.fixed || len(row.Fields) > len(l.kinds) {
		s.fill(l, row)
		return
	}
	s.pick(norm.Person, row, l.people)
	s.pick(norm.Other, row, l.others)
}

// nikOf returns the first NIK of a row, wherever it stands.
func nikOf(s *sorted) (norm.NIK, bool) {
	for _, raw := range s.each(norm.Person) {
		if n, ok := norm.ParseNIK(raw); ok {
			return n, true
		}
	}
	for _, raw := range s.each(norm.Other) {
		var got norm.NIK
		ok := false
		if len(raw) >= 16 {
			extract(raw, true, func(_ int, n norm.NIK) {
				if !ok {
					got, ok = n, true
				}
			})
		}
		if ok {
			return got, true
		}
	}
	return 0, false
}
