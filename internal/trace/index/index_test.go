package index_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/trace/index"
)

var (
	indexKey = index.Key{1, 2, 3}
	jobKey   = index.Key{4, 5, 6}
)

// nikOf is the i-th NIK of a synthetic district: a place, a birth date, a serial.
func nikOf(i int) norm.NIK {
	day, rest := i%28+1, i/28
	month, rest := rest%12+1, rest/12
	return norm.NIK(9910100000000000 + uint64(day)*100_000_000 + uint64(month)*1_000_000 + uint64(rest%100)*10_000 + uint64(rest/100%50) + 1)
}

func factsOf(i int) index.Facts {
	return index.Facts{
		NIK: nikOf(i), Ref: uint64(i) + 1, Name: fmt.Appendf(nil, "NAMA%c ORANG", 'A'+i%26), Birth: norm.Date(19900101),
		Phone: 62899000000000 + uint64(i), Address: fmt.Appendf(nil, "JALAN MELATI NO %d", i%50), Row: leak.Row(i+1) << 8,
	}
}

const started norm.Minute = 11_000_000 // in 2020

func batchOf(t *index.Tagger, from, to int) (b index.Batch) {
	for i := from; i < to; i++ {
		id := t.Identity(factsOf(i))
		id.From = started
		b.People = append(b.People, id)
		if d, ok := t.Decoy(nikOf(i)); ok {
			b.People = append(b.People, d)
		}
		r := index.Records{Of: id.Full}
		for k := range 3 {
			n := uint64(65538 + k)
			r.Versions = append(r.Versions, index.Version{Row: leak.Row(i+1)<<8 | leak.Row(k+1), From: started + norm.Minute(k),
				Record: t.Record(id.Full, n), Visit: t.Visit(id.Row, leak.Row(i+1)<<8|leak.Row(k+1), fmt.Appendf(nil, "RS99 %d", k), uint8(k))})
		}
		b.Records = append(b.Records, r)
	}
	return b
}

func TestAPersonIsFoundByEach(t *testing.T) {
	table := index.NewTable(indexKey, jobKey, index.NewSet(batchOf(index.NewTagger(indexKey), 0, 1000)))
	a := index.NewAsker(indexKey, jobKey)
	for i := range 1000 {
		f := factsOf(i)
		var out [1]int32
		table.ByFull([]index.Tag{a.Full(f.NIK)}, out[:])
		if out[0] < 0 || table.Held(out[0]).Row != leak.Row(i+1)<<8 {
			t.Fatalf("person %d is not found by NIK: %d", i, out[0])
		}
		for what, all := range map[string][]int32{
			"fifteen digits": table.ByShort(nil, a.Short(f.NIK/10*10)), "number": table.ByRef(nil, a.Ref(f.Ref)),
			"name and birth date": table.ByBorn(nil, a.Born(f.Name, f.Birth)), "name and telephone": table.ByCall(nil, a.Call(f.Name, f.Phone)),
		} {
			if !slices.Contains(all, out[0]) {
				t.Errorf("person %d is not found by %s", i, what)
			}
		}
		h := table.Held(out[0])
		if !a.Name(h, f.Name) || !a.Phone(h, f.Phone) || !a.Address(h, f.Address) || !a.Word(h, []byte("ORANG")) ||
			a.Name(h, []byte("X")) || a.Phone(h, 1) || a.Address(h, []byte("X")) || a.Word(h, []byte("X")) {
			t.Errorf("attributes of person %d", i)
		}
		versions, _ := table.Versions(out[0])
		if len(versions) != 3 || versions[1].Record != a.Record(h, 65539) || versions[2].Visit != a.Visits(h, []byte("RS99 2"))[2] ||
			versions[1].From != started+1 || versions[1].Row != leak.Row(i+1)<<8|2 {
			t.Errorf("versions of person %d: %+v", i, versions)
		}
	}
	var out [1]int32
	if table.ByFull([]index.Tag{a.Full(9999999999999999)}, out[:]); out[0] != index.None {
		t.Errorf("a stranger: %v", out)
	}
	met := 0
	for i := range norm.NIK(1000 * 51) { // decoys are of the same days as people, with other serials: 1 to 51
		n := nikOf(int(i/51)) / 10_000 * 10_000
		if table.ByFull([]index.Tag{a.Full(n + i%51 + 1)}, out[:]); out[0] == index.Chance {
			met++
		}
	}
	if met != table.Decoys() {
		t.Errorf("of %d decoys %d are met", table.Decoys(), met)
	}
	if table.Decoys() < 100 {
		t.Errorf("%d decoys", table.Decoys())
	}
}

