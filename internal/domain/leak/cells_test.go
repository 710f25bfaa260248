package leak_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// crowd is a sample of many rows of what copy 0 says, but for those that copy 3 was given,
// which are what that one says; and all copies, of which copy 3 alone is small.
func crowd(rows, few int) (leak.Sample, []leak.Holding) {
	copies := holdings(20)
	var all, own []leak.Row
	var s leak.Sample
	for r := range rows {
		row := base.Row(binary.BigEndian.AppendUint32(nil, uint32(r)))
		j := 0
		if all = append(all, row); r%(rows/few) == 0 {
			own, j = append(own, row), 3
		}
		for _, f := range families[:4] {
			c := leak.Cell{Row: row, Family: f}
			s.Cells = append(s.Cells, leak.Observed{Cell: c, Symbol: seedOf(j).Symbol(&base, c)})
		}
	}
	slices.Sort(all)
	slices.Sort(own)
	for j := range copies {
		copies[j].Rows = all
	}
	copies[3].Rows = own
	return s, copies
}

// choose freezes a sample of which no more than most cells are weighed.
func choose(s leak.Sample, copies []leak.Holding, most int) *leak.Frozen {
	f := leak.Freeze(s)
	f.Bound(most)
	var rows [][]leak.Row
	for _, h := range copies {
		rows = append(rows, h.Rows)
	}
	f.Choose(rows)
	return f
}

func used(e leak.Evidence, d leak.Domain) int {
	for _, p := range e.Parts {
		if p.Domain == d {
			return p.Used
		}
	}
	return 0
}

// TestBoundedWork counts: of 40,000 cells 2,000 are weighed and no copy's symbols are drawn for
// more; the two that leaked are named, the small one by its share. The control takes the same
// number without shares, and does not find it.
func TestBoundedWork(t *testing.T) {
	const most = 2000
	s, copies := crowd(10_000, 100)
	f := choose(s, copies, most)
	if n := len(f.Chosen()); n > most || n < most-8 {
		t.Errorf("%d cells are chosen", n)
	}
	at := leak.Bound{Copies: len(copies), Epsilon: leak.Epsilon}.Threshold()
	for j, e := range f.Weigh(&base, copies) {
		if (e.LnE >= at) != (j == 0 || j == 3) {
			t.Errorf("copy %d: ln E %.2f of %d cells", j, e.LnE, used(e, leak.Cells))
		}
		if n := used(e, leak.Cells); n > most || j == 3 && n < 300 {
			t.Errorf("copy %d: %d cells are weighed", j, n)
		}
	}
	whole := slices.Clone(copies)
	whole[3].Rows = copies[0].Rows
	own := 0
	for _, o := range choose(s, whole, most).Chosen() {
		if _, has := slices.BinarySearch(copies[3].Rows, o.Cell.Row); has {
			own++
		}
	}
	if own > 60 {
		t.Errorf("the control: without shares it has %d cells", own)
	}
}

// TestChoiceKnowsNoCode: whatever the sample shows, the same cells are chosen, and of copies
// their rows are all that is asked; what is no more than the bound is chosen whole; rows that
// no copy has come last.
func TestChoiceKnowsNoCode(t *testing.T) {
	s, copies := crowd(1000, 50)
	cellsOf := func(s leak.Sample, copies []leak.Holding, most int) (out []leak.Cell, own int) {
		for _, o := range choose(s, copies, most).Chosen() {
			out = append(out, o.Cell)
			if _, has := slices.BinarySearch(copies[len(copies)-1].Rows, o.Cell.Row); has {
				own++
			}
		}
		return out, own
	}
	shows := leak.Sample{Cells: slices.Clone(s.Cells)}
	for i := range shows.Cells {
		shows.Cells[i].Symbol = seedOf(77).Symbol(&base, shows.Cells[i].Cell)
	}
	first, _ := cellsOf(s, copies, 400)
	again, _ := cellsOf(shows, copies, 400)
	if d := cmp.Diff(first, again); d != "" {
		t.Error("the choice follows from symbols: ", d)
	}
	for _, c := range []struct{ most, cells, own int }{{4000, 4000, 200}, {3000, 3000, 200}, {300, 300, 200}, {100, 100, 100}} {
		if got, own := cellsOf(s, copies[3:4], c.most); len(got) > c.cells || len(got) < c.cells-4 || own < c.own-4 {
			t.Errorf("at most %d: %d cells, %d of them of the copy's 200", c.most, len(got), own)
		}
	}
	// Rows of nobody's with names so small that 2^32 times them is less than the copy's, and enough to fill it all.
	for r := range leak.Row(5000) {
		for _, f := range families[:4] {
			c := leak.Cell{Row: (r + 1) << 20, Family: f}
			s.Cells = append(s.Cells, leak.Observed{Cell: c, Symbol: seedOf(0).Symbol(&base, c)})
		}
	}
	for _, c := range []struct{ most, cells, own int }{{100, 100, 100}, {200, 200, 200}, {1000, 1000, 200}} {
		if got, own := cellsOf(s, copies[3:4], c.most); len(got) != c.cells || own != c.own {
			t.Errorf("at most %d, beside nobody's: %d cells, %d of them of the copy's 200", c.most, len(got), own)
		}
	}
}

