package canary_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
)

const text = "regions 990151,990152 serials 31-60 phones 6281100,6281101 group 300 unique 5 percent 5"

func spec(t testing.TB) canary.Spec {
	t.Helper()
	s, err := canary.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keyOf(i int) (k canary.Key) {
	binary.BigEndian.PutUint64(k[:], uint64(i)+1)
	return k
}

// TestSpec: one spelling for each, and no other is read.
func TestSpec(t *testing.T) {
	s := spec(t)
	if s.String() != text || s.Check() != nil {
		t.Errorf("%q", s.String())
	}
	none, err := canary.Parse("")
	if err != nil || !none.None() || none.String() != "" {
		t.Errorf("none: %v %v", none, err)
	}
	for _, bad := range []string{
		"x", text + " ", strings.Replace(text, "990151,990152", "990152,990151", 1), strings.Replace(text, "31-60", "60-31", 1), strings.Replace(text, "31-60", "0-60", 1),
		strings.Replace(text, "31-60", "031-60", 1), strings.Replace(text, "6281100,", "0811,", 1), strings.Replace(text, "group 300 unique 5", "group 0 unique 0", 1),
		strings.Replace(text, "percent 5", "percent 51", 1), strings.Replace(text, "group 300", "group 10001", 1), strings.Replace(text, "group", "crowd", 1),
		strings.Replace(text, "990151", "99015", 1), strings.Replace(text, "unique 5", "unique -5", 1), strings.Replace(text, "unique 5", "unique +5", 1),
	} {
		if _, err := canary.Parse(bad); !errors.Is(err, canary.ErrSpec) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := canary.Parse(text); err == nil && s.String() != text {
			t.Errorf("%q became %q", text, s.String())
		}
	})
}

// TestDrawnIsForGood holds who is drawn from given keys: copies with them are out.
func TestDrawnIsForGood(t *testing.T) {
	s := spec(t)
	var got strings.Builder
	for i := range 4 {
		p := s.Person(keyOf(i))
		fmt.Fprintln(&got, p.NIK.Reveal(), p.First, p.Last, p.Birth, p.Sex == identity.Female, p.Phone)
	}
	const want = `9901521201070043 Oki Purwanto 2007-01-12 false 6281100114338
9901510403820038 Taufik Mahendra 1982-03-04 false 6281101524274
9901522512690051 Oki Susanto 1969-12-25 false 6281101525978
9901515410860034 Wulan Effendi 1986-10-14 true 6281100298060
`
	if got.String() != want {
		t.Errorf("drawn:\n%s", got.String())
	}
}

// TestPeople: whoever is drawn lies in the range, agrees with themselves and could be
// registered, but for the range.
func TestPeople(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var k canary.Key
		copy(k[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		s, err := canary.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p := s.Person(k)
		if p.NIK.IsZero() || !s.Holds(p.NIK) || !p.NIK.Agrees(p.Birth) || p.NIK.Sex() != p.Sex || !p.NIK.Synthetic() {
			t.Errorf("a NIK that is not the person's")
		}
		if _, err := identity.ParsePhone("+" + p.Phone); err != nil {
			t.Error(err)
		}
		if p != s.Person(k) {
			t.Error("another person for the same key")
		}
		k[3] ^= 1
		if p == s.Person(k) {
			t.Error("the same person for another key")
		}
	})
}

// TestRange: what lies in it, at its ends, and what looks so when the last digit is lost.
func TestRange(t *testing.T) {
	s := spec(t)
	for nik, in := range map[string]bool{
		"9901510101900031": true, "9901524101900060": true, "9901510101900030": false, "9901510101900061": false, "9901530101900031": false, "9901500101900031": false,
	} {
		n, err := identity.ParseNIK(nik)
		if err != nil {
			t.Fatal(err)
		}
		if s.Holds(n) != in {
			t.Errorf("%s: %v", nik, !in)
		}
	}
	for nik, near := range map[uint64]bool{9901510101900030: true, 9901510101900060: true, 9901510101900070: false, 9901510101900029: false, 9901530101900030: false} {
		if s.Near(nik) != near {
			t.Errorf("%d: %v", nik, !near)
		}
	}
	var zero canary.Range
	if n, _ := identity.ParseNIK("9901510101900031"); zero.Holds(n) || zero.Near(0) {
		t.Error("the zero range holds somebody")
	}
}

// TestBits: no value of any level is drawn more often than Bits says, as far as that can
// be counted: of names, birth dates, tens of serials, regions and sexes.
func TestBits(t *testing.T) {
	s := spec(t)
	const n = 200_000
	parts := map[string]map[string]int{"name": {}, "birth": {}, "place": {}, "prefix": {}}
	for i := range n {
		p := s.Person(keyOf(i))
		nik := p.NIK.Reveal()
		parts["name"][p.Name()]++
		parts["birth"][p.Birth.String()]++
		parts["place"][nik[:6]+nik[12:15]]++
		parts["prefix"][p.Phone[:8]]++
	}
	most := func(what string) float64 {
		m := 0
		for _, c := range parts[what] {
			m = max(m, c)
		}
		return math.Log2(n) - math.Log2(max(1, float64(m)-6*math.Sqrt(float64(m))))
	}
	b := s.Bits()
	name, birth, place, prefix := most("name"), most("birth"), most("place"), most("prefix")
	if b[canary.ByNIK] > birth+1+place || b[canary.ByNIKAndName] > birth+place+name || b[canary.ByBirth] > birth+name || b[canary.ByPhone] > name+prefix+5*math.Log2(10) {
		t.Errorf("bits %v; counted: name %.2f, birth %.2f, place %.2f, prefix %.2f", b, name, birth, place, prefix)
	}
	if b[canary.ByNIK] < 17 || b[canary.ByBirth] < 25 || b[canary.ByPhone] < 30 {
		t.Errorf("bits %v", b)
	}
	if len(parts["name"]) != 2*40*64 {
		t.Errorf("%d names", len(parts["name"]))
	}
}

// TestNobodyIsPrinted: neither keys nor people, neither by fmt nor by a logger.
func TestNobodyIsPrinted(t *testing.T) {
	s := spec(t)
	k := canary.Key{0xab, 0xcd}
	p := s.Person(k)
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "person", p)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		fmt.Fprintf(&out, format+format, k, p)
	}
	for _, bad := range []string{p.Last, p.NIK.Reveal(), p.Phone, "abcd", "171 205", "0xab"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("printed %q", bad)
		}
	}
}
