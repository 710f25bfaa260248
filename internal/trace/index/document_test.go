package index

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
)

var (
	documentKey = Key{7}
	documentJob = Key{8}
)

// likeOf is the i-th document: its own, and a form's that all have.
func likeOf(i int) leak.Likeness {
	l := leak.Likeness{File: [32]byte{1, byte(i), byte(i >> 8)}, Pixels: [32]byte{2, byte(i), byte(i >> 8)}, UIDs: [3]string{"1.2", "1.3", "1.4"}}
	for k := range uint64(16) {
		l.Words = append(l.Words, uint64(i)<<32|k, 1<<60|k)
	}
	return l
}

// withDocuments are some people with a record each, that is a document.
func withDocuments(t *Tagger, people int) (b Batch) {
	for i := range people {
		full := t.Full(norm.NIK(9910100101000000 + uint64(i)*10 + 1))
		row, l := leak.Row(1000+i), likeOf(i)
		d := t.Document(row, uint64(i)*77, &l, [3]leak.Row{leak.Row(i*3 + 1), leak.Row(i*3 + 2), leak.Row(i*3 + 3)})
		kept := ParseKnown(d.Known(nil))
		kept[0].Of, kept[0].Row, kept[0].From = full, row, 11_000_000
		b.People = append(b.People, Identity{Full: full, Bind: full})
		b.Records = append(b.Records, Records{Of: full, Versions: []Version{{Row: row, From: 11_000_000, Record: 1}}, Documents: kept})
	}
	return b
}

// TestDocumentsAreFound: in a file, merged, keyed again, each document is found by its bytes,
// by what it shows and by its words, with its person, version and numbers; another's is not.
func TestDocumentsAreFound(t *testing.T) {
	const people = 200
	b := withDocuments(NewTagger(documentKey), people)
	s, err := OpenStore(durabletest.New(1))
	if err != nil {
		t.Fatal(err)
	}
	half := Batch{People: b.People[:100], Records: b.Records[:100]}
	if err := errors.Join(s.Append(half), s.Merge(), s.Append(b), s.Append(b)); err != nil {
		t.Fatal(err)
	}
	pending, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Merge(); err != nil {
		t.Fatal(err)
	}
	set, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(pending, set); d != "" {
		t.Errorf("merged it is another: %s", d)
	}
	n, size := s.Documents()
	if t.Logf("%d bytes a document with %d runs of words", size/int64(n), leak.MostWords); n != people || size/int64(n) > 69+4*leak.MostWords {
		t.Errorf("%d documents of %d bytes", n, size)
	}
	table, a := NewTable(documentKey, documentJob, set), NewAsker(documentKey, documentJob)
	for i := range people {
		l := likeOf(i)
		row := leak.Row(1000 + i)
		seen := 0
		for _, w := range l.Words {
			for _, at := range table.ByWords(nil, a.Shingle(w)) {
				if table.Document(at).Row != row {
					t.Fatalf("document %d has a word of %d", table.Document(at).Row, row)
				}
				seen++
			}
		}
		for by, all := range map[string][]int32{"file": table.ByFile(nil, a.File(l.File)), "pixels": table.ByPixels(nil, a.Pixels(l.Pixels))} {
			if len(all) != 1 {
				t.Fatalf("document %d is found %d times by %s", i, len(all), by)
			}
			d := table.Document(all[0])
			if d.Row != row || d.UIDs != [3]leak.Row{leak.Row(i*3 + 1), leak.Row(i*3 + 2), leak.Row(i*3 + 3)} || d.Version < 0 || table.Version(d.Version).Row != row || table.Held(d.Whose()).Full != d.Full {
				t.Errorf("document %d by %s: %+v", i, by, d)
			}
			if d.Words != 16 || seen != 16 || !d.Told(seen) || d.Told(9) {
				t.Errorf("document %d: %d runs of its own, %d seen", i, d.Words, seen)
			}
		}
	}
	other := likeOf(people + 1)
	if len(table.ByFile(nil, a.File(other.File)))+len(table.ByPixels(nil, a.Pixels(other.Pixels)))+len(table.ByPixels(nil, a.Pixels([32]byte{}))) != 0 {
		t.Error("nobody's document is found")
	}
	if got := set.Images(documentKey)[1007]; !slices.Equal(got, []leak.Row{22, 23, 24}) {
		t.Errorf("numbers of an image: %v", got)
	}
}

// TestFormsAreNobodys: a file, a picture and words that more than two people have are found
// in none of them; of two they are.
func TestFormsAreNobodys(t *testing.T) {
	tagger := NewTagger(documentKey)
	for _, people := range []int{2, 3} {
		b := withDocuments(tagger, people)
		for i := range b.Records {
			l := likeOf(7)
			d := tagger.Document(leak.Row(1000+i), uint64(i), &l, [3]leak.Row{})
			d.Of, d.From = b.Records[i].Of, 11_000_000
			b.Records[i].Documents = []Document{d}
		}
		table, a := NewTable(documentKey, documentJob, NewSet(b)), NewAsker(documentKey, documentJob)
		l := likeOf(7)
		n := len(table.ByFile(nil, a.File(l.File))) + len(table.ByPixels(nil, a.Pixels(l.Pixels))) + len(table.ByWords(nil, a.Shingle(l.Words[0])))
		if want := map[int]int{2: 6, 3: 0}[people]; n != want {
			t.Errorf("what %d people have is found %d times, want %d", people, n, want)
		}
	}
}