// TestNothingIsChosenBefore: freezing chooses nothing, which may take long and which Choose would
// do again; without Choose all copies are taken to have all rows.
func TestNothingIsChosenBefore(t *testing.T) {
	const most = 400
	s, copies := crowd(1000, 50)
	f, chosen := leak.Freeze(s), leak.Freeze(s)
	if f.Chosen() != nil {
		t.Errorf("%d cells are chosen", len(f.Chosen()))
	}
	f.Bound(most)
	chosen.Bound(most)
	chosen.Choose([][]leak.Row{nil})
	want := chosen.Weigh(&base, copies)
	if n := used(want[0], leak.Cells); n == 0 || n > most {
		t.Errorf("%d cells are weighed", n) // the control
	}
	for range 2 {
		if d := cmp.Diff(want, f.Weigh(&base, copies)); d != "" {
			t.Error(d)
		}
	}
	if d := cmp.Diff(chosen.Chosen(), f.Chosen()); d != "" {
		t.Error(d)
	}
}

// TestInnocentsUnderTheBound: 8,000 copies with nothing to do with a sample, weighed by a part of
// it, reach 10 and 100 no more often than their bound allows.
func TestInnocentsUnderTheBound(t *testing.T) {
	s, copies := crowd(2000, 100)
	f := choose(s, copies, 200)
	copies = copies[:4]
	for j := range 8000 {
		copies = append(copies, leak.Holding{Copy: leak.Copy{9, byte(j), byte(j >> 8)}, Seed: seedOf(5000 + j), Rows: copies[j%2*3].Rows})
	}
	over := map[float64]int{}
	for j, e := range f.Weigh(&base, copies) {
		for _, level := range []float64{10, 100} {
			if j >= 4 && e.LnE >= math.Log(level) {
				over[level]++
			}
		}
	}
	if over[10] > 800 || over[100] > 80 {
		t.Errorf("of 8,000 innocent copies %v", over)
	}
}

// TestEveryRow: a copy that is to have every row is held against no more than MaxEvery tokens and
// as many cells, one with rows of its own against each token of those.
func TestEveryRow(t *testing.T) {
	var s leak.Sample
	var rows []leak.Row
	for r := range leak.Row(leak.MaxEvery + 500) {
		rows = append(rows, r+1)
		s.Tokens = append(s.Tokens, leak.SeenToken{Row: r + 1, Token: leak.Token{1}})
		s.Cells = append(s.Cells, leak.Observed{Cell: leak.Cell{Row: r + 1, Family: leak.Street}, Symbol: r%2 == 0})
	}
	last := rows[len(rows)-1]
	s.Tokens[len(s.Tokens)-1].Token = seedOf(1).Token(last)
	copies := holdings(2)
	copies[1].Rows = rows
	e := leak.Freeze(s).Weigh(&base, copies)
	if n, m := used(e[0], leak.Tokens), used(e[1], leak.Tokens); n != leak.MaxEvery || m != len(rows) {
		t.Errorf("%d and %d tokens are compared", n, m)
	}
	if n, m := used(e[0], leak.Cells), used(e[1], leak.Cells); n != leak.MaxEvery || m != len(rows) {
		t.Errorf("%d and %d cells are weighed", n, m)
	}
	if e[1].LnE < 20 {
		t.Errorf("one token of %d: ln E %.2f", len(rows), e[1].LnE)
	}
}

// TestJoin: what is of both, as searching each finds it; with few rows nearly nothing is looked at.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(what string) []leak.Row {
			out := []leak.Row{}
			for _, v := range rapid.SliceOfN(rapid.Uint64Range(0, 60), 0, 50).Draw(t, what) {
				out = append(out, leak.Row(v))
			}
			slices.Sort(out)
			return out
		}
		all, rows := draw("all"), slices.Compact(draw("rows"))
		var want []int
		for i, r := range all {
			if _, has := slices.BinarySearch(rows, r); has {
				want = append(want, i)
			}
		}
		if got, _ := leak.Join(all, rows); !slices.Equal(got, want) {
			t.Fatalf("%v and %v: %v", all, rows, got)
		}
	})
	all := make([]leak.Row, 1<<20)
	for i := range all {
		all[i] = leak.Row(i)
	}
	got, looks := leak.Join(all, []leak.Row{5, 500_000, 1 << 19, 1 << 30})
	if !slices.Equal(got, []int{5, 500_000, 1 << 19}) || looks > 300 {
		t.Errorf("%v, %d looked at", got, looks)
	}
	if got, _ := leak.Join(all[:3], nil); len(got) != 3 {
		t.Errorf("every row: %v", got)
	}
}
