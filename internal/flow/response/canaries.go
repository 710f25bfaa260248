package response

import (
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// rangesOf is where canaries' NIKs lie: what strangers are kept of. It is known before the
// sample is frozen; who the canaries are, is not.
func rangesOf(specs []string) (out []canary.Range) {
	for _, text := range specs {
		if s, err := canary.Parse(text); err == nil && !s.None() {
			out = append(out, s.Range)
		}
	}
	return out
}

// canaries tells who canaries are, after the sample is frozen and the codes are open.
type canaries struct {
	asker *index.Asker
	specs []canary.Spec
	seen  int // group canaries that are in the sample
}

// lookFor looks for all group canaries that any copy has.
func lookFor(frozen *leak.Frozen, t keeper.Traced, base *leak.Base) *canaries {
	c := &canaries{asker: index.NewAsker(index.Key(t.Tags), index.Key(t.Job))}
	for _, text := range t.Canaries {
		s, err := canary.Parse(text)
		if err != nil || s.None() {
			continue
		}
		c.specs = append(c.specs, s)
		for n := range uint32(s.Group) {
			if frozen.Recognise(len(c.specs), n, trace.CanaryTags(c.asker, s.Person(base.Person(n)))) {
				c.seen++
			}
		}
	}
	return c
}

// hold says which canaries each copy may have.
func (c *canaries) hold(copies []leak.Holding, codes []keeper.Code) {
	for i := range copies {
		for _, d := range codes[i].Deliveries {
			if at := slices.IndexFunc(c.specs, func(s canary.Spec) bool { return s.String() == d.Canaries }); at >= 0 {
				c.give(&copies[i], at)
				break
			}
		}
	}
}

// give gives a copy the canaries of a spec, by its place.
func (c *canaries) give(h *leak.Holding, at int) {
	if at >= len(c.specs) {
		return
	}
	s := &c.specs[at]
	h.Spec, h.Group, h.Bits = at+1, uint32(s.Group), s.Bits()
	h.Unique = make([]leak.Tags, s.Unique)
	for n := range h.Unique {
		h.Unique[n] = trace.CanaryTags(c.asker, s.Person(h.Seed.Unique(uint32(n))))
	}
}