// TestWhoIsForgottenHasNoDocuments: with a person their documents go.
func TestWhoIsForgottenHasNoDocuments(t *testing.T) {
	b := withDocuments(NewTagger(documentKey), 3)
	s, err := OpenStore(durabletest.New(1))
	if err != nil {
		t.Fatal(err)
	}
	gone := Batch{People: []Identity{{Full: b.People[1].Full, Bind: b.People[1].Full, Kind: Gone}}}
	if err := errors.Join(s.Append(b), s.Merge(), s.Append(gone), s.Merge()); err != nil {
		t.Fatal(err)
	}
	set, err := s.Load()
	if err != nil || len(set.Documents) != 2 || slices.ContainsFunc(set.Documents, func(d Document) bool { return d.Row == 1001 }) {
		t.Errorf("%d documents: %v", len(set.Documents), err)
	}
}

// TestStolenDocuments: all people have one form, one picture and one text, and images of one
// study: no tag in the stolen files comes twice, their bits are even, and who knows the
// document and has another key finds it nowhere. With the pads off the same count sees them,
// and with the key they are found: the controls. What is moved to another record is nothing.
func TestStolenDocuments(t *testing.T) {
	const people = 4000
	tagger, l := NewTagger(documentKey), likeOf(1)
	var b Batch
	var columns [DocumentTags][]uint64
	words := map[uint32]int{}
	for i := range people {
		full := tagger.Full(norm.NIK(9910100101000000 + uint64(i)*10 + 1))
		row := leak.Row(tagger.one(tagRef, uint64(i), 9))
		d := tagger.Document(row, uint64(i), &l, [3]leak.Row{5, 6, 7})
		d.Of, d.From = full, 11_000_000
		b.Records = append(b.Records, Records{Of: full, Versions: []Version{{Row: row, From: 11_000_000, Record: 1}}, Documents: []Document{d}})
		for k, tag := range d.Tags {
			columns[k] = append(columns[k], uint64(tag))
		}
		for _, w := range d.Words {
			words[w]++
		}
	}
	for k, column := range columns {
		once := slices.Clone(column)
		slices.Sort(once)
		if n := len(slices.Compact(once)); n != people {
			t.Errorf("tag %d: %d of %d are apart", k, n, people)
		}
		if z := evenness(column, 64); math.Abs(z) > 6 {
			t.Errorf("tag %d: bits are uneven by %.1f σ", k, z)
		}
	}
	if again := people*len(l.Words) - len(words); again > 12 { // 128,000²/2^33 is 1.9
		t.Errorf("%d runs of words come again", again)
	}
	all := wordsOf(stolen(t, b))
	for _, key := range []Key{{}, {8}, documentJob} {
		thief := NewTagger(key)
		for _, r := range b.Records[:500] {
			d := thief.masked(r.Documents[0])
			if d.Tags[OfFile] == thief.File(l.File) || d.Tags[OfPixels] == thief.Pixels(l.Pixels) || d.Tags[OfStudy] == 6 {
				t.Fatal("who knows a document finds it without the key")
			}
		}
		if all[uint64(thief.File(l.File))] || all[uint64(thief.Pixels(l.Pixels))] {
			t.Fatal("a tag lies open")
		}
	}
	if all[uint64(tagger.File(l.File))] {
		t.Error("a tag lies open: without pads it comes as often as the form")
	}
	moved := b.Records[0].Documents[0]
	open := tagger.masked(moved)
	if open.Tags[OfFile] != tagger.File(l.File) || open.Tags[OfStudy] != 6 || open.Words[0] != tagger.Shingle(l.Words[0]) {
		t.Error("with the key it is not found: the attack proves nothing")
	}
	if moved.Row++; tagger.masked(moved).Tags[OfFile] == tagger.File(l.File) {
		t.Error("moved to another record it is still known")
	}
	for _, d := range NewAsker(documentKey, documentJob).documents(NewSet(b).Documents) {
		if all[uint64(d.Tags[OfFile])] || all[uint64(d.Of)] || d.Tags[OfFile] == tagger.File(l.File) || d.Of == b.Records[0].Of {
			t.Fatal("a job's copy shares a tag with the index")
		}
	}
}

func wordsOf(files map[string][]byte) map[uint64]bool { return words(files) }

// FuzzParseKnown: what is kept beside a record may be anything.
func FuzzParseKnown(f *testing.F) {
	l := likeOf(3)
	d := NewTagger(documentKey).Document(1, 2, &l, [3]leak.Row{1, 2, 3})
	f.Add(d.Known(nil))
	f.Add(d.Known(d.Known([]byte{})))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var again []byte
		all := ParseKnown(raw)
		for i := range all {
			again = all[i].Known(again)
		}
		if len(again) > len(raw) || string(again) != string(raw[:len(again)]) {
			t.Error("it reads what was not written")
		}
	})
}
