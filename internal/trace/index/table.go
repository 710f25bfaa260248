package index

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

// Held is one version of a person in a Table, in one line of a processor's cache. Tags are a
// job's, cut to 32 bits where they are asked for only when a finding tag of 64 agreed.
type Held struct {
	Full                 Tag
	bind                 Tag // the index's, which bound tags hold on to
	Row                  leak.Row
	Ref                  uint32
	Name, Phone, Address uint32
	Words                [Parts]uint32
	From                 norm.Minute
	records              uint32 // where the person's versions of records begin; alone
}

// alone is set in Held.records of who has one version only.
const alone = 1 << 31

// place notes where a person's versions of records begin, and whether they have one identity.
func (h *Held) place(first uint32, only bool) {
	if h.records = first; only {
		h.records |= alone
	}
}

func (h *Held) first() uint32 { return h.records &^ alone }

// Table answers a job's questions from memory: about 150 bytes for each person. Many
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
	ahead                        atomic.Uint64 // sums that mean nothing, so that what is read ahead is read
}

// None is found where nobody is; Chance, where a decoy is.
const (
	None   int32 = -1
	Chance int32 = -2
)

// People returns how many identities there are, and Decoys how many decoys.
func (t *Table) People() int { return len(t.held) }

// Decoys returns how many decoys there are.
func (t *Table) Decoys() int { return t.decoys }

// Records returns how many versions of records there are.
func (t *Table) Records() int { return len(t.versions) }

// Check is a check sum of who and what is in the table, with when each was written.
func (t *Table) Check() uint32 {
	t.summed.Do(func() {
		var b []byte
		full := func(block int) {
			if len(b) >= block {
				t.sum = crc32.Update(t.sum, castagnoli, b)
				b = b[:0]
			}
		}
		for i := range t.held {
			h := &t.held[i]
			b = binary.BigEndian.AppendUint64(b, uint64(h.Full))
			b = binary.BigEndian.AppendUint32(b, uint32(h.From))
			b = binary.BigEndian.AppendUint32(b, h.first())
			full(1 << 12)
		}
		for i := range t.versions {
			v := &t.versions[i]
			b = binary.BigEndian.AppendUint64(b, uint64(v.Row))
			b = binary.BigEndian.AppendUint32(b, uint32(v.From))
			b = binary.BigEndian.AppendUint32(b, v.Record)
			full(1 << 12)
		}
		full(0)
	})
	return t.sum
}

// Held returns an identity that was found.
func (t *Table) Held(i int32) *Held { return &t.held[i] }

// HeldUntil returns when an identity ended: when the person's next was written.
func (t *Table) HeldUntil(i int32) norm.Minute {
	if int(i)+1 < len(t.held) && t.held[i+1].Full == t.held[i].Full {
		return t.held[i+1].From
	}
	return Open
}

// Same returns the identities of one person, of which i is one.
func (t *Table) Same(i int32) (from, to int32) {
	if t.held[i].records&alone != 0 {
		return i, i + 1
	}
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
	from, to := t.held[i].first(), t.ends
	_, next := t.Same(i)
	if int(next) < len(t.held) {
		to = t.held[next].first()
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
			sum += uint64(t.held[at].records)
			if int(at)+1 < len(t.held) {
				sum += uint64(t.held[at+1].records)
			}
		}
	}
	for _, at := range found {
		if at >= 0 && int(t.held[at].first()) < len(t.versions) {
			sum += uint64(t.versions[t.held[at].first()].Row)
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
