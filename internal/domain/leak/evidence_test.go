package leak_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

var base = leak.Base{42}

func seedOf(j int) *leak.Seed {
	var s leak.Seed
	binary.BigEndian.PutUint64(s[:], uint64(j+1))
	return &s
}

func holdings(n int) []leak.Holding {
	out := make([]leak.Holding, n)
	for j := range out {
		out[j] = leak.Holding{Copy: leak.Copy{byte(j), byte(j >> 8), 1}, Seed: seedOf(j)}
	}
	return out
}

// sampleOf is what copy j shows of some rows, four families each.
func sampleOf(j, rows int) (s leak.Sample) {
	for r := range rows {
		row := base.Row([]byte{byte(r), byte(r >> 8)})
		for _, f := range families[:4] {
			c := leak.Cell{Row: row, Family: f}
			s.Cells = append(s.Cells, leak.Observed{Cell: c, Symbol: seedOf(j).Symbol(&base, c)})
		}
	}
	return s
}

func named(t *testing.T, s leak.Sample, copies []leak.Holding) (out []int) {
	t.Helper()
	at := leak.Bound{Copies: len(copies), Epsilon: leak.Epsilon}.Threshold()
	for j, e := range leak.Freeze(s).Weigh(&base, copies) {
		if e.Copy != copies[j].Copy {
			t.Fatal("another order")
		}
		if e.LnE >= at {
			out = append(out, j)
		}
	}
	return out
}

// TestOneSource: 22 rows with four carriers each name their copy and no other; so do three
// copies' rows put together; nothing names nobody.
func TestOneSource(t *testing.T) {
	copies := holdings(200)
	if got := named(t, sampleOf(17, 22), copies); !slices.Equal(got, []int{17}) {
		t.Errorf("named %v", got)
	}
	merged := leak.Sample{}
	for i, o := range sampleOf(3, 220).Cells {
		j := []int{3, 77, 150}[(i/4)%3]
		merged.Cells = append(merged.Cells, leak.Observed{Cell: o.Cell, Symbol: seedOf(j).Symbol(&base, o.Cell)})
	}
	if got := named(t, merged, copies); !slices.Equal(got, []int{3, 77, 150}) {
		t.Errorf("named %v", got)
	}
	if got := named(t, leak.Sample{}, copies); got != nil {
		t.Errorf("named %v", got)
	}
	for _, e := range leak.Freeze(leak.Sample{}).Weigh(&base, copies) {
		if e.LnE != 0 || e.Parts != nil {
			t.Errorf("nothing says %+v", e)
		}
	}
}

// TestOneTokenNamesTheCopy: whether its row is known or not; a token of no copy names none.
func TestOneTokenNamesTheCopy(t *testing.T) {
	copies := holdings(200)
	var rows []leak.Row
	for r := range 1000 {
		rows = append(rows, base.Row([]byte{byte(r), byte(r >> 8), 7}))
	}
	slices.Sort(rows)
	for j := range copies {
		copies[j].Rows = rows
	}
	for what, s := range map[string]leak.Sample{
		"in its row":  {Tokens: []leak.SeenToken{{Token: seedOf(9).Token(rows[500]), Row: rows[500]}}},
		"without one": {Tokens: []leak.SeenToken{{Token: seedOf(9).Token(rows[500])}, {Token: leak.Token{1}}}},
	} {
		if got := named(t, s, copies); !slices.Equal(got, []int{9}) {
			t.Errorf("%s: named %v", what, got)
		}
	}
	for what, s := range map[string]leak.Sample{
		"in another row":                   {Tokens: []leak.SeenToken{{Token: seedOf(9).Token(rows[500]), Row: rows[501]}}},
		"nobody's":                         {Tokens: []leak.SeenToken{{Token: leak.Token{1}}, {Token: leak.Token{2}, Row: rows[3]}}},
		"of a row that the copy never had": {Tokens: []leak.SeenToken{{Token: seedOf(9).Token(5), Row: 5}}},
	} {
		if got := named(t, s, copies); got != nil {
			t.Errorf("%s: named %v", what, got)
		}
	}
}

// TestDocumentsNameTheCopy: an identifier of a document.
func TestDocumentsNameTheCopy(t *testing.T) {
	copies := holdings(200)
	for j := range copies {
		copies[j].Documents = []leak.Row{3, 5, 8}
	}
	id := seedOf(4).Identifier(5)
	for what, c := range map[string]struct {
		row  leak.Row
		want []int
	}{"of a known row": {5, []int{4}}, "of any row": {0, []int{4}}, "of another row": {8, nil}, "of a row that no copy has": {6, nil}} {
		if got := named(t, leak.Sample{Documents: []leak.SeenToken{{Token: id, Row: c.row}}}, copies); !slices.Equal(got, c.want) {
			t.Errorf("document %s: named %v", what, got)
		}
	}
}

