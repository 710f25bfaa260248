package index

import "github.com/amanah-project/amanah/internal/trace/pages"

// NewTable keys a set again for a job and makes a table of it, on all cores. The set is not
// changed; of index's tags the table has those that its people's bound tags hold on to. Who has
// the tag zero, which is no tag, is left out.
func NewTable(index, job Key, s *Set) *Table {
	n := len(s.People)
	a := NewAsker(index, job)
	t := &Table{decoys: len(s.Decoys)}
	tags := s.again(a)
	t.full = newFinder(len(tags), func(i int) found { return found{tags[i], int32(i)} })
	// Who comes when follows from the new tags: places become those of held.
	was := pages.Make[int32](0, n)
	for k, at := range t.full.at {
		if int(at) >= n {
			t.full.at[k] = Chance
			continue
		}
		t.full.at[k] = int32(len(was))
		was = append(was, at)
	}
	t.held = pages.Make[Held](len(was), len(was))
	begins, versions := s.begins(was)
	t.versions, t.ends = pages.Make[Version](int(versions), int(versions)), versions
	by := t.fill(a, s, tags, was, begins)
	for k, f := range [finders]*finder{&t.short, &t.ref, &t.born, &t.call} {
		*f = newFinder(len(was), func(i int) found { return found{by[k][i], int32(i)} })
		by[k] = nil
	}
	t.papers = newPapers(a, t, s)
	return t
}

// Finders besides that of NIKs.
const (
	byShort = iota
	byRef
	byBorn
	byCall
	finders
)

// again are the new tags of all people and, behind them, of all decoys.
func (s *Set) again(a *Asker) []Tag {
	n := len(s.People)
	tags := pages.Make[Tag](n+len(s.Decoys), n+len(s.Decoys))
	spread(len(tags), func(_, from, to int) {
		job := a.job.Clone()
		for i := from; i < to; i++ {
			if i < n {
				tags[i] = job.again(s.People[i].Full)
			} else {
				tags[i] = job.again(s.Decoys[i-n])
			}
		}
	})
	return tags
}

// placed is where an identity's versions of records are in a set, and where in its table.
type placed struct{ from, to uint32 }

// begins returns it of each identity that was at those places, and how many versions they have.
func (s *Set) begins(was []int32) (out []placed, versions uint32) {
	from := pages.Make[uint32](len(s.Counts), len(s.Counts))
	at := uint32(0)
	for i, n := range s.Counts {
		from[i] = at
		at += n
	}
	out = pages.Make[placed](len(was), len(was))
	at = 0
	for i, w := range was {
		out[i] = placed{from[w], at}
		at += s.Counts[w]
	}
	return out, at
}

// fill makes held and versions, and returns the tags of the other finders.
func (t *Table) fill(a *Asker, s *Set, tags []Tag, was []int32, at []placed) (by [finders][]Tag) {
	for k := range by {
		by[k] = pages.Make[Tag](len(was), len(was))
	}
	spread(len(was), func(_, from, to int) {
		mine := a.Clone()
		i, j := mine.index, mine.job
		ahead := uint64(0)
		for k := from; k < to; k++ {
			if (k-from)%gather == 0 {
				ahead += s.gather(was[k:min(k+gather, to)])
			}
			w := was[k]
			p, full := &s.People[w], tags[w]
			h := &t.held[k]
			j.hold(h, full, p)
			first, alone := k, k+1 == len(was) || tags[was[k+1]] != full
			for first > 0 && tags[was[first-1]] == full {
				first--
			}
			h.place(at[first].to, alone && first == k)
			by[byShort][k] = j.again(i.mask(p.Full, padShort, p.Short))
			by[byBorn][k] = j.again(i.mask(p.Full, padBorn, p.Born))
			by[byCall][k] = j.again(i.mask(p.Full, padCall, p.Call))
			by[byRef][k] = j.again(p.Ref)
			h.Ref = uint32(by[byRef][k])
			for n := range s.Counts[w] {
				t.versions[at[k].to+n] = mine.version(full, s.Versions[at[k].from+n])
			}
		}
		t.ahead.Add(ahead)
	})
	return by
}

// gather is how many identities are read ahead of where they are needed: from all over memory,
// which is waited for once and not for one after the other.
const gather = 64

// gather reads identities into the processor's cache. The sum means nothing.
func (s *Set) gather(at []int32) (sum uint64) {
	for _, i := range at {
		p := &s.People[i]
		sum += uint64(p.Full) + uint64(p.Name) + uint64(p.N)
	}
	return sum
}

// hold gives an identity of the index a job's tags, as a table has them.
func (t *Tagger) hold(h *Held, full Tag, p *Identity) {
	h.Full, h.bind, h.Row, h.From = full, p.Full, p.Row, p.From
	h.Name, h.Phone, h.Address = uint32(t.again(p.Name)), uint32(t.again(p.Phone)), uint32(t.again(p.Address))
	for k, w := range p.Words {
		if w != 0 {
			h.Words[k] = t.word(full, w)
		}
	}
}
