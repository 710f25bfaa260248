package index

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"slices"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

// Held is one version of a person in a Table. Tags are a job's, cut to 32 bits where they are
// asked for only when a finding tag of 64 agreed.
type Held struct {
	Full                 Tag
	bind                 Tag
	Row                  leak.Row
	Ref                  uint32
	Name, Phone, Address uint32
	Words                [Parts]uint32
	From, To             norm.Minute
	N                    uint32
	first                uint32 // of the person's versions of records
	Kind                 uint8
}

// Table answers a job's questions from memory: about 170 bytes for each person. Many
// goroutines may ask.
type Table struct {
	held                         []Held
	versions                     []Version
	ends                         uint32
	full, short, ref, born, call finder
	decoys                       int
	summed                       sync.Once
	sum                          uint32
	papers                       papers
}

// None is found where nobody is; Chance, where a decoy is.
const (
	None   int32 = -1
	Chance int32 = -2
)

// NewTable makes a table of a set that was keyed again for a job.
func NewTable(job Key, s *Set) *Table {
	t := &Table{held: make([]Held, len(s.People)), versions: s.Versions, decoys: len(s.Decoys), ends: uint32(len(s.Versions))}
	tagger := NewTagger(job)
	at := uint32(0)
	for i := range s.People {
		p := &s.People[i]
		h := Held{
			Full: p.Full, bind: tagger.mask(p.Full, padBind, p.Bind), Row: p.Row, Ref: uint32(p.Ref), Name: uint32(p.Name), Phone: uint32(p.Phone),
			Address: uint32(p.Address), Words: p.Words, From: p.From, To: Open, N: p.N, Kind: p.Kind, first: at,
		}
		at += s.Counts[i]
		if i > 0 && t.held[i-1].Full == p.Full {
			t.held[i-1].To = p.From
			h.first = t.held[i-1].first
		}
		t.held[i] = h
	}
	t.full = newFinder(len(s.People)+len(s.Decoys), func(add func(Tag, int32)) {
		for i := range s.People {
			add(s.People[i].Full, int32(i))
		}
		for _, d := range s.Decoys {
			add(d, Chance)
		}
	})
	for f, of := range map[*finder]func(*Identity) Tag{
		&t.short: func(p *Identity) Tag { return tagger.mask(p.Full, padShort, p.Short) },
		&t.born:  func(p *Identity) Tag { return tagger.mask(p.Full, padBorn, p.Born) },
		&t.call:  func(p *Identity) Tag { return tagger.mask(p.Full, padCall, p.Call) },
		&t.ref:   func(p *Identity) Tag { return p.Ref },
	} {
		*f = newFinder(len(s.People), func(add func(Tag, int32)) {
			for i := range s.People {
				if tag := of(&s.People[i]); tag != 0 {
					add(tag, int32(i))
				}
			}
		})
	}
	t.papers = newPapers(tagger, t, s)
	return t
}

// People returns how many identities there are, and Decoys how many decoys.
func (t *Table) People() int { return len(t.held) }

// Decoys returns how many decoys there are.
func (t *Table) Decoys() int { return t.decoys }

// Records returns how many versions of records there are.
func (t *Table) Records() int { return len(t.versions) }

// Check is a check sum of who and what is in the table, with when each was written.
func (t *Table) Check() uint32 {
	t.summed.Do(func() {
		var b [16]byte
		for i := range t.held {
			h := &t.held[i]
			binary.BigEndian.PutUint64(b[:], uint64(h.Full))
			binary.BigEndian.PutUint32(b[8:], uint32(h.From))
			binary.BigEndian.PutUint32(b[12:], h.first)
			t.sum = crc32.Update(t.sum, castagnoli, b[:])
		}
		for i := range t.versions {
			v := &t.versions[i]
			binary.BigEndian.PutUint64(b[:], uint64(v.Row))
			binary.BigEndian.PutUint32(b[8:], uint32(v.From))
			binary.BigEndian.PutUint32(b[12:], v.Record)
			t.sum = crc32.Update(t.sum, castagnoli, b[:])
		}
	})
	return t.sum
}

// Held returns an identity that was found.
func (t *Table) Held(i int32) *Held { return &t.held[i] }

// Same returns the identities of one person, of which i is one.
func (t *Table) Same(i int32) (from, to int32) {
	full := t.held[i].Full
	for from = i; from > 0 && t.held[from-1].Full == full; from-- {
	}
	for to = i + 1; int(to) < len(t.held) && t.held[to].Full == full; to++ {
	}
	return from, to
}

