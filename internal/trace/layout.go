package trace

import (
	"math/rand/v2"

	"github.com/amanah-project/amanah/internal/domain/leak/carrier"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

// sampled is how many rows of a batch tell what its columns are.
const sampled = 80

// layout is what the columns of one batch are. It follows from the batch alone, so that it
// is the same on any number of cores, and from content: a name is used only to know a column
// again in rows that lack some, and to tell whether an optional one is there.
type layout struct {
	at   []column          // by place
	by   map[string]column // by name, of batches whose rows are not all alike
	here []int             // of carrier.Places, those of Presence whose column the batch has

	// Of a table, in which a column has one place in all rows: types by place, and the places of
	// columns that a NIK may stand in.
	fixed          bool
	kinds          []norm.Type
	people, others []int
}

// fix notes that columns have one place each.
func (l *layout) fix() {
	l.fixed = true
	for k, c := range l.at {
		l.kinds = append(l.kinds, c.kind)
		switch c.kind {
		case norm.Person:
			l.people = append(l.people, k)
		case norm.Other:
			l.others = append(l.others, k)
		}
	}
}

type column struct {
	name string
	kind norm.Type
}

// scattered is a row of the n-th stretch of so many, each at another place of its own: a fixed
// step would meet the same kind of row each time where kinds take turns, as one person's
// records do in an export. It is the same for the same batch.
func scattered(n, step int) int {
	var draw rand.PCG
	draw.Seed(uint64(n), uint64(step))
	return n*step + int(draw.Uint64()%uint64(step))
}

// observe looks at some rows, over the whole batch.
func observe(rows []dump.Row, presence []carrier.Place) *layout {
	l := &layout{by: map[string]column{}}
	step := max(1, len(rows)/sampled)
	var at []norm.Column
	var names []string
	by := map[string]*norm.Column{}
	for n, i := 0, 0; i < len(rows); n, i = n+1, scattered(n+1, step) {
		for k, f := range rows[i].Fields {
			if k == len(at) {
				at, names = append(at, norm.Column{}), append(names, f.Name)
			}
			if f.Name == names[k] {
				at[k].Add(f.Value)
				continue
			}
			if by[f.Name] == nil {
				by[f.Name] = new(norm.Column)
			}
			by[f.Name].Add(f.Value)
		}
	}
	for k := range at {
		l.at = append(l.at, column{names[k], at[k].Type()})
		if names[k] != "" {
			l.by[names[k]] = l.at[k]
		}
	}
	for name, c := range by {
		if _, known := l.by[name]; !known && name != "" {
			l.by[name] = column{name, c.Type()}
		}
	}
	for i, p := range presence {
		if l.has(p) {
			l.here = append(l.here, i)
		}
	}
	return l
}

func (l *layout) has(p carrier.Place) bool {
	for _, name := range []string{p.Column, p.Path} {
		if _, ok := l.by[name]; ok && name != "" {
			return true
		}
	}
	return false
}

// kind returns what the k-th field of a row is.
func (l *layout) kind(k int, f *dump.Field) norm.Type {
	if k < len(l.at) && l.at[k].name == f.Name {
		return l.at[k].kind
	}
	if c, ok := l.by[f.Name]; ok {
		return c.kind
	}
	return norm.Guess(f.Value)
}

// maxEach is how many columns of one type are used; more are not those of one person.
const maxEach = 6

// sorted are a row's raw values by type.
type sorted struct {
	of [norm.Digest + 1][maxEach][]byte
	n  [norm.Digest + 1]int
}

func (s *sorted) fill(l *layout, row *dump.Row) {
	s.n = [norm.Digest + 1]int{}
	for k := range row.Fields {
		f := &row.Fields[k]
		if len(f.Value) == 0 {
			continue
		}
		var t norm.Type
		if l.fixed && k < len(l.kinds) {
			t = l.kinds[k]
		} else {
			t = l.kind(k, f)
		}
		if n := s.n[t]; n < maxEach {
			s.of[t][n] = f.Value
			s.n[t] = n + 1
		}
	}
}

// pick takes a row's values of one type, which stand at those places.
func (s *sorted) pick(t norm.Type, row *dump.Row, places []int) {
	n := 0
	for _, k := range places {
		if k < len(row.Fields) && n < maxEach && len(row.Fields[k].Value) > 0 {
			s.of[t][n] = row.Fields[k].Value
			n++
		}
	}
	s.n[t] = n
}

func (s *sorted) each(t norm.Type) [][]byte { return s.of[t][:s.n[t]] }
