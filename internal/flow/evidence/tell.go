package evidence

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/store"
)

// Tell makes people's evidence what their health records say: all that a record said
// before is replaced by what it says now. Colours are decided anew in the same
// transaction. To tell something again changes nothing. Refused says, by place, what
// was not taken: what can be no evidence with fault.Invalid, whose stored evidence
// does not open, or is being written by somebody else, with ErrOpen.
func (f *Flow) Tell(ctx context.Context, tellings []status.Telling) (refused map[int]error, err error) {
	var t Tally
	at := map[identity.PersonID]int{}
	var ids []identity.PersonID
	var changes []change
	for i, one := range tellings {
		n, ok := at[one.Person]
		if !ok {
			n = len(changes)
			at[one.Person] = n
			ids, changes = append(ids, one.Person), append(changes, change{})
		}
		changes[n].facts = append(changes[n].facts, Fact{Line: int64(i), Item: one.Items, of: one.Ref})
	}
	if changes, err = f.opened(ctx, "colour-of-record", ids, changes); err != nil {
		return nil, err
	}
	if changes, err = f.grow(ctx, changes, &t); err != nil {
		return nil, err
	}
	if changes, err = f.reseal(ctx, changes, &t); err != nil {
		return nil, err
	}
	refused = make(map[int]error, len(t.Refusals))
	for _, r := range t.Refusals {
		refused[int(r.Line)] = r.Reason
	}
	if len(changes) == 0 {
		return refused, nil
	}
	return refused, f.put(ctx, changes, func(store.Stores) error { return nil })
}