// Versions returns the versions of a person's records, ascending by Row and From, and the
// place of the first among all.
func (t *Table) Versions(i int32) ([]Version, uint32) {
	from, to := t.held[i].first, t.ends
	_, next := t.Same(i)
	if int(next) < len(t.held) {
		to = t.held[next].first
	}
	return t.versions[from:to], from
}

// Version returns a version by its place among all.
func (t *Table) Version(i int32) *Version { return &t.versions[i] }

// Until returns when a version ended: when the next one of its row was written.
func (t *Table) Until(i int32) norm.Minute {
	if int(i)+1 < len(t.versions) && t.versions[i+1].Row == t.versions[i].Row {
		return t.versions[i+1].From
	}
	return Open
}

// ByFull finds NIKs: out[i] is the first identity of tags[i], None or Chance.
func (t *Table) ByFull(tags []Tag, out []int32) { t.full.find(tags, out) }

// Warm reads whom ByFull found into the processor's cache, many at a time: what is asked of
// them afterwards one by one need not wait for memory. The sum it returns means nothing.
func (t *Table) Warm(found []int32) (sum uint64) {
	for _, at := range found {
		if at >= 0 {
			h := &t.held[at]
			sum += uint64(h.Full) + uint64(h.Kind) + uint64(h.first)
		}
	}
	for _, at := range found {
		if at >= 0 && int(t.held[at].first) < len(t.versions) {
			sum += uint64(t.versions[t.held[at].first].Row)
		}
	}
	return sum
}

// ByShort appends who may have a NIK's first fifteen digits.
func (t *Table) ByShort(out []int32, tag Tag) []int32 { return t.short.all(out, tag) }

// ByRef appends who has the platform's number.
func (t *Table) ByRef(out []int32, tag Tag) []int32 { return t.ref.all(out, tag) }

// ByBorn appends who has name and birth date.
func (t *Table) ByBorn(out []int32, tag Tag) []int32 { return t.born.all(out, tag) }

// ByCall appends who has name and telephone number.
func (t *Table) ByCall(out []int32, tag Tag) []int32 { return t.call.all(out, tag) }

// finder finds tags, which are as good as random: the top bits lead to a bucket of one or
// two. Asked for many at once it reads first all buckets, then all tags, so that the
// processor waits for many reads of memory at a time and not for one after the other.
type finder struct {
	start []uint32 // of each bucket, and the end
	tags  []Tag    // ascending
	at    []int32
	shift uint
}

type found struct {
	tag Tag
	at  int32
}

func newFinder(size int, each func(add func(Tag, int32))) finder {
	all := make([]found, 0, size)
	each(func(t Tag, at int32) { all = append(all, found{t, at}) })
	slices.SortFunc(all, func(a, b found) int { return cmp.Or(cmp.Compare(a.tag, b.tag), cmp.Compare(a.at, b.at)) })
	log := bits.Len(uint(len(all) | 1))
	f := finder{
		start: make([]uint32, 1<<log+1), tags: make([]Tag, len(all)), at: make([]int32, len(all)), shift: uint(64 - log),
	}
	for i, a := range all {
		f.tags[i], f.at[i] = a.tag, a.at
		f.start[a.tag>>f.shift+1]++
	}
	for i := 1; i < len(f.start); i++ {
		f.start[i] += f.start[i-1]
	}
	return f
}

// Ask is for how many tags a finder is best asked at once.
const Ask = 512

func (f *finder) find(tags []Tag, out []int32) {
	var from, to [Ask]uint32
	for len(tags) > 0 {
		n := min(len(tags), Ask)
		for i, t := range tags[:n] {
			b := t >> f.shift
			from[i], to[i] = f.start[b], f.start[b+1]
		}
		for i, t := range tags[:n] {
			out[i] = None
			for k := from[i]; k < to[i]; k++ {
				if f.tags[k] == t {
					out[i] = int32(k)
					break
				}
			}
		}
		for i, k := range out[:n] {
			if k >= 0 {
				out[i] = f.at[k]
			}
		}
		tags, out = tags[n:], out[n:]
	}
}

func (f *finder) all(out []int32, tag Tag) []int32 {
	b := tag >> f.shift
	for k := f.start[b]; k < f.start[b+1]; k++ {
		if f.tags[k] == tag {
			out = append(out, f.at[k])
		}
	}
	return out
}