// TestFreeze: order and repetition change nothing, one symbol more changes the digest,
// contradictions and families of one spelling count for nothing.
func TestFreeze(t *testing.T) {
	s := sampleOf(1, 40)
	s.Tokens = []leak.SeenToken{{Token: leak.Token{1}}, {Token: leak.Token{2}, Row: 9}}
	s.Strangers[1] = []uint64{5, 2, 5}
	first := leak.Freeze(s)
	rng := rand.New(rand.NewPCG(1, 1))
	again := s
	again.Cells = append(slices.Clone(s.Cells), s.Cells[:7]...)
	rng.Shuffle(len(again.Cells), func(i, j int) { again.Cells[i], again.Cells[j] = again.Cells[j], again.Cells[i] })
	again.Strangers[1] = []uint64{2, 5}
	if leak.Freeze(again).Digest() != first.Digest() {
		t.Error("order or repetition changes the digest")
	}
	other := s
	other.Cells = slices.Clone(s.Cells)
	other.Cells[3].Symbol = !other.Cells[3].Symbol
	if leak.Freeze(other).Digest() == first.Digest() {
		t.Error("a symbol does not change the digest")
	}
	both := s
	both.Cells = append(slices.Clone(s.Cells), other.Cells[3])
	if f := leak.Freeze(both); f.Differ() != 1 || f.Cells(s.Cells[3].Cell.Family) != first.Cells(s.Cells[3].Cell.Family)-1 {
		t.Errorf("a cell in both spellings: %d", f.Differ())
	}
	dead := s
	dead.Cells = slices.Clone(s.Cells)
	for i := range dead.Cells {
		if dead.Cells[i].Cell.Family == leak.Telephone {
			dead.Cells[i].Symbol = true
		}
	}
	if f := leak.Freeze(dead); !slices.Equal(f.Dead(), []leak.Family{leak.Telephone}) || f.Cells(leak.Telephone) != 0 || f.Cells(leak.Street) == 0 {
		t.Errorf("a rewritten family: dead %v", f.Dead())
	}
	if first.Dead() != nil {
		t.Errorf("dead: %v", first.Dead())
	}
	before := s.Cells[0].Symbol
	digest := first.Digest()
	s.Cells[0].Symbol = !before
	if first.Digest() != digest || leak.Freeze(again).Digest() != digest {
		t.Error("what is frozen changed with what it was made of")
	}
}

// TestRewrittenFamiliesAreErasures: with two of four families put into one spelling, the
// rest names the copy, and only it.
func TestRewrittenFamiliesAreErasures(t *testing.T) {
	s := sampleOf(5, 60)
	for i := range s.Cells {
		if f := s.Cells[i].Cell.Family; f == leak.Telephone || f == leak.Street {
			s.Cells[i].Symbol = false
		}
	}
	if got := named(t, s, holdings(200)); !slices.Equal(got, []int{5}) {
		t.Errorf("named %v", got)
	}
}

// TestSpend: what all traces spend together is no more than epsilon.
func TestSpend(t *testing.T) {
	sum := 0.0
	for k := 1; k <= 100_000; k++ {
		sum += leak.Spend(leak.Epsilon, k, 200).Epsilon
	}
	if sum > leak.Epsilon || sum < 0.9999*leak.Epsilon {
		t.Errorf("spent %v", sum)
	}
	if got := (leak.Bound{Copies: 200, Epsilon: 1e-6}).Threshold(); math.Abs(got-19.11) > 0.005 {
		t.Errorf("threshold %v", got)
	}
	if leak.Spend(leak.Epsilon, 2, 200).Threshold() <= leak.Spend(leak.Epsilon, 1, 200).Threshold() {
		t.Error("a later trace is no stricter")
	}
}

// TestNamesHaveMeanOne: for names of few bits, of which so many were compared, the E-value
// has mean one at most, summed over how many agree by chance.
func TestNamesHaveMeanOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.Float64Range(3, 20).Draw(t, "bits")
		tried := rapid.IntRange(1, 60).Draw(t, "tried")
		p, sum := math.Exp2(-bits), 0.0
		for k := range tried + 1 {
			a, _ := math.Lgamma(float64(tried + 1))
			b, _ := math.Lgamma(float64(k + 1))
			c, _ := math.Lgamma(float64(tried - k + 1))
			chance := math.Exp(a - b - c + float64(k)*math.Log(p) + float64(tried-k)*math.Log1p(-p))
			sum += chance * math.Exp(leak.LnMatches(bits, uint64(tried), k))
		}
		if sum > 1+1e-9 {
			t.Errorf("mean %v", sum)
		}
	})
}
