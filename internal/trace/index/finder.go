package index

import (
	"math/bits"
	"runtime"
	"sync"

	"github.com/amanah-project/amanah/internal/trace/pages"
)

// finder finds tags, which are as good as random: the top bits lead to a bucket of one or
// two. Asked for many at once it reads first all buckets, then all tags, so that the
// processor waits for many reads of memory at a time and not for one after the other.
type finder struct {
	start []uint32 // of each bucket, and the end
	tags  []Tag    // ascending
	at    []int32  // ascending where tags are equal
	shift uint
}

type found struct {
	tag Tag
	at  int32
}

// parts is into how many parts, as a power of two, tags are divided before they are sorted:
// one of millions fits a core's own cache.
const parts = 12

// newFinder is a finder of what of gives of each of n things: equal tags keep their order,
// and zeros are left out. Places ascend with n.
func newFinder(n int, of func(i int) found) finder {
	log := min(parts, bits.Len(uint(n)|1))
	all, begins := divide(n, log, of)
	size := bits.Len(uint(len(all)) | 1)
	log = min(log, size)
	begins = joined(begins, log)
	f := finder{
		start: pages.Make[uint32](1<<size+1, 1<<size+1), tags: pages.Make[Tag](len(all), len(all)), at: pages.Make[int32](len(all), len(all)), shift: uint(64 - size),
	}
	buckets := 1 << (size - log)
	spread(len(begins)-1, func(_, from, to int) {
		counts := make([]uint32, buckets)
		for p := from; p < to; p++ {
			f.fill(all[begins[p]:begins[p+1]], p*buckets, begins[p], counts)
		}
	})
	f.start[1<<size] = uint32(len(all))
	return f
}

// fill sorts one part, whose first bucket and first place are given, into the finder. counts
// is its work space, one for each bucket.
func (f *finder) fill(part []found, bucket, first int, counts []uint32) {
	clear(counts)
	for i := range part {
		counts[int(part[i].tag>>f.shift)-bucket]++
	}
	at := uint32(first)
	for b, n := range counts {
		f.start[bucket+b], counts[b] = at, at
		at += n
	}
	for i := range part {
		to := &counts[int(part[i].tag>>f.shift)-bucket]
		f.tags[*to], f.at[*to] = part[i].tag, part[i].at
		*to++
	}
	tags, ats := f.tags[first:first+len(part)], f.at[first:first+len(part)]
	for i := 1; i < len(tags); i++ { // within a bucket; equals stay as they came
		tag, place := tags[i], ats[i]
		k := i
		for ; k > 0 && tags[k-1] > tag; k-- {
			tags[k], ats[k] = tags[k-1], ats[k-1]
		}
		tags[k], ats[k] = tag, place
	}
}

// divide brings tags into the order of their top bits, log of them and at least one, equals as
// they came, and returns where each part begins, and the end.
func divide(n, log int, of func(i int) found) (all []found, begins []int) {
	shift := uint(64 - log)
	counts := make([][]int, cores())
	spread(n, func(core, from, to int) {
		mine := make([]int, 1<<log)
		for i := from; i < to; i++ {
			if t := of(i).tag; t != 0 {
				mine[t>>shift]++
			}
		}
		counts[core] = mine
	})
	begins = make([]int, 1<<log+1)
	at := 0
	for p := range 1 << log {
		begins[p] = at
		for core := range counts {
			mine := counts[core][p]
			counts[core][p] = at
			at += mine
		}
	}
	begins[1<<log] = at
	all = pages.Make[found](at, at)
	spread(n, func(core, from, to int) {
		mine := counts[core]
		for i := from; i < to; i++ {
			if a := of(i); a.tag != 0 {
				all[mine[a.tag>>shift]] = a
				mine[a.tag>>shift]++
			}
		}
	})
	return all, begins
}

// joined are the beginnings of fewer parts.
func joined(begins []int, log int) []int {
	step := (len(begins) - 1) >> log
	out := make([]int, 1<<log+1)
	for i := range out {
		out[i] = begins[i*step]
	}
	return out
}

func cores() int { return runtime.GOMAXPROCS(0) }

// spread divides 0 to n among the cores, in order, and waits for all; every core is called.
func spread(n int, do func(core, from, to int)) {
	var wait sync.WaitGroup
	all := cores()
	for core := range all {
		wait.Go(func() { do(core, n*core/all, n*(core+1)/all) })
	}
	wait.Wait()
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
