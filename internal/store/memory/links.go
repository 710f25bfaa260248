package memory

import (
	"cmp"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

type links struct{ *tx }

func (t links) Put(l identity.Link) error {
	if err := t.write(); err != nil {
		return err
	}
	old, known := t.links.get(id16(l.ID))
	if known {
		if !old.Ended.IsZero() {
			return nil
		}
		ended := l.Ended
		l = old
		l.Ended = ended
	}
	switch live := l.Ended.IsZero(); {
	case !known && live:
		t.count(l, 1)
	case known && !live:
		t.count(l, -1)
	}
	l.Created, l.Ended = whole(l.Created), whole(l.Ended)
	t.links.put(id16(l.ID), l)
	t.subjects.put(pair{id16(l.Subject), id16(l.ID)}, none{})
	return nil
}

// count moves the count of a link's partner, unless another live link is the same
// person's.
func (t links) count(l identity.Link, by int) {
	if l.Subject != (identity.Tag{}) {
		for k := range t.subjects.from(pair{first: id16(l.Subject)}) {
			if k.first != id16(l.Subject) {
				break
			}
			if o, _ := t.links.get(k.second); o.ID != l.ID && o.Partner == l.Partner && o.Ended.IsZero() {
				return
			}
		}
	}
	n, _ := t.linked.get(number(l.Partner))
	t.linked.put(number(l.Partner), n+by)
}

func (t links) Linked(through partner.ID) (int, error) {
	n, _ := t.linked.get(number(through))
	return n, t.err
}

func (t links) Get(ids []identity.LinkID) ([]identity.Link, error) {
	out := make([]identity.Link, len(ids))
	for i, id := range ids {
		out[i], _ = t.links.get(id16(id))
	}
	return out, t.err
}

func (t links) Of(subject identity.Tag) ([]identity.Link, error) {
	var out []identity.Link
	for k := range t.subjects.from(pair{first: id16(subject)}) {
		if k.first != id16(subject) {
			break
		}
		l, _ := t.links.get(k.second)
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b identity.Link) int {
		return cmp.Or(a.Created.Compare(b.Created), id16(a.ID).compare(id16(b.ID)))
	})
	return out, t.err
}

type progress struct{ *tx }

func (t progress) Progress(source string) (identity.Progress, error) {
	p, _ := t.progress.get(text(source))
	return p, t.err
}

func (t progress) SetProgress(p identity.Progress) error {
	if err := t.write(); err != nil {
		return err
	}
	p.Updated = whole(p.Updated)
	t.progress.put(text(p.Source), p)
	return nil
}
