package carrier_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/carrier"
)

// TestSpellings: what is read, and both ways in which it goes out.
func TestSpellings(t *testing.T) {
	for _, c := range []struct {
		f                  leak.Family
		value, off, on     string
		readable, symbolIs bool
	}{
		{leak.Street, "Jl. Merdeka No. 5", "Jl. Merdeka No. 5", "Jalan Merdeka No. 5", true, false},
		{leak.Street, "JALAN MERDEKA", "JL. MERDEKA", "JALAN MERDEKA", true, true},
		{leak.Street, "jln anggrek 4", "jl. anggrek 4", "jalan anggrek 4", false, false},
		{leak.Street, "Gg. Mawar, Jl.Melati 3", "Gg. Mawar, Jl. Melati 3", "Gg. Mawar, Jalan Melati 3", true, false},
		{leak.Street, "Jl. A 1, Jalan B 2", "Jl. A 1, Jl. B 2", "Jalan A 1, Jalan B 2", false, false},
		{leak.Neighbourhood, "Jl. Kenari RT 1/RW 8", "Jl. Kenari RT 1/RW 8", "Jl. Kenari RT 001/RW 008", true, false},
		{leak.Neighbourhood, "RT.001 RW.008", "RT.1 RW.8", "RT.001 RW.008", true, true},
		{leak.Neighbourhood, "rt 01/rw 02", "rt 1/rw 2", "rt 001/rw 002", false, false},
		{leak.Neighbourhood, "RT/RW 003/012", "RT/RW 3/12", "RT/RW 003/012", true, true},
		{leak.Neighbourhood, "RT 003/012", "RT 3/12", "RT 003/012", true, true},
		{leak.Neighbourhood, "RT 104/RW 7", "RT 104/RW 7", "RT 104/RW 007", true, false},
		{leak.Telephone, "+628123456789", "+628123456789", "08123456789", true, false},
		{leak.Telephone, "0812-3456-7890", "+62812-3456-7890", "0812-3456-7890", true, true},
		{leak.Telephone, "62 812 3456 7890", "+62812 3456 7890", "0812 3456 7890", true, false},
		{leak.Stamp, "2026-11-30T02:43:29.123Z", "2026-11-30T02:43:29.123Z", "2026-11-30T02:43:29.623Z", true, false},
		{leak.Stamp, "2026-11-30 09:43:29.987654+07", "2026-11-30 09:43:29.487654+07", "2026-11-30 09:43:29.987654+07", true, true},
		{leak.Stamp, "2026-11-30T02:43:29.000Z", "2026-11-30T02:43:29.250Z", "2026-11-30T02:43:29.750Z", false, false},
		{leak.Letters, "Siti Nur'aini", "Siti Nur'aini", "SITI NUR'AINI", true, false},
		{leak.Letters, "DR. BUDI S.", "Dr. Budi S.", "DR. BUDI S.", true, true},
		{leak.Letters, "siti rahma", "Siti Rahma", "SITI RAHMA", false, false},
		{leak.Presence, "ID", "", "ID", true, true},
	} {
		off, ok := carrier.Render(c.f, c.value, false)
		if !ok || off != c.off {
			t.Errorf("%q: %q %v, want %q", c.value, off, ok, c.off)
		}
		on, ok := carrier.Render(c.f, c.value, true)
		if !ok || on != c.on {
			t.Errorf("%q: %q %v, want %q", c.value, on, ok, c.on)
		}
		if symbol, ok := carrier.Read(c.f, c.value); ok != c.readable || ok && symbol != c.symbolIs {
			t.Errorf("%q reads %v %v", c.value, symbol, ok)
		}
	}
}

