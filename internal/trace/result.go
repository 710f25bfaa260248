package trace

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/pages"
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
	// Numbers is rows of Own that show what reads as a record's number: the rest shows a facility and a day.
	Numbers int64

	// Documents is files that are compared as a whole, and DocumentsFound those of them that are ours;
	// the rest is of altered ones, which are nobody's.
	Documents, DocumentsFound, DocumentDecoys, DocumentDecoysFound int64
}

func (c *Counts) all() []*int64 {
	return []*int64{&c.Rows, &c.NIKs, &c.People, &c.Short, &c.Matched, &c.Records,
		&c.ByNIK, &c.ByShort, &c.ByRef, &c.ByBorn, &c.ByCall, &c.OnPhone, &c.OnName, &c.OnWords, &c.OnAddress, &c.OnRecord, &c.OnVisit,
		&c.Decoys, &c.Invented, &c.InventedPeople, &c.InventedMatched, &c.Own, &c.OwnRight, &c.OwnDecoys, &c.OwnDecoysRight, &c.Numbers, &c.Documents, &c.DocumentsFound, &c.DocumentDecoys, &c.DocumentDecoysFound}
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

// Mute returns how many rows say too little for one of ours to be recognised, and were not:
// those without a plausible NIK, and those whose NIK, or its first fifteen digits, is somebody's
// of ours while nothing beside it agrees. Rows of the first kind that were recognised by a record's
// number are counted as if they were not.
func (c *Counts) Mute() int64 {
	others := c.Matched - c.ByNIK - c.ByShort - c.ByRef // recognised without a NIK
	return max(c.Rows-c.NIKs-others, 0) + c.People - c.ByNIK + c.Short - c.ByShort
}

// Telling returns how many rows show a plausible NIK and are not mute, and how many of them
// were recognised by it.
func (c *Counts) Telling() (found, of int64) {
	found = c.ByNIK + c.ByShort
	return found, c.NIKs - c.People - c.Short + found
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
	Shown    []Shown    // ascending: each version of a record that was seen, once
	Cells    []leak.Observed
	Tokens   []Token
	Views    []leak.ViewToken // ascending: names of single views that stand anywhere in it
	// Strangers are tags of rows that are nobody's and might be canaries'.
	Strangers leak.Strangers
	Files     []Document
	Papers    []Paper // documents of ours that were found, ascending by source
}

// Shown is a version of a record that the sample shows: the one written in that minute.
type Shown struct {
	Row  leak.Row
	From norm.Minute
}

// Result returns what was observed, after the walk has ended.
func (e *Engine) Result() *Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := e.passed
	for _, p := range e.ahead { // of batches whose walk says nothing of turns
		of.add(p)
	}
	r := &Result{Counts: of.counts, Against: e.table.People(), Invent: e.table.Decoys()}
	var rest sync.WaitGroup // of what has nothing to do with the rest
	rest.Go(func() { r.Tokens = inOrder(of.tokens) })
	var all []seen
	all, r.Spans, r.Shown = e.seen()
	rest.Go(func() {
		r.Strangers = e.strangers.found()
		r.Spans = ascending(r.Spans, func(s *Span) uint64 { return uint64(s.From)<<32 | uint64(s.To) })
		r.Shown = ascending(r.Shown, func(s *Shown) uint64 { return uint64(s.From) }) // a row may be under several NIKs
		r.Shown = slices.Compact(ascending(r.Shown, func(s *Shown) uint64 { return uint64(s.Row) }))
	})
	r.rows(ascending(all, func(s *seen) uint64 { return uint64(s.row) }))
	rest.Wait()
	r.Views = slices.Clone(of.views)
	slices.SortFunc(r.Views, func(a, b leak.ViewToken) int { return bytes.Compare(a[:], b[:]) })
	r.Views = slices.Compact(r.Views)
	r.Files = slices.Clone(of.docs)
	slices.SortStableFunc(r.Files, func(a, b Document) int { return cmp.Compare(a.Source, b.Source) })
	r.Papers = slices.Clone(of.found)
	for _, d := range r.Files {
		r.Papers = append(r.Papers, d.Found...)
	}
	r.Papers = unique(r.Papers)
	return r
}

// inOrder returns tokens ascending by row and token, each once.
func inOrder(parts [][]Token) []Token {
	n := 0
	for _, t := range parts {
		n += len(t)
	}
	all := pages.Make[Token](0, n)
	for _, t := range parts {
		all = append(all, t...)
	}
	all = ascending(all, func(t *Token) uint64 { return uint64(t.Row) })
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to].Row == all[from].Row {
			to++
		}
		if one := all[from:to]; len(one) > 1<<10 { // of rows that are nobody's
			copy(one, ascending(one, func(t *Token) uint64 { return binary.BigEndian.Uint64(t.Token[:]) }))
		} else {
			slices.SortFunc(one, func(a, b Token) int { return bytes.Compare(a.Token[:], b.Token[:]) })
		}
		from = to
	}
	return slices.Compact(all)
}

// ascending sorts by a key, keeping the order of equals: a radix sort, since a dump of
// millions has tens of millions of marks.
func ascending[T any](all []T, key func(*T) uint64) []T {
	other := pages.Make[T](len(all), len(all))
	var counts [8][256]int
	for i := range all {
		k := key(&all[i])
		for d := range counts {
			counts[d][byte(k>>(8*d))]++
		}
	}
	for d := range counts {
		c := &counts[d]
		at, most := 0, 0
		for i, n := range c {
			c[i], most = at, max(most, n)
			at += n
		}
		if most == len(all) {
			continue // all alike in this byte
		}
		for i := range all {
			b := byte(key(&all[i]) >> (8 * d))
			other[c[b]] = all[i]
			c[b]++
		}
		all, other = other, all
	}
	return all
}
