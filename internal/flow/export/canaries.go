package export

import (
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/canary/cast"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
)

// troupe are the canaries of one copy. They are made when a part is written and kept
// nowhere: who they are follows from the copy's keys, what they have from the part's people.
type troupe struct {
	spec  canary.Spec
	count int // of people in the copy
}

func troupeOf(body staff.Export) (troupe, error) {
	s, err := canary.Parse(body.Canaries)
	return troupe{s, body.Count}, err
}

// in says which canaries stand in a part: of the copy's own ones first, then of its group
// canaries, as many as there may be among so many people.
func (t troupe) in(keys *keeper.CopyKeys, part int) (out []canary.Key) {
	left, parts := t.spec.Most(t.count), (t.count+PartPeople-1)/PartPeople
	add := func(k canary.Key) {
		if left > 0 && k.Draw("part").IntN(parts) == part {
			out = append(out, k)
		}
		left--
	}
	for n := range uint32(t.spec.Unique) {
		add(keys.Seed.Unique(n))
	}
	for n := range uint32(t.spec.Group) {
		if keys.Seed.Canary(&keys.Base, n) {
			add(keys.Base.Person(n))
		}
	}
	return out
}

// join puts a part's canaries among its people, and returns how many there are. A part
// with too few people, or near no vacant number, has none.
func (t troupe) join(keys *keeper.CopyKeys, part int, people [][]care.Record) ([][]care.Record, int) {
	who := t.in(keys, part)
	if len(who) == 0 {
		return people, 0
	}
	real := make([][]cast.Record, len(people))
	for i, records := range people {
		for _, r := range records {
			real[i] = append(real[i], cast.Record{Ref: r.Ref, Version: r.Version, Content: r.Content})
		}
	}
	stage, ok := cast.New(real)
	if !ok {
		return people, 0
	}
	var canaries [][]cast.Record
	for _, k := range who {
		if records, ok := stage.Play(k, t.spec.Person(k), keys.Vacant); ok {
			canaries = append(canaries, records)
		}
	}
	all := cast.Between(real, canaries)
	out := make([][]care.Record, len(all))
	for i, records := range all {
		for _, r := range records {
			out[i] = append(out[i], care.Record{Ref: r.Ref, Version: r.Version, Content: r.Content})
		}
	}
	return out, len(canaries)
}