// TestLeftAlone: what is nothing of a family stays as it is, above all what care rests on.
func TestLeftAlone(t *testing.T) {
	values := []string{
		"9901014503900001", "6201014503900001", "620101450390000", "1", "0.5", "120/80", "38,5", "5 mg", "3x1", "J12.8", "U07.1", "94500-6",
		"1990-03-05", "05/03/1990", "05-03-1990", "08-12-2020", "2021-07-01", "a b", "A B", "", "-", "n/a", "tidak", "10 mmol/l",
	}
	for _, v := range append(values, "rawat jalan tingkat pertama", "pasien jalan kaki", "Jl", "Jalan", "+6591234567", "555-123-4567", "+62 0812 3456 789") {
		for _, f := range []leak.Family{leak.Street, leak.Neighbourhood, leak.Telephone, leak.Stamp} {
			if got, ok := carrier.Render(f, v, true); ok || got != v {
				t.Errorf("family %d touches %q: %q", f, v, got)
			}
			if _, ok := carrier.Read(f, v); ok {
				t.Errorf("family %d reads %q", f, v)
			}
		}
	}
	for _, v := range []string{"", "1990", "A B", "李四", "ß", "Straße", "İnci", "\xff\xfeab"} {
		for _, symbol := range []bool{false, true} {
			if got, ok := carrier.Render(leak.Letters, v, symbol); ok || got != v {
				t.Errorf("letters touch %q: %q", v, got)
			}
		}
	}
}

var families = []leak.Family{leak.Street, leak.Neighbourhood, leak.Telephone, leak.Stamp, leak.Letters, leak.Presence}

// holds is what every value has to keep, whatever it is.
func holds(t interface{ Errorf(string, ...any) }, f leak.Family, v string) {
	off, ok := carrier.Render(f, v, false)
	on, same := carrier.Render(f, v, true)
	if ok != same {
		t.Errorf("family %d, %q: a carrier by one symbol only", f, v)
	}
	if !ok {
		if off != v || on != v {
			t.Errorf("family %d, %q: changed without a carrier", f, v)
		}
		return
	}
	for out, symbol := range map[string]bool{off: false, on: true} {
		if got, ok := carrier.Read(f, out); !ok || got != symbol {
			t.Errorf("family %d, %q as %q reads %v %v", f, v, out, got, ok)
		}
		if f == leak.Presence {
			continue
		}
		if again, ok := carrier.Render(f, out, symbol); !ok || again != out {
			t.Errorf("family %d, %q twice is %q", f, out, again)
		}
		if carrier.Plain(f, out) != carrier.Plain(f, v) {
			t.Errorf("family %d: %q and %q are not the same", f, v, out)
		}
		if utf8.ValidString(v) != utf8.ValidString(out) {
			t.Errorf("family %d, %q: %q is no text", f, v, out)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	part := rapid.SampledFrom([]string{
		"Jl. ", "Jalan ", "JL.", "jln ", "RT 1", "RT.01", "RW 008", "/RW 12", ", ", " ", "No. 5", "Merdeka", "MELATI", "siti", "+62", "0", "62", "812", "3456789", "-",
		"2026-11-30T02:43:29.", "123", "000", "5Z", "d'Souza", "Ñandu", "é", "\n", "ß", "’", "\xff",
	})
	rapid.Check(t, func(t *rapid.T) {
		v := strings.Join(rapid.SliceOfN(part, 1, 8).Draw(t, "parts"), "")
		for _, f := range families {
			holds(t, f, v)
		}
	})
}

func FuzzCarriers(f *testing.F) {
	for _, s := range []string{"Jl. Merdeka 5 RT 1/RW 8", "+628123456789", "2026-11-30T02:43:29.123Z", "Siti Nur'aini", "RT/RW 001/008", "Jalan\tX", "ǅ", "ς Σ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for _, fam := range families {
			holds(t, fam, v)
		}
	})
}

// TestPlaces: no two cells of one row have one name, and each row has at least four
// families.
func TestPlaces(t *testing.T) {
	type cell struct {
		f leak.Family
		i uint8
	}
	seen, fams := map[cell]bool{}, map[leak.Family]bool{}
	for _, p := range carrier.Places() {
		c := cell{p.Family, p.Index}
		if seen[c] {
			t.Errorf("cell %v stands in two places", c)
		}
		seen[c], fams[p.Family] = true, true
	}
	if len(fams) < 4 {
		t.Errorf("%d families", len(fams))
	}
}
