package leak_test

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

var families = []leak.Family{leak.Street, leak.Neighbourhood, leak.Telephone, leak.Stamp, leak.Letters, leak.Presence}

// near fails unless a count of n trials is within five standard deviations of p.
func near(t *testing.T, what string, count, n int, p float64) {
	t.Helper()
	if d := math.Abs(float64(count) - float64(n)*p); d > 5*math.Sqrt(float64(n)*p*(1-p)) {
		t.Errorf("%s: %d of %d, expected %.4f", what, count, n, p)
	}
}

// TestBiasesAndSymbols: the three biases come in their proportions, and a copy's symbols
// with the bias they say.
func TestBiasesAndSymbols(t *testing.T) {
	base, seed := leak.Base{1}, leak.Seed{2}
	cells, ones := map[string]int{}, map[string]int{}
	const rows = 4000
	for r := range leak.Row(rows) {
		for _, f := range families {
			c := leak.Cell{Row: r, Family: f, Index: uint8(r % 3)}
			p := fmt.Sprintf("%.4f", base.Bias(c))
			cells[p]++
			if seed.Symbol(&base, c) {
				ones[p]++
			}
		}
	}
	total := rows * len(families)
	if len(cells) != 3 {
		t.Fatalf("biases: %v", cells)
	}
	near(t, "weight of the low bias", cells["0.1127"], total, 5./18)
	near(t, "weight of the half", cells["0.5000"], total, 8./18)
	near(t, "weight of the high bias", cells["0.8873"], total, 5./18)
	near(t, "symbols at the low bias", ones["0.1127"], cells["0.1127"], 0.1127)
	near(t, "symbols at the half", ones["0.5000"], cells["0.5000"], 0.5)
	near(t, "symbols at the high bias", ones["0.8873"], cells["0.8873"], 0.8873)
}

// TestCopiesAndFamiliesAreIndependent: at the half, two copies, two families of a row, and
// a family's two carriers agree half of the time.
func TestCopiesAndFamiliesAreIndependent(t *testing.T) {
	base, one, two := leak.Base{1}, leak.Seed{2}, leak.Seed{3}
	var n, copies, m, lanes, k, indices int
	half := func(c leak.Cell) bool { return base.Bias(c) == 0.5 }
	for r := range leak.Row(6000) {
		for i, f := range families {
			c := leak.Cell{Row: r, Family: f}
			if !half(c) {
				continue
			}
			x := one.Symbol(&base, c)
			if n++; x == two.Symbol(&base, c) {
				copies++
			}
			if d := (leak.Cell{Row: r, Family: families[(i+1)%len(families)]}); half(d) {
				if m++; x == one.Symbol(&base, d) {
					lanes++
				}
			}
			if d := (leak.Cell{Row: r, Family: f, Index: 1}); half(d) {
				if k++; x == one.Symbol(&base, d) {
					indices++
				}
			}
		}
	}
	near(t, "two copies", copies, n, 0.5)
	near(t, "two families", lanes, m, 0.5)
	near(t, "two carriers", indices, k, 0.5)
}

// TestGroupCanaries: each group canary is in its share of copies.
func TestGroupCanaries(t *testing.T) {
	base := leak.Base{9}
	kinds, in := map[float64]int{}, map[float64]int{}
	const canaries, copies = 300, 60
	for n := range uint32(canaries) {
		p := base.Group(n)
		kinds[p]++
		for j := range copies {
			seed := leak.Seed{byte(j), 1}
			if seed.Canary(&base, n) {
				in[p]++
			}
		}
	}
	for _, want := range []float64{0.85, 0.5, 0.05} {
		found := false
		for p, k := range kinds {
			if math.Abs(p-want) < 1e-9 {
				found = true
				near(t, fmt.Sprint("canaries of share ", want), k, canaries, 1./3)
				near(t, fmt.Sprint("copies of share ", want), in[p], k*copies, want)
			}
		}
		if !found {
			t.Errorf("no canary of share %v: %v", want, kinds)
		}
	}
}

