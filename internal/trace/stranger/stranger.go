// Package stranger is a thief for tests: somebody who was given copies of an export, knows
// nothing of how they are marked, and posts them in a form of their own.
//
// It was written apart from the simulator that the tracing was tuned with, shares no code with
// it, and works on files as people do: columns are renamed, dropped and moved, rows shuffled,
// sampled, sorted and invented, values spelled another way, copies of several people put
// together. The same seed makes the same file.
package stranger

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// Table is a copy as a spreadsheet shows it.
type Table struct {
	Names []string
	Rows  [][]string
}

// ErrForm is of a file that is neither CSV nor NDJSON.
var ErrForm = errors.New("stranger: neither a CSV nor NDJSON")

// Read reads an export: CSV with a header, or NDJSON, whose nested members get dotted names.
func Read(b []byte) (Table, error) {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return readLines(b)
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 {
		return Table{}, ErrForm
	}
	return Table{all[0], all[1:]}, nil
}

func readLines(b []byte) (Table, error) {
	var t Table
	column := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for {
		var v any
		if err := d.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			return Table{}, ErrForm
		}
		flat := map[string]string{}
		flatten("", v, flat)
		names := make([]string, 0, len(flat))
		for n := range flat {
			names = append(names, n)
		}
		sort.Strings(names)
		row := make([]string, len(t.Names))
		for _, n := range names {
			i, ok := column[n]
			if !ok {
				i = len(t.Names)
				column[n], t.Names, row = i, append(t.Names, n), append(row, "")
			}
			row[i] = flat[n]
		}
		t.Rows = append(t.Rows, row)
	}
	for i, row := range t.Rows {
		t.Rows[i] = append(row, make([]string, len(t.Names)-len(row))...)
	}
	return t, nil
}

func flatten(name string, v any, to map[string]string) {
	join := func(s string) string { return strings.TrimPrefix(name+"."+s, ".") }
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(join(k), x, to)
		}
	case []any:
		for i, x := range v {
			flatten(join(fmt.Sprint(i)), x, to)
		}
	case nil:
	default:
		to[name] = fmt.Sprint(v)
	}
}

// clone copies a table, so that an attack leaves the copies as they are.
func (t Table) clone() Table {
	out := Table{slices.Clone(t.Names), make([][]string, len(t.Rows))}
	for i, r := range t.Rows {
		out.Rows[i] = slices.Clone(r)
		for len(out.Rows[i]) < len(out.Names) {
			out.Rows[i] = append(out.Rows[i], "")
		}
		out.Rows[i] = out.Rows[i][:len(out.Names)]
	}
	return out
}

// key returns the column by which rows of several copies are found to be of one record: the
// one whose values most copies share and that differ within each. A row token is none: it is
// another in each copy.
func key(copies []Table) int {
	best, most := -1, 0
	for c := range copies[0].Names {
		count := map[string]int{}
		for _, t := range copies {
			seen := map[string]bool{}
			for _, r := range t.Rows {
				if c < len(r) && r[c] != "" && !seen[r[c]] {
					seen[r[c]] = true
					count[r[c]]++
				}
			}
		}
		shared := 0
		for _, n := range count {
			if n == len(copies) {
				shared++
			}
		}
		if shared > most {
			best, most = c, shared
		}
	}
	return best
}

// aligned gives each record's rows of all copies that have it, in the order of the first.
func aligned(copies []Table) [][][]string {
	k := key(copies)
	if k < 0 {
		return nil
	}
	place := map[string]int{}
	var out [][][]string
	for _, t := range copies {
		for _, r := range t.Rows {
			i, ok := place[r[k]]
			if !ok {
				i = len(out)
				place[r[k]], out = i, append(out, nil)
			}
			out[i] = append(out[i], r)
		}
	}
	return out
}

// Merge makes one table of several copies.
type Merge struct {
	Name string
	Do   func(r *rand.Rand, copies []Table) Table
}

// Merges are the ways in which several people put their copies together.
func Merges() []Merge {
	each := func(pick func(r *rand.Rand, rows [][]string) []string) func(*rand.Rand, []Table) Table {
		return func(r *rand.Rand, copies []Table) Table {
			out := Table{Names: slices.Clone(copies[0].Names)}
			for _, rows := range aligned(copies) {
				if row := pick(r, rows); row != nil {
					out.Rows = append(out.Rows, row)
				}
			}
			return out
		}
	}
	cells := func(choose func(r *rand.Rand, values []string) string) func(*rand.Rand, []Table) Table {
		return each(func(r *rand.Rand, rows [][]string) []string {
			out := slices.Clone(rows[0])
			for c := range out {
				var values []string
				for _, row := range rows {
					values = append(values, row[c])
				}
				out[c] = choose(r, values)
			}
			return out
		})
	}
	return []Merge{
		{"one copy", func(r *rand.Rand, copies []Table) Table { return copies[r.IntN(len(copies))].clone() }},
		{"row by row", each(func(r *rand.Rand, rows [][]string) []string { return slices.Clone(rows[r.IntN(len(rows))]) })},
		{"cell by cell", cells(func(r *rand.Rand, v []string) string { return v[r.IntN(len(v))] })},
		{"what most say", cells(func(_ *rand.Rand, v []string) string { return common(v, true) })},
		{"what fewest say", cells(func(_ *rand.Rand, v []string) string { return common(v, false) })},
		{"the longest spelling", cells(func(_ *rand.Rand, v []string) string {
			return slices.MaxFunc(v, func(a, b string) int { return len(a) - len(b) })
		})},
		{"the first in the alphabet", cells(func(_ *rand.Rand, v []string) string { return slices.Min(v) })},
		{"blank where they differ", cells(func(_ *rand.Rand, v []string) string {
			if slices.Min(v) != slices.Max(v) {
				return ""
			}
			return v[0]
		})},
		{"only what all have", each(func(r *rand.Rand, rows [][]string) []string {
			if len(rows) < 2 {
				return nil
			}
			return slices.Clone(rows[r.IntN(len(rows))])
		})},
		{"blocks of rows in turn", func(r *rand.Rand, copies []Table) Table {
			out := Table{Names: slices.Clone(copies[0].Names)}
			block := 1 + r.IntN(50)
			for i, rows := range aligned(copies) {
				out.Rows = append(out.Rows, slices.Clone(rows[(i/block)%len(rows)]))
			}
			return out
		}},
	}
}

// common returns the value that most or fewest say, the first of equals.
func common(values []string, most bool) string {
	count := map[string]int{}
	for _, v := range values {
		count[v]++
	}
	best := values[0]
	for _, v := range values {
		if most && count[v] > count[best] || !most && count[v] < count[best] {
			best = v
		}
	}
	return best
}
