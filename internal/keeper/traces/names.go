package traces

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
)

// names tells who some people are whom a trace found; zero for nobody's row. It takes a
// request of its own that two officers approved after the trace, of rows that are among
// what the trace froze: a list made up afterwards is nobody's. By whom, of how many and of
// which, is durable before anything is told.
func (t *Traces) names(a keeper.TraceAsk, now time.Time) ([]identity.PersonID, error) {
	body, err := staff.ParseNames(a.Trace.Request.Body)
	if err != nil || t.permits.Approved(staff.AskNames, a.Trace.Request, a.Trace.Approvals) == nil {
		t.refused.Add(1)
		return nil, keeper.ErrNames
	}
	t.mu.Lock()
	trace, began := t.book.Trace(body.Trace)
	if !began || trace.Frozen == ([32]byte{}) || body.Of(a.Observation, trace.Frozen, a.Rows) != nil {
		t.mu.Unlock()
		t.refused.Add(1)
		return nil, keeper.ErrNames
	}
	id := a.Trace.Request.ID()
	_, wait, err := t.note(copies.Made{At: now, Named: &copies.Named{Trace: body.Trace, By: id, People: len(a.Rows), Hash: body.Rows}})
	t.mu.Unlock()
	if err == nil {
		err = wait()
	}
	if err != nil {
		return nil, err
	}
	return WhoAre(t.base, t.people.N(), a.Rows), nil
}

// WhoAre tells who the people of some rows are, of so many people, to whoever has the base of
// rows. Who may be told, names decides.
func WhoAre(base leak.Base, people int, rows []leak.Row) []identity.PersonID {
	at := make(map[leak.Row]int, len(rows))
	for i, r := range rows {
		at[r] = i
	}
	out := make([]identity.PersonID, len(rows))
	for p := identity.PersonID(1); p <= identity.PersonID(people); p++ {
		if i, ok := at[base.Row([]byte(record.Ref{Person: p}.String()))]; ok {
			out[i] = p
		}
	}
	return out
}
