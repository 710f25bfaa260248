package leak

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFindViews: a view's name is found wherever it stands, in capitals too, and what only
// looks like one is not.
func TestFindViews(t *testing.T) {
	k := ViewKey{1}
	a, b := k.Token([16]byte{1}), k.Token([16]byte{2})
	if a == b || k.Token([16]byte{1}) != a || !strings.HasPrefix(a.String(), "amv-") || len(a.String()) != 36 {
		t.Fatalf("%s %s", a, b)
	}
	for text, want := range map[string][]ViewToken{
		a.String(): {a},
		"--amv-" + a.String() + ", " + b.String(): {a, b},
		strings.ToUpper(a.String()) + "0":         {a},
		"x" + a.String()[:35]:                     nil,
		"amv-" + strings.Repeat("g", 32):          nil,
		"tanda tampilan: " + b.String() + "\n":    {b},
		"":                                        nil,
		"-":                                       nil,
		"am-v-amv-":                               nil,
	} {
		var got []ViewToken
		FindViews([]byte(text), func(v ViewToken) { got = append(got, v) })
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.SliceOf(rapid.Byte()).Draw(t, "before"), rapid.SliceOf(rapid.Byte()).Draw(t, "after")
		v := ViewToken(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v"))
		n := 0
		FindViews(slices.Concat(before, []byte(v.String()), after), func(got ViewToken) {
			if got == v {
				n++
			}
		})
		if n == 0 {
			t.Fatal("it is not found")
		}
	})
}

// TestViewsKeepTheirBound: names of few bits, drawn by chance, reach their threshold as rarely
// as the bound says; the mean of the E-value is at most one. The control weighs a name as
// though none other had been tried.
func TestViewsKeepTheirBound(t *testing.T) {
	const bits = 10 // so that chance is seen at all
	for _, shown := range []int{1, 3, 40, 300} {
		p := 1 - math.Pow(1-math.Exp2(-bits), float64(shown))
		hit, miss := math.Exp(lnMatches(bits, uint64(shown), 1)), math.Exp(lnMatches(bits, uint64(shown), 0))
		if mean := p*hit + (1-p)*miss; mean > 1 {
			t.Errorf("%d shown: the mean is %g", shown, mean)
		}
		if control := p*math.Exp(lnMatches(bits, 1, 1)) + (1-p)*miss; shown > 40 && control <= 1 {
			t.Errorf("the control: %g", control)
		}
	}
	// A country's views of years, a sample of millions of names: one that agrees is enough.
	if e, b := WeighView(6_000_000), Views(100, 2_000_000_000); e.LnE < b.Threshold() {
		t.Errorf("ln E %.1f of %.1f", e.LnE, b.Threshold())
	}
}

func FuzzFindViews(f *testing.F) {
	f.Add([]byte("amv-00112233445566778899aabbccddeeff"))
	f.Add([]byte("AMV-amv-"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		FindViews(raw, func(v ViewToken) {
			if !strings.Contains(strings.ToLower(string(raw)), "amv-"+hex.EncodeToString(v[:])) {
				t.Fatal(fmt.Sprint(v), "is not there")
			}
		})
	})
}
