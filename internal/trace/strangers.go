package trace

import (
	"slices"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// MaxStrangers bounds how many tags of each level are kept: the smallest ones, so that the
// same are whatever the order of batches, and which they are says nothing of anybody.
const MaxStrangers = 1 << 21

// strangers are what canaries are looked for in, once codes are open: tags of rows that are
// nobody's and might be a canary's.
type strangers struct {
	ranges []canary.Range

	mu  sync.Mutex
	all leak.Strangers
}

// Seek makes the engine keep tags of rows whose NIK lies in one of the ranges, and of those
// without a NIK, when they match nobody. Without ranges it keeps none.
func (e *Engine) Seek(ranges []canary.Range) { e.strangers.ranges = ranges }

// take notes tags and forgets the greatest when they are too many.
func (s *strangers) take(found leak.Strangers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for level, tags := range found {
		all := append(s.all[level], tags...)
		if len(all) >= 2*MaxStrangers {
			all = least(all)
		}
		s.all[level] = all
	}
}

// least sorts tags in place, and returns the smallest, each once.
func least(tags []uint64) []uint64 {
	slices.Sort(tags)
	tags = slices.Compact(tags)
	return tags[:min(len(tags), MaxStrangers)]
}

// found returns all that was kept, ascending.
func (s *strangers) found() (out leak.Strangers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for level, tags := range s.all {
		out[level] = least(slices.Clone(tags))
	}
	return out
}

// stranger notes a row that is nobody's: with a NIK, when it lies in a range; without, by
// what else finds people.
func (w *worker) stranger(s *sorted, i int) {
	note := func(level int, t index.Tag) { w.strange[level] = append(w.strange[level], uint64(t)) }
	names := w.text[:s.n[norm.Name]]
	if w.has[i] {
		n := w.nik[i]
		if !slices.ContainsFunc(w.e.strangers.ranges, func(r canary.Range) bool { return r.Near(uint64(n)) }) {
			return
		}
		note(canary.ByNIK, w.a.Short(n))
		for _, name := range names {
			if len(name) > 0 {
				note(canary.ByNIKAndName, w.a.Beside(n, name, 0))
				for _, p := range w.phone[:s.n[norm.Phone]] {
					if p != 0 {
						note(canary.ByAll, w.a.Beside(n, name, p))
					}
				}
			}
		}
		return
	}
	var dates [norm.MaxDates]norm.Date
	for _, name := range names {
		if len(name) == 0 {
			continue
		}
		for _, p := range w.phone[:s.n[norm.Phone]] {
			if p != 0 {
				note(canary.ByPhone, w.a.Call(name, p))
			}
		}
		for _, raw := range s.each(norm.Birth) {
			for _, d := range norm.Dates(dates[:0], raw) {
				note(canary.ByBirth, w.a.Born(name, d))
			}
		}
		for _, raw := range s.each(norm.Serial) {
			if d, ok := norm.FromSerial(raw); ok {
				note(canary.ByBirth, w.a.Born(name, d))
			}
		}
	}
}

// CanaryTags are what rows of a canary are tagged with in a job, at each level.
func CanaryTags(a *index.Asker, who canary.Person) (t leak.Tags) {
	var w norm.Words
	n, ok := norm.ParseNIK([]byte(who.NIK.Reveal()))
	name := w.Name(nil, []byte(who.Name()))
	if !ok || len(name) == 0 {
		return t
	}
	t[canary.ByNIK], t[canary.ByNIKAndName] = uint64(a.Short(n)), uint64(a.Beside(n, name, 0))
	on := who.Birth.Start()
	if d, ok := norm.NewDate(on.Year(), int(on.Month()), on.Day()); ok {
		t[canary.ByBirth] = uint64(a.Born(name, d))
	}
	if p, ok := norm.ParsePhone([]byte(who.Phone)); ok {
		t[canary.ByPhone], t[canary.ByAll] = uint64(a.Call(name, p)), uint64(a.Beside(n, name, p))
	}
	return t
}
