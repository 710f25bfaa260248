package index

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
)

// stolen writes an index and returns every byte of its folder, as a thief of it has them.
func stolen(t *testing.T, b Batch) (files map[string][]byte) {
	t.Helper()
	disk := durabletest.New(1)
	s, err := OpenStore(disk)
	if err != nil {
		t.Fatal(err)
	}
	half := Batch{People: b.People[:len(b.People)/2]}
	if err := errors.Join(s.Append(half), s.Merge(), s.Append(b), s.Close()); err != nil {
		t.Fatal(err)
	}
	names, err := disk.List("")
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, n := range names {
		if files[n], err = durable.ReadFile(disk, n); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// words is every run of eight bytes in files.
func words(files map[string][]byte) map[uint64]bool {
	all := map[uint64]bool{}
	for _, raw := range files {
		for i := 0; i+8 <= len(raw); i++ {
			var w uint64
			for k := range 8 {
				w |= uint64(raw[i+k]) << (8 * k)
			}
			all[w] = true
		}
	}
	return all
}

// district is every plausible NIK of one synthetic district over ten years, serials 1 to 8:
// 29,760 of women and men.
func district() (all []norm.NIK) {
	for year := 80; year < 85; year++ {
		for month := 1; month <= 12; month++ {
			for day := 1; day <= 31; day++ {
				for _, woman := range []int{0, 40} {
					for serial := 1; serial <= 8; serial++ {
						all = append(all, norm.NIK(9910100000000000+uint64(day+woman)*100_000_000+uint64(month)*1_000_000+uint64(year)*10_000+uint64(serial)))
					}
				}
			}
		}
	}
	return all
}

// foundIn is how many of a dictionary's NIKs somebody with a key finds in the files.
func foundIn(all map[uint64]bool, niks []norm.NIK, t *Tagger) (n int) {
	for _, nik := range niks {
		if all[uint64(t.Full(nik))] || all[uint64(t.Short(nik))] || all[uint64(t.mask(t.Full(nik), padShort, t.Short(nik)))] || all[uint64(nik)] || all[nik.Short()] {
			n++
		}
	}
	return n
}

// TestDictionary: a thief of the index tries every plausible NIK of a district under keys
// that are not its own, and finds none. With the key all are found: the control.
func TestDictionary(t *testing.T) {
	key := Key{7}
	tagger := NewTagger(key)
	niks := district()
	var b Batch
	registered := map[norm.NIK]bool{}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		n := niks[rng.IntN(len(niks))]
		registered[n] = true
		b.People = append(b.People, tagger.Identity(Facts{NIK: n, Ref: uint64(len(registered)), Name: []byte("SITI"), Birth: 19800101, Phone: 6281234567, Address: []byte("JALAN A"), Row: leak.Row(len(registered))}))
	}
	all := words(stolen(t, b))
	for _, k := range []Key{{}, {8}, {7, 1}} {
		if n := foundIn(all, niks, NewTagger(k)); n != 0 {
			t.Errorf("without the key %d of %d are found", n, len(registered))
		}
	}
	var mine []norm.NIK
	for n := range registered {
		mine = append(mine, n)
	}
	if n := foundIn(all, mine, tagger); n != len(registered) {
		t.Errorf("with the key %d of %d are found: the attack proves nothing", n, len(registered))
	}
	// A copy that was keyed again for a job is found by no tag of the index's and by none of another job's.
	set := NewSet(b)
	jobs := [2]map[uint64]bool{}
	for i := range jobs {
		table := NewTable(key, Key{100 + byte(i)}, set)
		jobs[i] = tagsOf(table)
		shareBindAlone(t, table, set)
	}
	for i := range set.People {
		for _, w := range set.People[i].tags() {
			if jobs[0][uint64(*w)] || jobs[1][uint64(*w)] {
				t.Fatal("a job's copy shares a tag with the index")
			}
		}
	}
	for w := range jobs[0] {
		if jobs[1][w] {
			t.Fatal("two jobs' copies share a tag")
		}
	}
}

func tagsOf(t *Table) map[uint64]bool {
	all := map[uint64]bool{}
	for _, f := range []*finder{&t.full, &t.short, &t.ref, &t.born, &t.call} {
		if len(f.tags) == 0 {
			panic("a table has no tags of a kind")
		}
		for _, tag := range f.tags {
			all[uint64(tag)] = true
		}
	}
	for i := range t.held {
		all[uint64(t.held[i].Full)] = true
	}
	return all
}

// shareBindAlone: of what a table holds of somebody, what bound tags hold on to is theirs in the
// index, and nothing else is a tag of the index's, or the half of one that would be kept.
func shareBindAlone(t *testing.T, table *Table, set *Set) {
	t.Helper()
	whole, half, fulls := map[Tag]bool{}, map[uint32]bool{0: true}, map[Tag]bool{}
	for i := range set.People {
		p := &set.People[i]
		fulls[p.Full] = true
		for _, tag := range p.tags() {
			whole[*tag], half[uint32(*tag)] = true, true
		}
		for _, w := range p.Words {
			half[w] = true
		}
	}
	bound := map[Tag]bool{}
	for i := range table.held {
		h := &table.held[i]
		bound[h.bind] = true
		if !fulls[h.bind] || whole[h.Full] || half[h.Ref] || half[h.Name] || half[h.Phone] || half[h.Address] || half[h.Words[0]] {
			t.Fatalf("person %d: more than one tag is the index's, or none", i)
		}
	}
	if len(bound) != len(fulls) {
		t.Errorf("%d of %d people are held", len(bound), len(fulls))
	}
}

// zipf gives people names, telephones and addresses as unevenly as life does.
func zipf(people int) (all []Facts) {
	rng := rand.New(rand.NewPCG(2, 2))
	names, houses := rand.NewZipf(rng, 1.2, 2, 999), rand.NewZipf(rng, 1.5, 3, 4999)
	for i := range people {
		all = append(all, Facts{
			NIK: norm.NIK(9910100101000000 + uint64(i)*10 + 1), Ref: uint64(i + 1), Name: fmt.Appendf(nil, "NAMA%d", names.Uint64()), Birth: 19900101 + norm.Date(i%28),
			Phone: 62899000000000 + houses.Uint64(), Address: fmt.Appendf(nil, "JALAN %d", houses.Uint64()), Row: leak.Row(i + 1),
		})
	}
	return all
}

// unbound tags secondary attributes without the NIK, and composites without a pad: the
// protection off, for the control.
func unbound(t *Tagger, f Facts) Identity {
	id := t.Identity(f)
	id.Born, id.Call = t.Born(f.Name, f.Birth), t.Call(f.Name, f.Phone)
	id.Name, id.Phone, id.Address = t.Name(0, f.Name), t.Phone(0, f.Phone), t.Address(0, f.Address)
	id.Words = [Parts]uint32{t.Word(0, f.Name)}
	return id
}

// matched is the thief's gain by frequency: who knows how often each name is borne, ranks
// the tags of a column by how often they come and gives the i-th the i-th name. It returns
// the share of people named rightly, and how many tags come more than once.
func matched(facts []Facts, column []uint64) (right float64, repeated int) {
	type counted struct {
		key string
		n   int
	}
	rank := func(keys []string) (out []counted) {
		m := map[string]int{}
		for _, k := range keys {
			m[k]++
		}
		for k, n := range m {
			out = append(out, counted{k, n})
		}
		slices.SortFunc(out, func(a, b counted) int {
			if a.n != b.n {
				return b.n - a.n
			}
			if a.key < b.key {
				return -1
			}
			return 1
		})
		return out
	}
	tags, names := make([]string, len(column)), make([]string, len(column))
	for i, c := range column {
		tags[i], names[i] = fmt.Sprint(c), string(facts[i].Name)
	}
	byTag, byName := rank(tags), rank(names)
	guess := map[string]string{}
	for i, c := range byTag {
		if c.n > 1 {
			repeated++
		}
		if i < len(byName) {
			guess[c.key] = byName[i].key
		}
	}
	n := 0
	for i := range column {
		if guess[tags[i]] == names[i] {
			n++
		}
	}
	return float64(n) / float64(len(column)), repeated
}

// TestFrequencies: names are borne as unevenly as Zipf says, and no column of the stolen
// index shows it: every tag comes once and their bits are even. With attributes tagged
// without the NIK the same attack names people, and the same count fails: the control.
func TestFrequencies(t *testing.T) {
	const people = 20_000
	tagger, facts := NewTagger(Key{7}), zipf(people)
	columns := func(make func(Facts) Identity) (out [10][]uint64) {
		for _, f := range facts {
			id := make(f)
			for i, tag := range id.tags() {
				out[i] = append(out[i], uint64(*tag))
			}
			out[9] = append(out[9], uint64(id.Words[0]))
		}
		return out
	}
	for i, column := range columns(tagger.Identity) {
		right, repeated := matched(facts, column)
		most := 0
		if i == 9 {
			most = 5 // words' tags have 32 bits: 20,000²/2^33 is 0.05
		}
		if repeated > most || right > 0.002 {
			t.Errorf("column %d: %d tags come again, %.2f %% are named", i, repeated, 100*right)
		}
		if z := evenness(column, map[bool]int{true: 32, false: 64}[i == 9]); math.Abs(z) > 6 {
			t.Errorf("column %d: bits are uneven by %.1f σ", i, z)
		}
	}
	for i, column := range columns(func(f Facts) Identity { return unbound(tagger, f) }) {
		right, repeated := matched(facts, column)
		switch i {
		case 6: // names
			if repeated < 100 || right < 0.3 {
				t.Errorf("unprotected, %d names come again and %.2f %% are named: the attack proves nothing", repeated, 100*right)
			}
			t.Logf("unprotected: %.0f %% of people are named", 100*right)
		case 4, 5, 7, 8, 9:
			if repeated < 100 {
				t.Errorf("unprotected, %d of column %d come again: the attack proves nothing", repeated, i)
			}
		}
	}
}

// TestVisitsTellNothing: whoever steals the index knows how many were where on which day, and
// where who was, and finds neither: the visits of many at one place have tags as random as
// those of any, and two records of one visit have nothing in common. Without the person's row
// and the record's pad the same attack finds most: the control.
func TestVisitsTellNothing(t *testing.T) {
	const people = 20_000
	tagger, rng := NewTagger(Key{7}), rand.New(rand.NewPCG(3, 3))
	busy := rand.NewZipf(rng, 1.3, 2, 299)
	facts := make([]Facts, people) // their names are the visits
	var bound, open []uint64
	for i := range facts {
		facts[i].Name = fmt.Appendf(nil, "RS99%d", busy.Uint64())
		bound = append(bound, uint64(tagger.Visit(leak.Row(i+1)<<8, leak.Row(i+1)<<8|1, facts[i].Name, 3)))
		open = append(open, uint64(tagger.veiled(1, tagger.Visit(0, 1, facts[i].Name, 3))))
	}
	right, _ := matched(facts, bound)
	if right > 0.01 {
		t.Errorf("%.2f %% of visits are known", 100*right)
	}
	if most, z := commonest(bound), evenness(shifted(bound), 15); most > 12 || math.Abs(z) > 6 { // 20,000 into 32,768
		t.Errorf("a tag comes %d times, bits are uneven by %.1f σ", most, z)
	}
	if right, _ := matched(facts, open); right < 0.3 {
		t.Errorf("unprotected, %.2f %% of visits are known: the attack proves nothing", 100*right)
	}
	var alike, plain []uint64 // the records of one visit of one person
	for k := range 1000 {
		alike = append(alike, uint64(tagger.Visit(9, leak.Row(k+1), []byte("RS99"), 3)))
		plain = append(plain, uint64(tagger.veiled(leak.Row(k+1), uint16(alike[k]))))
	}
	if most := commonest(alike); most > 5 {
		t.Errorf("%d records of one visit are alike", most)
	}
	if most := commonest(plain); most != len(plain) {
		t.Errorf("without pads %d records of one visit are alike: the attack proves nothing", most)
	}
}

func shifted(all []uint64) (out []uint64) {
	for _, v := range all {
		out = append(out, v>>1)
	}
	return out
}

func commonest(all []uint64) (most int) {
	n := map[uint64]int{}
	for _, v := range all {
		n[v]++
		most = max(most, n[v])
	}
	return most
}

// TestTraitsComeBack: a trait beside a record, behind documents or alone, is read as written.
func TestTraitsComeBack(t *testing.T) {
	tagger := NewTagger(Key{7})
	documents := (&Document{Salt: 5, Words: []uint32{1, 2, 3}}).Known((&Document{Salt: 4}).Known(nil))
	for _, before := range [][]byte{nil, documents} {
		for _, l := range []leak.Trait{{}, {Visit: []byte("RS99"), Kind: 3}, {Address: []byte("JALAN A")}, {Visit: []byte("RS99"), Address: []byte("JALAN A")}} {
			want := tagger.Trait(1, 2, &l)
			known := want.Known(slices.Clone(before))
			if got := ParseTrait(known); got != want || (want.Visit != 0) != (l.Visit != nil) || (want.Address != 0) != (l.Address != nil) {
				t.Errorf("%+v, want %+v", got, want)
			}
			if n := len(ParseKnown(known)); n != len(ParseKnown(before)) {
				t.Errorf("%d documents beside a trait", n)
			}
		}
	}
}

// evenness is the greatest deviation of a bit from half, in standard deviations.
func evenness(column []uint64, bits int) (z float64) {
	for b := range bits {
		n := 0
		for _, c := range column {
			n += int(c >> b & 1)
		}
		dev := (float64(n) - float64(len(column))/2) / math.Sqrt(float64(len(column))/4)
		if math.Abs(dev) > math.Abs(z) {
			z = dev
		}
	}
	return z
}
