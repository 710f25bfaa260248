package index

import (
	"cmp"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// common is among how many people a file, a picture or a run of words may be before it says
// nothing of any of them: it is a form, a blank page, a letterhead.
const common = 2

// fewest is how many runs of words of a document must be its own before it is known by them.
const fewest = 3

// Found is one document of a Table.
type Found struct {
	Full    Tag
	Row     leak.Row
	UIDs    [3]leak.Row // of instance, study and series; zero where there are none
	Version int32       // its place among all versions; None when that is not there
	Words   int         // runs of words that few others have
	who     int32
}

// papers are the documents of a Table. Templates are left out as they are found: what more
// than a few people have is nobody's.
type papers struct {
	all                 []Found
	file, pixels, words finder
}

// newPapers are the documents of a set, keyed again for a job whose people a table has.
func newPapers(a *Asker, t *Table, s *Set) papers {
	p := papers{all: make([]Found, len(s.Documents))}
	var by [3][]found
	for i, d := range a.documents(s.Documents) {
		f := Found{Full: d.Of, Row: d.Row, UIDs: [3]leak.Row{leak.Row(d.Tags[OfInstance]), leak.Row(d.Tags[OfStudy]), leak.Row(d.Tags[OfSeries])}}
		f.who, f.Version = t.versionOf(d.Of, d.Row, &d)
		p.all[i] = f
		by[0] = append(by[0], found{d.Tags[OfFile], int32(i)})
		by[1] = append(by[1], found{d.Tags[OfPixels], int32(i)})
		for _, w := range d.Words {
			by[2] = append(by[2], found{Tag(w) << 32, int32(i)})
		}
	}
	for i, f := range []*finder{&p.file, &p.pixels, &p.words} {
		own := p.own(by[i])
		*f = newFinder(len(own), func(i int) found { return own[i] })
		if f == &p.words {
			for _, k := range own {
				p.all[k.at].Words++
			}
		}
	}
	return p
}

// own leaves out what is of too many people, and zeros.
func (p *papers) own(all []found) (out []found) {
	slices.SortFunc(all, func(a, b found) int { return cmp.Or(cmp.Compare(a.tag, b.tag), cmp.Compare(a.at, b.at)) })
	all = slices.Compact(all)
	for i := 0; i < len(all); {
		j, people := i, 0
		for ; j < len(all) && all[j].tag == all[i].tag; j++ { // of one person they are neighbours
			if j == i || p.all[all[j].at].Full != p.all[all[j-1].at].Full {
				people++
			}
		}
		if all[i].tag != 0 && people <= common {
			out = append(out, all[i:j]...)
		}
		i = j
	}
	return out
}

// versionOf finds a document's version among its person's.
func (t *Table) versionOf(full Tag, row leak.Row, d *Document) (who, version int32) {
	var at [1]int32
	t.ByFull([]Tag{full}, at[:])
	if at[0] < 0 {
		return None, None
	}
	versions, first := t.Versions(at[0])
	for i := range versions {
		if v := &versions[i]; v.Row == row && v.From == d.From && !v.Ends {
			return at[0], int32(first) + int32(i)
		}
	}
	return at[0], None
}

// Documents returns how many documents there are.
func (t *Table) Documents() int { return len(t.papers.all) }

// Document returns a document that was found.
func (t *Table) Document(i int32) *Found { return &t.papers.all[i] }

// Whose is the place of the document's person among identities; None when they are not there.
func (f *Found) Whose() int32 { return f.who }

// ByFile finds documents by their file, and ByPixels by what they show.
func (t *Table) ByFile(out []int32, tag Tag) []int32 { return t.papers.file.some(out, tag) }

// ByPixels finds documents by what they show.
func (t *Table) ByPixels(out []int32, tag Tag) []int32 { return t.papers.pixels.some(out, tag) }

// ByWords finds documents of whose runs of words this is one.
func (t *Table) ByWords(out []int32, word uint32) []int32 {
	return t.papers.words.some(out, Tag(word)<<32)
}

// Told reports whether so many runs of a document's words are enough to know it by: most of
// those that are its own.
func (f *Found) Told(seen int) bool { return f.Words >= fewest && 5*seen >= 3*f.Words }

// some is all, of a finder that may be empty and a tag that may be zero.
func (f *finder) some(out []int32, tag Tag) []int32 {
	if tag == 0 || len(f.tags) == 0 {
		return out
	}
	return f.all(out, tag)
}

// Images are, of each record that is a DICOM file, the rows of its instance, study and series.
func (s *Set) Images(key Key) map[leak.Row][]leak.Row {
	t := NewTagger(key)
	out := map[leak.Row][]leak.Row{}
	for _, d := range s.Documents {
		d = t.masked(d)
		for _, row := range d.Tags[OfInstance:] {
			if row != 0 {
				out[d.Row] = append(out[d.Row], leak.Row(row))
			}
		}
	}
	return out
}
