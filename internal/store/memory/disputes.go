package memory

import (
	"bytes"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

type disputes struct{ *tx }

func (t disputes) File(d dispute.Dispute) (dispute.Number, error) {
	n := dispute.Number{Year: d.Year()}
	if err := t.write(); err != nil {
		return n, err
	}
	if _, known := t.disputes.get(id16(d.ID)); known {
		return n, dispute.ErrFiled
	}
	if !names(uint64(d.Person)) {
		return n, t.fail(store.ErrConstraint)
	}
	last, _ := t.filed.get(number(n.Year))
	n.Count = last + 1
	t.filed.put(number(n.Year), n.Count)
	d.Number, d.Outcome, d.Answer = n, 0, nil
	d.Filed, d.Due, d.Answered = whole(d.Filed), whole(d.Due), whole(d.Answered)
	d.Filing = bytes.Clone(d.Filing)
	t.disputes.put(id16(d.ID), d)
	return n, nil
}

func (t disputes) Get(id dispute.ID) (dispute.Dispute, error) {
	d, _ := t.disputes.get(id16(id))
	return copied(d), t.err
}

func copied(d dispute.Dispute) dispute.Dispute {
	d.Filing, d.Answer = bytes.Clone(d.Filing), bytes.Clone(d.Answer)
	return d
}

// those returns the disputes after an id that fit, at most n, in the order of ids.
func (t disputes) those(after dispute.ID, n int, fit func(d dispute.Dispute) bool) []dispute.Dispute {
	var out []dispute.Dispute
	for _, d := range t.disputes.from(id16(after)) {
		if len(out) >= n {
			break
		}
		if d.ID != after && fit(d) {
			out = append(out, copied(d))
		}
	}
	return out
}

func (t disputes) ByNumber(n dispute.Number) (dispute.Dispute, error) {
	if t.err != nil {
		return dispute.Dispute{}, t.err
	}
	found := t.those(dispute.ID{}, 1, func(d dispute.Dispute) bool { return d.Number == n })
	if len(found) == 0 {
		return dispute.Dispute{}, dispute.ErrNone
	}
	return found[0], nil
}

func (t disputes) Of(p identity.PersonID) ([]dispute.Dispute, error) {
	out := t.those(dispute.ID{}, 1<<30, func(d dispute.Dispute) bool { return d.Person == p })
	slices.Reverse(out)
	return out, t.err
}

func (t disputes) Walk(after dispute.ID, n int, all bool) ([]dispute.Dispute, error) {
	return t.those(after, n, func(d dispute.Dispute) bool { return all || d.Outcome == 0 }), t.err
}

func (t disputes) Answer(d dispute.Dispute) error {
	if err := t.write(); err != nil {
		return err
	}
	if d.Outcome == 0 || micros(d.Answered) == 0 {
		return t.fail(store.ErrConstraint)
	}
	old, known := t.disputes.get(id16(d.ID))
	switch {
	case !known:
		return dispute.ErrNone
	case old.Outcome != 0:
		return dispute.ErrAnswered
	}
	old.Outcome, old.Answered, old.Answer = d.Outcome, whole(d.Answered), bytes.Clone(d.Answer)
	t.disputes.put(id16(d.ID), old)
	return nil
}
