package memory

import (
	"bytes"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/store"
)

type colours struct{ *tx }

func (t colours) Colours(ids []identity.PersonID) ([]status.SealedColour, error) {
	out := make([]status.SealedColour, len(ids))
	for i, id := range ids {
		c, _ := t.colours.get(number(id))
		out[i] = status.SealedColour{Person: id, Version: c.Version, Sealed: bytes.Clone(c.Sealed)}
	}
	return out, t.err
}

func (t colours) PutColours(rows []status.SealedColour) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, r := range rows {
		if !names(uint64(r.Person)) || r.Version == 0 {
			return t.fail(store.ErrConstraint)
		}
		if old, _ := t.colours.get(number(r.Person)); old.Version < r.Version {
			r.Sealed = bytes.Clone(r.Sealed)
			t.colours.put(number(r.Person), r)
		}
	}
	return nil
}

func (t colours) WalkColours(after identity.PersonID, n int) ([]status.SealedColour, error) {
	var out []status.SealedColour
	walk(t.colours, uint64(after), n, func(c status.SealedColour) {
		c.Sealed = bytes.Clone(c.Sealed)
		out = append(out, c)
	})
	return out, t.err
}

func (t colours) Evidence(ids []identity.PersonID) ([]status.SealedEvidence, error) {
	out := make([]status.SealedEvidence, len(ids))
	for i, id := range ids {
		e, _ := t.evidence.get(number(id))
		out[i] = status.SealedEvidence{Person: id, Version: e.Version, Sealed: bytes.Clone(e.Sealed)}
	}
	return out, t.err
}

func (t colours) PutEvidence(rows []status.SealedEvidence) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, r := range rows {
		if !names(uint64(r.Person)) || !names(r.Version) {
			return t.fail(store.ErrConstraint)
		}
		if old, _ := t.evidence.get(number(r.Person)); old.Version < r.Version {
			r.Sealed = bytes.Clone(r.Sealed)
			t.evidence.put(number(r.Person), r)
		}
	}
	return nil
}