// TestNoTag: an index in which somebody has the tag zero, which is none, is opened for a job: the
// others are found, with their own versions and no more.
func TestNoTag(t *testing.T) {
	const people = 50
	b := batchOf(index.NewTagger(indexKey), 0, people)
	b.People = append(b.People, index.Identity{Row: 9})
	b.Records = append(b.Records, index.Records{Versions: []index.Version{{Row: 7, From: started}}})
	set := index.NewSet(b)
	if len(set.People) != people+1 || set.People[0].Full != 0 || len(set.Versions) != 3*people+1 {
		t.Fatalf("%d people, %d versions", len(set.People), len(set.Versions)) // the control
	}
	table, a := index.NewTable(indexKey, jobKey, set), index.NewAsker(indexKey, jobKey)
	if table.People() != people || table.Records() != 3*people {
		t.Errorf("%d people, %d versions", table.People(), table.Records())
	}
	for i := range people {
		f := factsOf(i)
		var out [1]int32
		table.ByFull([]index.Tag{a.Full(f.NIK)}, out[:])
		if out[0] < 0 || table.Held(out[0]).Row != f.Row || !slices.Contains(table.ByRef(nil, a.Ref(f.Ref)), out[0]) {
			t.Fatalf("person %d is not found: %d", i, out[0])
		}
		if versions, _ := table.Versions(out[0]); len(versions) != 3 || versions[0].Row>>8 != f.Row>>8 {
			t.Errorf("versions of person %d: %+v", i, versions)
		}
	}
}

