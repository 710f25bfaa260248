package index

import (
	"cmp"
	"slices"
)

// Set is an index in memory: people ascending by Full and From, with the versions of their
// records ascending by Row and From behind each person's first Identity.
type Set struct {
	People   []Identity
	Counts   []uint32 // versions of each of People; on a person's first Identity
	Versions []Version
	Decoys   []Tag // ascending, nobody's

	Documents []Document // ascending by Of, Row and From
}

// pending are changes to an index in the order in which they came.
type pending struct {
	people  []Identity
	records []Records
	seqs    [2][]int // of each, its place among all
	seq     int
}

func (p *pending) add(b Batch) {
	for _, id := range b.People {
		p.people = append(p.people, id)
		p.seqs[0] = append(p.seqs[0], p.seq)
		p.seq++
	}
	for _, r := range b.Records {
		p.records = append(p.records, r)
		p.seqs[1] = append(p.seqs[1], p.seq)
		p.seq++
	}
}

// sorted returns the places of changes, ascending by person and, of one person, as they came.
func (p *pending) sorted() (people, records []int32) {
	people, records = make([]int32, len(p.people)), make([]int32, len(p.records))
	for i := range people {
		people[i] = int32(i)
	}
	for i := range records {
		records[i] = int32(i)
	}
	slices.SortFunc(people, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.people[a].Full, p.people[b].Full), cmp.Compare(a, b))
	})
	slices.SortFunc(records, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.records[a].Of, p.records[b].Of), cmp.Compare(a, b))
	})
	return people, records
}

// one is all of one person.
type one struct {
	people   []Identity
	versions []Version
	decoy    bool

	documents []Document
}

// clear forgets all, and keeps the room.
func (o *one) clear() {
	*o = one{people: o.people[:0], versions: o.versions[:0], documents: o.documents[:0]}
}

// apply makes the changes to a person in the order in which they came. A decoy gives way to
// whoever has its NIK, for good.
func (o *one) apply(p *pending, people, records []int32) {
	for len(people) > 0 || len(records) > 0 {
		if len(records) == 0 || len(people) > 0 && p.seqs[0][people[0]] < p.seqs[1][records[0]] {
			id := p.people[people[0]]
			people = people[1:]
			switch id.Kind {
			case Gone:
				o.clear()
			case Decoy:
				o.decoy = true
			default:
				o.people = append(o.people, id)
			}
			continue
		}
		o.versions = append(o.versions, p.records[records[0]].Versions...)
		o.documents = append(o.documents, p.records[records[0]].Documents...)
		records = records[1:]
	}
	o.tidy()
}

// tidy sorts, and keeps of what is there twice the later one.
func (o *one) tidy() {
	slices.SortStableFunc(o.people, func(a, b Identity) int { return cmp.Compare(a.From, b.From) })
	o.people = lastOf(o.people, func(a, b *Identity) bool { return a.From == b.From })
	slices.SortStableFunc(o.versions, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.From, b.From))
	})
	o.versions = lastOf(o.versions, func(a, b *Version) bool { return a.Row == b.Row && a.From == b.From })
	o.documents = tidyDocuments(o.documents)
}

func lastOf[T any](all []T, same func(a, b *T) bool) []T {
	kept := all[:0]
	for i := range all {
		if n := len(kept); n > 0 && same(&kept[n-1], &all[i]) {
			kept[n-1] = all[i]
			continue
		}
		kept = append(kept, all[i])
	}
	return kept
}

// source gives people ascending, each with all that is known of them.
type source interface {
	peek() (Tag, bool)
	next(*one) error
}

// sink takes what a merge makes, ascending.
type sink interface {
	person(full Tag, o *one) error
	decoy(Tag) error
}

// merge puts pending changes into what a source gives.
func merge(old source, decoys []Tag, p *pending, to sink) error {
	people, records := p.sorted()
	var o one
	for {
		full, more := old.peek()
		pick := func(t Tag) {
			if !more || t < full {
				full, more = t, true
			}
		}
		has, _ := old.peek()
		any := more
		if len(people) > 0 {
			pick(p.people[people[0]].Full)
		}
		if len(records) > 0 {
			pick(p.records[records[0]].Of)
		}
		if len(decoys) > 0 {
			pick(decoys[0])
		}
		if !more {
			return nil
		}
		o.clear()
		if any && has == full {
			if err := old.next(&o); err != nil {
				return err
			}
		}
		if len(decoys) > 0 && decoys[0] == full {
			o.decoy = true
			decoys = decoys[1:]
		}
		n, m := 0, 0
		for n < len(people) && p.people[people[n]].Full == full {
			n++
		}
		for m < len(records) && p.records[records[m]].Of == full {
			m++
		}
		if n+m > 0 { // who stays as they are is tidy
			o.apply(p, people[:n], records[:m])
			people, records = people[n:], records[m:]
		}
		if err := deliver(to, full, &o); err != nil {
			return err
		}
	}
}

func deliver(to sink, full Tag, o *one) error {
	if len(o.people) == 0 && len(o.versions)+len(o.documents) > 0 {
		o.people = append(o.people, Identity{Full: full, Bind: full}) // known by records alone
	}
	switch {
	case len(o.people) > 0:
		return to.person(full, o)
	case o.decoy:
		return to.decoy(full)
	}
	return nil
}

// person makes a Set a sink.
func (s *Set) person(_ Tag, o *one) error {
	for i := range o.people {
		s.People = append(s.People, o.people[i])
		s.Counts = append(s.Counts, 0)
		if i == 0 {
			s.Counts[len(s.Counts)-1] = uint32(len(o.versions))
		}
	}
	s.Versions = append(s.Versions, o.versions...)
	s.Documents = append(s.Documents, o.documents...)
	return nil
}

func (s *Set) decoy(t Tag) error {
	s.Decoys = append(s.Decoys, t)
	return nil
}

// nothing is a source of nobody.
type nothing struct{}

func (nothing) peek() (Tag, bool) { return 0, false }
func (nothing) next(*one) error   { return nil }

// NewSet returns the index that batches make, in memory.
func NewSet(batches ...Batch) *Set {
	var p pending
	for _, b := range batches {
		p.add(b)
	}
	s := new(Set)
	_ = merge(nothing{}, nil, &p, s) // neither of them fails
	return s
}
