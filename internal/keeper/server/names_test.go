package server

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/traces"
)

// named is a request to name people, which both officers approved.
func (h *house) names(t testing.TB, body staff.Names, o staff.Observation, rows []leak.Row) keeper.TraceAsk {
	t.Helper()
	now := h.c.now().Truncate(time.Second)
	a := keeper.TraceAsk{Step: keeper.TraceNames, Rows: rows, Observation: o}
	a.Trace.Request = staff.Request{Kind: staff.AskNames, Purpose: "art. 46, case 7", Body: body.Body(), Asked: now, Until: now.Add(time.Hour)}
	for _, by := range []*colleague{h.officer, h.second} {
		a.Trace.Approvals = append(a.Trace.Approvals, stafftest.Hold(t, by.own).Approve(exportSite, by.ID, a.Trace.Request.ID(), h.c.now()))
	}
	return a
}

// TestNamesNobodyApproved: keyed ids become people by two officers' approval alone, of those
// very people, whom a trace found and froze; everything right but one thing is refused. The
// controls are the good request, and the mapping itself, which without what stands before it
// names anybody.
func TestNamesNobodyApproved(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 9)
	_, base := traceKeys(t, h.Keeper)
	row := func(p identity.PersonID) leak.Row {
		return base.Row([]byte(record.Ref{Person: p}.String()))
	}
	rows := []leak.Row{row(3), row(7)}
	slices.Sort(rows)
	o := staff.Observe([32]byte{9}, nil, rows, []leak.Row{1, 2})
	tr := h.trace(t, 1)
	body := staff.Names{Trace: tr.Request.ID(), Observed: o.Digest(), Count: 2, Rows: staff.RowsDigest(rows), Recipient: recipient}
	ask := func() keeper.TraceAsk { return h.names(t, body, o, rows) }
	refused := func(what string, a keeper.TraceAsk) {
		t.Helper()
		g, err := h.step(a)
		wants(t, what, err, keeper.ErrNames)
		if g.People != nil {
			t.Errorf("%s: %v", what, g.People)
		}
	}
	refused("of a trace that did not begin", ask())
	_, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceBegin})
	wants(t, "begin", err, nil)
	refused("before anything is frozen", ask())
	_, err = h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceFreeze, Frozen: o.Digest()})
	wants(t, "freeze", err, nil)

	others := []leak.Row{row(1), row(2)}
	slices.Sort(others)
	for what, change := range map[string]func(a *keeper.TraceAsk){
		"nobody approved":          func(a *keeper.TraceAsk) { a.Trace.Approvals = nil },
		"one approved":             func(a *keeper.TraceAsk) { a.Trace.Approvals = a.Trace.Approvals[:1] },
		"one twice":                func(a *keeper.TraceAsk) { a.Trace.Approvals[1] = a.Trace.Approvals[0] },
		"the trace's own approval": func(a *keeper.TraceAsk) { a.Trace = tr },
		"an export's": func(a *keeper.TraceAsk) {
			e := h.export(t, 1)
			a.Trace = keeper.Trace{Request: e.Request, Approvals: e.Approvals}
		},
		"one person fewer":    func(a *keeper.TraceAsk) { a.Rows = rows[:1] },
		"other people":        func(a *keeper.TraceAsk) { a.Rows = others },
		"another observation": func(a *keeper.TraceAsk) { a.Observation.Sample[0]++ },
		"another recipient": func(a *keeper.TraceAsk) {
			other := body
			other.Recipient = "age1p" + recipient[5:]
			a.Trace.Request.Body = other.Body()
		},
		"people approved whom the trace did not find": func(a *keeper.TraceAsk) {
			other := body
			other.Rows = staff.RowsDigest(others)
			*a = h.names(t, other, o, others)
		},
		"an observation made up afterwards": func(a *keeper.TraceAsk) {
			made := staff.Observe([32]byte{9}, nil, others, nil)
			other := body
			other.Rows, other.Observed = staff.RowsDigest(others), made.Digest()
			*a = h.names(t, other, made, others)
		},
	} {
		a := ask()
		change(&a)
		refused(what, a)
	}
	_, err = h.Trace(keeper.RoleServe, ask())
	wants(t, "the server", err, keeper.ErrRole)
	if n := h.told(t); len(n) != 0 {
		t.Errorf("refused and in the journal: %v", n)
	}

	good := ask()
	for range 2 {
		g, err := h.step(good)
		wants(t, "as approved", err, nil)
		if got := slices.Sorted(slices.Values(g.People)); !slices.Equal(got, []identity.PersonID{3, 7}) {
			t.Errorf("named %v", g.People)
		}
		h.restart(t)
	}
	want := copies.Named{Trace: tr.Request.ID(), By: good.Trace.Request.ID(), People: 2, Hash: body.Rows}
	if d := cmp.Diff([]copies.Named{want, want}, h.told(t)); d != "" {
		t.Errorf("the journal: %s", d)
	}
	h.c.pass(2 * time.Hour)
	refused("when it is over", good)
	if got := traces.WhoAre(base, h.people.N(), others); !slices.Equal(slices.Sorted(slices.Values(got)), []identity.PersonID{1, 2}) {
		t.Errorf("the control: without the request they are %v", got)
	}
}

// told is what the journal says of names.
func (h *house) told(t testing.TB) (out []copies.Named) {
	t.Helper()
	for _, b := range records(h.Keeper, journal.KindCopies) {
		var m copies.Made
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		if m.Named != nil {
			out = append(out, *m.Named)
		}
	}
	return out
}
