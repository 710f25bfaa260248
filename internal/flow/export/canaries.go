package export

import (
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/canary/cast"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
)

// troupe are the canaries of one copy. They are made when a part is written and kept
// nowhere: who they are follows from the copy's keys, what they have from the part's people.
type troupe struct {
	spec   canary.Spec
	vacant []identity.PersonID
	parts  [][]canary.Key // of each part, whom it has
}

// troupeOf says which canaries stand in which part: the copy's own ones first, then its
// group canaries, as many as there may be among so many people.
func troupeOf(body staff.Export, keys *keeper.CopyKeys) *troupe {
	t := &troupe{spec: body.Canaries, vacant: keys.Vacant, parts: make([][]canary.Key, (body.Count+PartPeople-1)/PartPeople)}
	if t.spec.None() || len(t.parts) == 0 {
		return t
	}
	left := t.spec.Most(body.Count)
	add := func(k canary.Key) {
		if left > 0 {
			part := k.Draw("part").IntN(len(t.parts))
			t.parts[part] = append(t.parts[part], k)
			left--
		}
	}
	for n := range uint32(t.spec.Unique) {
		add(keys.Seed.Unique(n))
	}
	for n := range uint32(t.spec.Group) {
		if keys.Seed.Canary(&keys.Base, n) {
			add(keys.Base.Person(n))
		}
	}
	return t
}

// join puts a part's canaries among its people, and returns how many there are. A part
// with too few people, or near no vacant number, has none.
func (t *troupe) join(part int, people [][]care.Record) ([][]care.Record, int) {
	if part >= len(t.parts) || len(t.parts[part]) == 0 {
		return people, 0
	}
	real := make([][]cast.Record, len(people))
	for i, records := range people {
		for _, r := range records {
			real[i] = append(real[i], cast.Record(r))
		}
	}
	stage, ok := cast.New(real)
	if !ok {
		return people, 0
	}
	var canaries [][]cast.Record
	for _, k := range t.parts[part] {
		if records, ok := stage.Play(k, t.spec.Person(k), t.vacant); ok {
			canaries = append(canaries, records)
		}
	}
	all := cast.Between(real, canaries)
	out := make([][]care.Record, len(all))
	for i, records := range all {
		for _, r := range records {
			out[i] = append(out[i], care.Record(r))
		}
	}
	return out, len(canaries)
}
