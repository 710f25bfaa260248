package index

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

// Document is what one document of a version of a record is known again by: 69 bytes in a
// file, and 4 for each of Words. All tags are masked by pads that no two documents share, so
// that a thief of the file cannot tell whether two people have the same one; which are images
// and which have text they can. The pads rest on the record: what is moved to another record's
// row opens as nothing.
type Document struct {
	Of    Tag // Full
	Row   leak.Row
	From  norm.Minute // when the version was written
	Salt  uint64      // of the pads
	Tags  [DocumentTags]Tag
	Words []uint32 // of runs of words
}

// Places of Document.Tags; one that there is none of is zero.
const (
	OfFile = iota
	OfPixels
	OfInstance // leak.Row of the UID's name, as those of series and study
	OfStudy
	OfSeries
	DocumentTags
)

const documentLen = 8 + 8 + 4 + 8 + 8*DocumentTags + 1

// Domains of documents' tags; stored, and stay.
const (
	tagFile byte = 64 + iota
	tagPixels
	tagShingle
	tagRecordPad
	tagPad
)

// Document tags a likeness, for the record of a row. rows are of the UIDs' names.
func (t *Tagger) Document(row leak.Row, salt uint64, l *leak.Likeness, rows [3]leak.Row) Document {
	d := Document{Row: row, Salt: salt, Tags: [DocumentTags]Tag{OfInstance: Tag(rows[0]), OfStudy: Tag(rows[1]), OfSeries: Tag(rows[2])}}
	d.Tags[OfFile], d.Tags[OfPixels] = t.File(l.File), t.Pixels(l.Pixels)
	for _, w := range l.Words[:min(len(l.Words), leak.MostWords)] {
		d.Words = append(d.Words, t.Shingle(w))
	}
	return t.masked(d)
}

// File tags the hash of a file.
func (t *Tagger) File(sum [32]byte) Tag { return t.content(tagFile, sum) }

// Pixels tags the hash of what an image shows; zero of none.
func (t *Tagger) Pixels(sum [32]byte) Tag { return t.content(tagPixels, sum) }

func (t *Tagger) content(domain byte, sum [32]byte) Tag {
	if sum == ([32]byte{}) {
		return 0
	}
	return t.long(domain, 0, sum[:])
}

// Shingle tags a run of words.
func (t *Tagger) Shingle(words uint64) uint32 { return uint32(t.one(tagShingle, words, 0)) }

// masked hides what a document's tags are, or shows it again.
func (t *Tagger) masked(d Document) Document {
	own := uint64(t.one(tagRecordPad, uint64(d.Row), 0)) ^ d.Salt
	for i, tag := range d.Tags {
		if tag != 0 {
			d.Tags[i] = tag ^ t.one(tagPad, own, uint64(i))
		}
	}
	words := make([]uint32, len(d.Words))
	for i, w := range d.Words {
		words[i] = w ^ uint32(t.one(tagPad, own, uint64(DocumentTags+i)))
	}
	d.Words = words
	return d
}

// Known is a document as it is kept beside its record, which has its row and time: its
// documents one behind the other.
func (d *Document) Known(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, d.Salt)
	for _, t := range d.Tags {
		b = binary.LittleEndian.AppendUint64(b, uint64(t))
	}
	b = append(b, byte(len(d.Words)))
	for _, w := range d.Words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

const knownLen = 8 + 8*DocumentTags + 1

// ParseKnown reads what Known wrote; what is not that is left out.
func ParseKnown(b []byte) []Document {
	out, _ := parseKnown(b)
	return out
}

func parseKnown(b []byte) (out []Document, rest []byte) {
	for len(b) >= knownLen && len(b) >= knownLen+4*int(b[knownLen-1]) {
		d := Document{Salt: binary.LittleEndian.Uint64(b)}
		for i := range d.Tags {
			d.Tags[i] = Tag(binary.LittleEndian.Uint64(b[8+8*i:]))
		}
		n := int(b[knownLen-1])
		b = b[knownLen:]
		for ; n > 0; n-- {
			d.Words = append(d.Words, binary.LittleEndian.Uint32(b))
			b = b[4:]
		}
		out = append(out, d)
	}
	return out, b
}

func appendDocument(b []byte, d *Document) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(d.Of))
	b = binary.LittleEndian.AppendUint64(b, uint64(d.Row))
	b = binary.LittleEndian.AppendUint32(b, uint32(d.From))
	b = binary.LittleEndian.AppendUint64(b, d.Salt)
	for _, t := range d.Tags {
		b = binary.LittleEndian.AppendUint64(b, uint64(t))
	}
	return append(b, byte(len(d.Words)))
}

// readDocument reads all but the words, of which it says how many there are.
func readDocument(b []byte) (d Document, words int) {
	_ = b[documentLen-1]
	d.Of, d.Row = Tag(binary.LittleEndian.Uint64(b)), leak.Row(binary.LittleEndian.Uint64(b[8:]))
	d.From, d.Salt = norm.Minute(binary.LittleEndian.Uint32(b[16:])), binary.LittleEndian.Uint64(b[20:])
	for i := range d.Tags {
		d.Tags[i] = Tag(binary.LittleEndian.Uint64(b[28+8*i:]))
	}
	return d, int(b[documentLen-1])
}

// readDocuments reads n documents of a batch with their words.
func readDocuments(b []byte, n uint32) (out []Document, rest []byte, ok bool) {
	for range n {
		if len(b) < documentLen {
			return nil, b, false
		}
		d, words := readDocument(b)
		if b = b[documentLen:]; len(b) < 4*words {
			return nil, b, false
		}
		for range words {
			d.Words = append(d.Words, binary.LittleEndian.Uint32(b))
			b = b[4:]
		}
		out = append(out, d)
	}
	return out, b, true
}

func compareDocument(a, b *Document) int {
	return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.From, b.From), cmp.Compare(a.Salt, b.Salt))
}

// tidyDocuments sorts one person's, and keeps of what is there twice one.
func tidyDocuments(all []Document) []Document {
	slices.SortStableFunc(all, func(a, b Document) int { return compareDocument(&a, &b) })
	return lastOf(all, func(a, b *Document) bool { return compareDocument(a, b) == 0 })
}

// document gives a document of the index a job's tags, which lie open.
func (a *Asker) document(d Document) Document {
	d = a.index.masked(d)
	d.Of = a.job.again(d.Of)
	d.Tags[OfFile], d.Tags[OfPixels] = a.job.again(d.Tags[OfFile]), a.job.again(d.Tags[OfPixels])
	for i, w := range d.Words {
		d.Words[i] = a.job.shingle(w)
	}
	return d
}

func (t *Tagger) shingle(w uint32) uint32 { return uint32(t.small(0, 4<<48|uint64(w))) }

// documents gives all a job's tags.
func (a *Asker) documents(all []Document) []Document {
	out := make([]Document, len(all))
	spread(len(all), func(_, from, to int) {
		mine := a.Clone()
		for i := from; i < to; i++ {
			out[i] = mine.document(all[i])
		}
	})
	slices.SortFunc(out, func(x, y Document) int { return cmp.Or(cmp.Compare(x.Of, y.Of), compareDocument(&x, &y)) })
	return out
}

// File tags the hash of a file.
func (a *Asker) File(sum [32]byte) Tag { return a.job.again(a.index.File(sum)) }

// Pixels tags the hash of what an image shows.
func (a *Asker) Pixels(sum [32]byte) Tag { return a.job.again(a.index.Pixels(sum)) }

// Shingle tags a run of words.
func (a *Asker) Shingle(words uint64) uint32 { return a.job.shingle(a.index.Shingle(words)) }
