package server

import (
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Tags computes tags of the trace index for what is being written. The server's own people
// are metered as its look-ups are, so that whoever takes it over, and the index too, cannot
// try the country's NIKs; an operator's command is not held back.
func (k *Keeper) Tags(role keeper.Role, asks []keeper.TagAsk) ([]keeper.Tagged, error) {
	m, n := &k.marks, len(asks)
	for _, a := range asks {
		n += len(a.Records)
	}
	if n > 2*keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if role != keeper.RoleAdmin && !m.people.take(k.now(), len(asks)) {
		k.refused.Add(1)
		return nil, keeper.ErrBudget
	}
	t := index.NewTagger(index.Key(m.tags))
	out := make([]keeper.Tagged, len(asks))
	for i, a := range asks {
		one := &out[i]
		one.Full = t.Full(a.Facts.NIK)
		if a.Name != "" {
			id := t.Identity(a.Facts)
			id.Row, id.From = m.base.Row([]byte(a.Name)), a.From
			one.People = append(one.People, id)
			if decoy, ok := t.Decoy(a.Facts.NIK); ok {
				one.People = append(one.People, decoy)
			}
		}
		for _, r := range a.Records {
			one.Records = append(one.Records, index.Version{Row: m.base.Row([]byte(r.Name)), From: r.From, Record: t.Record(one.Full, r.Number)})
		}
	}
	return out, nil
}
