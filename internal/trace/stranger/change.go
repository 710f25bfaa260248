package stranger

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// Change alters a table in place of its owner.
type Change struct {
	Name string
	Do   func(r *rand.Rand, t *Table)
}

// each alters every value that is not empty, with the chance given.
func each(chance float64, f func(r *rand.Rand, v string) string) func(*rand.Rand, *Table) {
	return func(r *rand.Rand, t *Table) {
		for _, row := range t.Rows {
			for c, v := range row {
				if v != "" && r.Float64() < chance {
					row[c] = f(r, v)
				}
			}
		}
	}
}

// keep keeps some columns, in an order.
func (t *Table) keep(columns []int) {
	pick := func(row []string) []string {
		out := make([]string, len(columns))
		for i, c := range columns {
			out[i] = row[c]
		}
		return out
	}
	t.Names = pick(t.Names)
	for i, row := range t.Rows {
		t.Rows[i] = pick(row)
	}
}

var (
	isoDate = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)$`)
	phone   = regexp.MustCompile(`^(?:\+62|62|0)(8\d{7,12})$`)
	sixteen = regexp.MustCompile(`^\d{16}$`)
	spaces  = regexp.MustCompile(`\s+`)
)

// Columns are changes of columns.
func Columns() []Change {
	return []Change{
		{"as they are", func(*rand.Rand, *Table) {}},
		{"renamed", func(_ *rand.Rand, t *Table) {
			for i := range t.Names {
				t.Names[i] = fmt.Sprintf("col%d", i)
			}
		}},
		{"in capitals", func(_ *rand.Rand, t *Table) {
			for i, n := range t.Names {
				t.Names[i] = strings.ToUpper(strings.ReplaceAll(n, ".", "_"))
			}
		}},
		{"moved", func(r *rand.Rand, t *Table) { t.keep(r.Perm(len(t.Names))) }},
		{"some dropped", func(r *rand.Rand, t *Table) {
			all := r.Perm(len(t.Names))
			t.keep(all[:max(1, len(all)*(60+r.IntN(35))/100)])
		}},
		{"those without repetition dropped, but for one", func(_ *rand.Rand, t *Table) {
			var columns []int
			unique := 0
			for c := range t.Names {
				seen := map[string]bool{}
				for _, row := range t.Rows {
					seen[row[c]] = true
				}
				if len(seen) == len(t.Rows) && len(t.Rows) > 1 && !sixteen.MatchString(t.Rows[0][c]) {
					if unique++; unique > 1 {
						continue
					}
				}
				columns = append(columns, c)
			}
			t.keep(columns)
		}},
	}
}

// Rows are changes of rows.
func Rows() []Change {
	shuffle := func(r *rand.Rand, t *Table) {
		r.Shuffle(len(t.Rows), func(i, j int) { t.Rows[i], t.Rows[j] = t.Rows[j], t.Rows[i] })
	}
	return []Change{
		{"all", func(*rand.Rand, *Table) {}},
		{"shuffled", shuffle},
		{"half of them", func(r *rand.Rand, t *Table) {
			shuffle(r, t)
			t.Rows = t.Rows[:(len(t.Rows)+1)/2]
		}},
		{"a sorted beginning", func(r *rand.Rand, t *Table) {
			c := r.IntN(len(t.Names))
			slices.SortStableFunc(t.Rows, func(a, b []string) int { return strings.Compare(a[c], b[c]) })
			t.Rows = t.Rows[:max(1, len(t.Rows)*3/4)]
		}},
		{"a stretch from the middle", func(_ *rand.Rand, t *Table) {
			n := len(t.Rows)
			t.Rows = t.Rows[n/5 : max(n*4/5, min(n, n/5+1))]
		}},
		{"some twice", func(r *rand.Rand, t *Table) {
			for range len(t.Rows) / 10 {
				t.Rows = append(t.Rows, slices.Clone(t.Rows[r.IntN(len(t.Rows))]))
			}
		}},
		{"invented ones among them", invent},
	}
}

// invent mixes values of different rows into rows of nobody, with new numbers.
func invent(r *rand.Rand, t *Table) {
	n := len(t.Rows)
	for range n / 4 {
		row := make([]string, len(t.Names))
		for c := range row {
			if row[c] = t.Rows[r.IntN(n)][c]; sixteen.MatchString(row[c]) {
				row[c] = row[c][:12] + fmt.Sprintf("%04d", r.IntN(10000))
			}
		}
		at := r.IntN(len(t.Rows) + 1)
		t.Rows = slices.Insert(t.Rows, at, row)
	}
}

// Values are changes of values.
func Values() []Change {
	return []Change{
		{"as they are", func(*rand.Rand, *Table) {}},
		{"in capitals", each(1, func(_ *rand.Rand, v string) string { return strings.ToUpper(v) })},
		{"small", each(1, func(_ *rand.Rand, v string) string { return strings.ToLower(v) })},
		{"dates by day first", each(1, func(_ *rand.Rand, v string) string { return isoDate.ReplaceAllString(v, "$3/$2/$1") })},
		{"telephones in one spelling", each(1, func(_ *rand.Rand, v string) string { return phone.ReplaceAllString(v, "0$1") })},
		{"NIKs with an apostrophe", each(1, func(_ *rand.Rand, v string) string {
			if sixteen.MatchString(v) {
				return "'" + v
			}
			return v
		})},
		{"NIKs rounded as by a spreadsheet", each(1, func(_ *rand.Rand, v string) string {
			if sixteen.MatchString(v) {
				return v[:15] + "0"
			}
			return v
		})},
		{"without full stops", each(1, func(_ *rand.Rand, v string) string { return strings.ReplaceAll(v, ".", "") })},
		{"spaces doubled or around", each(0.3, func(r *rand.Rand, v string) string {
			if r.IntN(2) == 0 {
				return " " + v + " "
			}
			return spaces.ReplaceAllString(v, "  ")
		})},
		{"mistyped here and there", each(0.02, func(r *rand.Rand, v string) string {
			b := []byte(v)
			i := r.IntN(len(b))
			return string(append(b[:i:i], b[i+1:]...))
		})},
	}
}