// TestDecoysGiveWay: no decoy is a NIK that somebody has, or gets.
func TestDecoysGiveWay(t *testing.T) {
	tagger := index.NewTagger(indexKey)
	s, err := index.OpenStore(durabletest.New(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Append(batchOf(tagger, 0, 2000)), s.Merge()); err != nil {
		t.Fatal(err)
	}
	set, err := s.Load()
	if err != nil || len(set.Decoys) == 0 {
		t.Fatal(len(set.Decoys), err)
	}
	was := set.Decoys[0]
	if err := errors.Join(s.Append(index.Batch{People: []index.Identity{{Full: was, Bind: was}}}), s.Merge()); err != nil {
		t.Fatal(err)
	}
	set, err = s.Load()
	if err != nil || slices.Contains(set.Decoys, was) {
		t.Error("a decoy is somebody's", err)
	}
	for _, p := range set.People {
		if _, found := slices.BinarySearch(set.Decoys, p.Full); found {
			t.Error("a decoy is somebody's")
		}
	}
}

// TestSize: 150 bytes for who somebody is, decoys included, and 16 for a version.
func TestSize(t *testing.T) {
	const people = 5000
	s, err := index.OpenStore(durabletest.New(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Append(batchOf(index.NewTagger(indexKey), 0, people)), s.Merge()); err != nil {
		t.Fatal(err)
	}
	identity, versions := s.Bytes()
	t.Logf("%.1f bytes a person, %.1f a version", float64(identity)/people, float64(versions)/(3*people))
	if identity > 150*people || versions > 16*3*people {
		t.Errorf("%d and %d bytes", identity, versions)
	}
}

// TestMergeIsTheSame: in however many steps batches come, the index is that of all at once.
func TestMergeIsTheSame(t *testing.T) {
	tagger := index.NewTagger(indexKey)
	var batches []index.Batch
	for i := range 10 {
		batches = append(batches, batchOf(tagger, i*50, i*50+80)) // they overlap
	}
	later := tagger.Identity(factsOf(7))
	later.From = started + 500
	gone := index.Identity{Full: tagger.Full(nikOf(9)), Kind: index.Gone}
	batches = append(batches, index.Batch{People: []index.Identity{later, gone}},
		index.Batch{Records: []index.Records{{Of: later.Full, Versions: []index.Version{{Row: 8<<8 | 1, From: started + 600, Ends: true}}}}})
	want := index.NewSet(batches...)
	disk := durabletest.New(1)
	s, err := index.OpenStore(disk)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range batches {
		if err := s.Append(b); err != nil {
			t.Fatal(err)
		}
		if i%3 == 1 {
			if err := s.Merge(); err != nil {
				t.Fatal(err)
			}
		}
		if i == 5 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = index.OpenStore(disk); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	table := index.NewTable(indexKey, jobKey, got)
	a := index.NewAsker(indexKey, jobKey)
	var out [2]int32
	table.ByFull([]index.Tag{a.Full(nikOf(7)), a.Full(nikOf(9))}, out[:])
	if out[1] >= 0 {
		t.Error("who was taken out is found")
	}
	from, to := table.Same(out[0])
	if to-from != 2 || table.HeldUntil(from) != started+500 || table.HeldUntil(from+1) != index.Open {
		t.Errorf("two versions of a person: %d to %d", from, to)
	}
	versions, first := table.Versions(out[0])
	if at := int32(first); len(versions) != 4 || table.Until(at) != started+600 || !versions[1].Ends || table.Until(at+2) != index.Open {
		t.Errorf("%+v", versions)
	}
}

// TestCrashes: whichever call the disk refuses, whatever it forgets, each batch that was
// acknowledged is there, whole, and nothing that was never appended.
func TestCrashes(t *testing.T) {
	tagger := index.NewTagger(indexKey)
	batches := []index.Batch{batchOf(tagger, 0, 5), batchOf(tagger, 5, 10), batchOf(tagger, 10, 15)}
	for n := 1; ; n++ {
		disk := durabletest.New(uint64(n))
		s, err := index.OpenStore(disk)
		if err != nil {
			t.Fatal(err)
		}
		disk.Fail(durabletest.Failure{N: n, Effect: n%2 == 0, Stop: true})
		acked := 0
		err = func() error {
			for _, b := range batches {
				if err := s.Append(b); err != nil {
					return err
				}
				acked++
				if err := s.Merge(); err != nil {
					return err
				}
			}
			return nil
		}()
		failed := err != nil
		disk.Crash()
		if s, err = index.OpenStore(disk); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		got, err := s.Load()
		if err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		if !cmp.Equal(got, index.NewSet(batches[:acked]...)) && (acked == len(batches) || !cmp.Equal(got, index.NewSet(batches[:acked+1]...))) {
			t.Errorf("call %d: %d batches acknowledged, %d people", n, acked, len(got.People))
		}
		if err := errors.Join(s.Append(batches[0]), s.Merge()); err != nil {
			t.Errorf("call %d: afterwards: %v", n, err)
		}
		if !failed {
			return
		}
	}
}

func TestDamageIsFound(t *testing.T) {
	disk := durabletest.New(1)
	s, err := index.OpenStore(disk)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Append(batchOf(index.NewTagger(indexKey), 0, 50)), s.Merge(), s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"people-1", "versions-1", "decoys-1", "head"} {
		raw, err := durable.ReadFile(disk, name)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			bad := slices.Clone(raw)
			bad[rand.IntN(len(bad))] ^= 1 << rand.IntN(8)
			if err := durable.WriteFile(disk, name, bad); err != nil {
				t.Fatal(err)
			}
			s, err := index.OpenStore(disk)
			if err == nil {
				_, err = s.Load()
				_ = s.Close()
			}
			if !errors.Is(err, index.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := durable.WriteFile(disk, name, raw); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	for _, v := range []any{indexKey, &indexKey, index.NewTagger(indexKey), factsOf(1), index.NewAsker(indexKey, jobKey)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if s := fmt.Sprintf(verb, v); !strings.Contains(s, "redacted") {
				t.Errorf("%T %s: %s", v, verb, s)
			}
		}
	}
}

// TestLookUpsAllocateNothing: what is done for each row leaves no garbage.
func TestLookUpsAllocateNothing(t *testing.T) {
	table := index.NewTable(indexKey, jobKey, index.NewSet(batchOf(index.NewTagger(indexKey), 0, 100)))
	a := index.NewAsker(indexKey, jobKey)
	f := factsOf(3)
	tags, out := make([]index.Tag, 1), make([]int32, 1)
	if n := testing.AllocsPerRun(100, func() {
		tags[0] = a.Full(f.NIK)
		table.ByFull(tags, out)
		h := table.Held(out[0])
		if !a.Name(h, f.Name) || !a.Phone(h, f.Phone) || !a.Address(h, f.Address) {
			t.Error("not found")
		}
	}); n > 0 {
		t.Errorf("%.1f allocations", n)
	}
}