// TestDrawnIsForGood holds what is drawn from given keys: copies that are out must be
// recognised by every later version.
func TestDrawnIsForGood(t *testing.T) {
	base, seed := leak.Base{1, 2, 3}, leak.Seed{4, 5, 6}
	row := base.Row([]byte("record 0"))
	var symbols strings.Builder
	for i := range uint8(10) {
		for _, f := range families {
			if seed.Symbol(&base, leak.Cell{Row: row, Family: f, Index: i}) {
				symbols.WriteByte('1')
			} else {
				symbols.WriteByte('0')
			}
		}
	}
	var canaries strings.Builder
	for n := range uint32(30) {
		fmt.Fprintf(&canaries, "%.0f", base.Group(n)*100)
		if seed.Canary(&base, n) {
			canaries.WriteByte('+')
		} else {
			canaries.WriteByte('-')
		}
	}
	token, id := seed.Token(row), seed.Document(row, []byte("1.2.840"))
	commitment, committed := leak.Commit(leak.Copy{7}, &seed, [32]byte{8}), base.Commitment()
	got := fmt.Sprintf("%016x\n%s\n%s\n%x\n%x\n%x\n%x\n", uint64(row), symbols.String(), canaries.String(), token, id, commitment, committed)
	const want = `7cb87e39d91ad444
011010011000000110110011111000101110000011010111111010011001
50-50+5-5-5-85+85+5-5-85-50+85+50-50-5-5-85+85+50-5-50-5-85+85+5-85+50+5-85-5+
9b0da8734347f445
61ca14e9c5ee06ee990710755466ca2d
c4ae38f5d028d92e02dcca4854ea5eacbd57b1e3c9a0f0a66e8fd820ac447b8d
a966596b8170d26bdae150e1fa85e8df9a746b5bfa5a8e153ca5c72b0869e4a6
`
	if got != want {
		t.Errorf("drawn:\n%s", got)
	}
}

// TestDrawnApart: another key, another row or another name gives other tokens, documents,
// rows and commitments, and none shows the seed.
func TestDrawnApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s, u leak.Seed
		copy(s[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		u = s
		u[rapid.IntRange(0, 31).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		r := leak.Row(rapid.Uint64().Draw(t, "row"))
		if s.Token(r) == u.Token(r) || s.Token(r) == s.Token(r+1) {
			t.Error("one token twice")
		}
		a, b, v := s.Document(r, []byte("a")), s.Document(r, []byte("b")), u.Document(r, []byte("a"))
		first := s.Identifier(r)
		if a == b || a == s.Document(r+1, []byte("a")) || a == v || [8]byte(a[:8]) == [8]byte(v[:8]) || [8]byte(a[:8]) == [8]byte(a[8:]) {
			t.Error("one document identifier twice")
		}
		if [8]byte(a[:8]) != first || [8]byte(b[:8]) != first || first == s.Token(r) {
			t.Error("the first half is not the row's")
		}
		if leak.Commit(leak.Copy{}, &s, [32]byte{}) == leak.Commit(leak.Copy{}, &u, [32]byte{}) {
			t.Error("one commitment for two seeds")
		}
		base, other := leak.Base(s), leak.Base(u)
		if base.Row([]byte("x")) == other.Row([]byte("x")) || base.Commitment() == other.Commitment() {
			t.Error("two bases draw the same")
		}
	})
}

// TestSeedsArePrintedByNobody: neither by fmt nor by a logger.
func TestSeedsArePrintedByNobody(t *testing.T) {
	s, b := leak.Seed{0xab, 0xcd, 0xef, 0xab}, leak.Base{0xab, 0xcd, 0xef, 0xab}
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "seed", s, "base", b, "address", &s)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, format, s)
		fmt.Fprintf(&out, format, b)
	}
	for _, bad := range []string{hex.EncodeToString(s[:4]), "171 205", "0xab"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("printed %q in %s", bad, out.String())
		}
	}
}
