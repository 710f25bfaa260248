// Package cast gives canary people the records that people of their export might have.
//
// Nothing is invented but who they are: a canary has the shape of one person's records
// (which, how many, when), each with the content of somebody else's record of the same
// sort. So no statistic of one column tells canaries from people, and no canary tells a
// person's story. What only few people's records say word by word, as notes do, is in no
// canary's; a record that cannot do without is left out.
package cast

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// Record is one record of somebody's, as exports hold it.
type Record struct {
	Ref     record.Ref
	Version uint64
	record.Content
}

// Stage is one part of an export: the people that canaries are to stand among.
type Stage struct {
	people []actor
	said   map[string]int // in how many people's records a text stands
	when   map[int64]int  // how many people have a record entered in a second
	sorts  map[string][]*scene
	taken  map[identity.PersonID]bool
}

// actor is one of the people.
type actor struct {
	id     identity.PersonID
	scenes []*scene
	nik    string
	names  map[string]bool
}

// scene is one record.
type scene struct {
	*Record
	of   int // place among people
	date string
}

// sort is what a record must have in common with another to stand for it.
func (s *scene) sort() string { return s.Type + " " + strconv.Itoa(int(s.Kind)) }

const (
	// fewest is how many people a part must have for canaries to stand among.
	fewest = 6
	// spread is in how many people's records a text must stand to be nobody's.
	spread = 3
	// block is how many numbers after each other are near (as the keeper takes it).
	block = 1024
)

// New looks at a part's people, ascending by number, each one's records in their order;
// false when they are too few.
func New(people [][]Record) (*Stage, bool) {
	s := &Stage{said: map[string]int{}, when: map[int64]int{}, sorts: map[string][]*scene{}, taken: map[identity.PersonID]bool{}}
	for _, records := range people {
		if len(records) == 0 {
			continue
		}
		s.look(records)
	}
	return s, len(s.people) >= fewest
}

// look takes one person in.
func (s *Stage) look(records []Record) {
	a := actor{id: records[0].Ref.Person, names: map[string]bool{}}
	said, when := map[string]bool{}, map[int64]bool{}
	for i := range records {
		one := &scene{Record: &records[i], of: len(s.people)}
		r, err := fhir.Parse(one.Body)
		if err != nil {
			continue
		}
		one.date = record.DateOf(r)
		if nik := record.NIKOf(r); nik != "" {
			a.nik = nik
		}
		when[one.Entered.Unix()] = true
		_, _ = fhir.Rewrite(one.Body, fhir.Edit{Text: func(place, text string) (string, bool) {
			switch place {
			case "Patient.name.text", "Patient.name.family", "Patient.name.given":
				a.names[text] = true
			}
			said[text] = true
			for n := 2; n < len(text) && n <= maxPrefix && numbered(place); n++ {
				said[prefixOf(text, n)] = true
			}
			for _, w := range words(text) {
				said[w] = true
			}
			return text, true
		}})
		a.scenes = append(a.scenes, one)
		s.sorts[one.sort()] = append(s.sorts[one.sort()], one)
	}
	for t := range said {
		s.said[t]++
	}
	for w := range when {
		s.when[w]++
	}
	s.people = append(s.people, a)
}

// maxPrefix bounds the beginnings of identifiers that are looked at: a region's, a clinic's.
const maxPrefix = 12

// numbered reports whether identifiers or codes of places stand at a place.
func numbered(place string) bool {
	return strings.HasSuffix(place, "dentifier.value") || strings.HasSuffix(place, ".postalCode")
}

// prefixOf is what the beginning of an identifier is noted as.
func prefixOf(text string, n int) string { return "\x00" + text[:n] }

// everybody reports whether a text is said of enough people to be nobody's.
func (s *Stage) everybody(text string) bool { return s.said[text] >= spread }

// Play gives a canary records, under a number of nobody's near those of whose shape they
// have. It is the same for the same key and the same people. False when nobody's shape
// will do or no number is left.
func (s *Stage) Play(k canary.Key, who canary.Person, vacant []identity.PersonID) ([]Record, bool) {
	order := make([]int, len(s.people))
	rank := map[int]uint64{}
	for i := range order {
		order[i], rank[i] = i, k.Draw("shape "+record.Ref{Person: s.people[i].id}.String()).Uint64()
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(rank[a], rank[b]) })
	for _, at := range order[:min(len(order), 8)] {
		id, ok := s.number(k, s.people[at].id, vacant)
		if !ok {
			continue
		}
		p := part{Stage: s, draw: k.Draw("content"), who: who, shape: at, id: id}
		if out, ok := p.play(); ok {
			s.taken[id] = true
			return out, true
		}
	}
	return nil, false
}

// number draws a vacant number near somebody's, between those of the part's people, that no
// other canary has: parts are in the order of numbers.
func (s *Stage) number(k canary.Key, near identity.PersonID, vacant []identity.PersonID) (best identity.PersonID, ok bool) {
	least := uint64(0)
	from, _ := slices.BinarySearch(vacant, near/block*block)
	for _, v := range vacant[from:] {
		if v/block != near/block || v > s.people[len(s.people)-1].id {
			break
		}
		if s.taken[v] || v < s.people[0].id {
			continue
		}
		if rank := k.Draw("number " + record.Ref{Person: v}.String()).Uint64(); !ok || rank < least {
			best, least, ok = v, rank, true
		}
	}
	return best, ok
}

// entered is when a canary's records were entered: with others' where that moment was
// several people's, else a little apart from whose shape they have.
func (s *Stage) entered(at time.Time, apart time.Duration) time.Time {
	if s.when[at.Unix()] >= spread {
		return at
	}
	return at.Add(apart)
}
