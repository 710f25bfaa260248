package likeness

import (
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// run is how many words a run has (Broder 1997: shingles).
const run = 3

// Runs cuts texts into runs of words: of letters and digits, without regard to capitals,
// punctuation and line breaks. The zero value is ready.
type Runs struct {
	words [run]uint64
	digit [run]bool
	n     int

	word uint64 // that has begun
	any  bool
	num  bool
}

// FNV-1a's offset and prime (Fowler, Noll, Vo).
const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

// Add reads one more text, which ends a word, and gives each run's hash, and whether it has a
// digit in it.
func (r *Runs) Add(text []byte, each func(run uint64, digit bool)) {
	for _, c := range text {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case '0' <= c && c <= '9':
			r.num = true
		case 'a' <= c && c <= 'z', c >= 0x80:
		default:
			r.end(each)
			continue
		}
		if !r.any {
			r.word, r.any = offset, true
		}
		r.word = (r.word ^ uint64(c)) * prime
	}
	r.end(each)
}

// end ends a word.
func (r *Runs) end(each func(uint64, bool)) {
	if !r.any {
		return
	}
	at := r.n % run
	r.words[at], r.digit[at] = r.word, r.num
	r.n++
	r.any, r.num = false, false
	if r.n < run {
		return
	}
	h, digit := uint64(offset), false
	for i := range run {
		k := (r.n + i) % run
		h = mix(h ^ r.words[k])
		digit = digit || r.digit[k]
	}
	each(h, digit)
}

// mix is the finalizer of MurmurHash3, so that all bits depend on all.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Sketch is the runs of a document that are kept: those with the smallest hashes, so that the
// same text keeps the same ones; half of them with a digit in them, where there are so many,
// because forms and letterheads have few and what is written into them has most: dates,
// numbers, values, doses.
type Sketch struct {
	runs Runs
	with map[uint64]bool // runs, and whether they have a digit
}

// shortest is how many runs a text has that is known by them.
const shortest = 8

// mostRuns bounds the runs of one document that are looked at.
const mostRuns = 1 << 17

// NewSketch returns one for one document.
func NewSketch() *Sketch { return &Sketch{with: map[uint64]bool{}} }

// Add reads one more line.
func (s *Sketch) Add(line []byte) {
	s.runs.Add(line, func(run uint64, digit bool) {
		if len(s.with) < mostRuns {
			s.with[run] = digit
		}
	})
}

// Words returns the runs that are kept, ascending; none of a text that is too short.
func (s *Sketch) Words() []uint64 {
	if len(s.with) < shortest {
		return nil
	}
	var with, without []uint64
	for h, digit := range s.with {
		if digit {
			with = append(with, h)
		} else {
			without = append(without, h)
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	n := min(len(with), max(leak.MostWords/2, leak.MostWords-len(without)))
	m := min(len(without), leak.MostWords-n)
	out := append(with[:n:n], without[:m]...)
	slices.Sort(out)
	return out
}
