package server

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

var exportSite = staff.Site{ID: "amanah.example", Origin: stafftest.Origin}

const recipient = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"

// export is one of people 1 to n, approved by both officers.
func (h *house) export(t testing.TB, n int) keeper.Export {
	t.Helper()
	var people []identity.PersonID
	for p := range n {
		people = append(people, identity.PersonID(p+1))
	}
	now := h.c.now().Truncate(time.Second)
	body := staff.Export{Recipient: recipient, Count: n, People: staff.PeopleDigest(people)}
	e := keeper.Export{
		Request: staff.Request{Kind: staff.AskExport, Purpose: "audit", Body: body.Body(), Asked: now, Until: now.Add(time.Hour)},
		People:  people,
	}
	e.Approvals = []staff.Approval{h.approval(t, h.officer, e), h.approval(t, h.second, e)}
	return e
}

func (h *house) approval(t testing.TB, by *colleague, e keeper.Export) staff.Approval {
	t.Helper()
	return stafftest.Hold(t, by.own).Approve(exportSite, by.ID, e.Request.ID(), h.c.now())
}

func (h *house) exports(e keeper.Export, p identity.PersonID) error {
	if _, err := h.Deliver(e, [32]byte{byte(p)}, 1); err != nil {
		return err
	}
	_, out, err := h.OpenExport(e, h.all(p))
	if err == nil {
		err = out[0].Err
	}
	return err
}

// TestExportsNobodyApproved: everything right but one thing; the good one is the control.
func TestExportsNobodyApproved(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 9)
	good := h.export(t, 5)
	forged := h.approval(t, h.second, good)
	forged.Signature = slices.Clone(forged.Signature)
	forged.Signature[len(forged.Signature)-1] ^= 1
	named := h.approval(t, h.officer, good)
	named.Actor = h.second.ID
	other := h.export(t, 4)
	for name, change := range map[string]func(e *keeper.Export){
		"nobody approved":      func(e *keeper.Export) { e.Approvals = nil },
		"one approved":         func(e *keeper.Export) { e.Approvals = e.Approvals[:1] },
		"one approved twice":   func(e *keeper.Export) { e.Approvals = []staff.Approval{e.Approvals[0], h.approval(t, h.officer, good)} },
		"under another's name": func(e *keeper.Export) { e.Approvals[1] = named },
		"a forged signature":   func(e *keeper.Export) { e.Approvals[1] = forged },
		"a clinician approved": func(e *keeper.Export) { e.Approvals[1] = h.approval(t, h.doctor, good) },
		"of another request":   func(e *keeper.Export) { e.Approvals[1] = other.Approvals[1] },
		"another recipient": func(e *keeper.Export) {
			e.Request.Body = []byte(string(e.Request.Body[:14]) + "p" + string(e.Request.Body[15:]))
		},
		"another purpose": func(e *keeper.Export) { e.Request.Purpose = "sale" },
		"for longer":      func(e *keeper.Export) { e.Request.Until = e.Request.Until.Add(time.Hour) },
		"more people":     func(e *keeper.Export) { e.People = append(slices.Clone(e.People), 6) },
		"other people":    func(e *keeper.Export) { e.People = []identity.PersonID{1, 2, 3, 4, 6} },
		"an elevation":    func(e *keeper.Export) { e.Request.Kind = staff.AskElevate },
		"of another installation": func(e *keeper.Export) {
			e.Approvals[1] = stafftest.Hold(t, h.second.own).Approve(staff.Site{ID: "evil.example", Origin: "https://evil.example"}, h.second.ID, good.Request.ID(), h.c.now())
		},
	} {
		e := good
		e.Approvals = slices.Clone(good.Approvals)
		change(&e)
		wants(t, name, h.exports(e, 1), keeper.ErrExport)
	}
	wants(t, "somebody who is not on the list", h.exports(good, 6), keeper.ErrExport)
	if n := len(records(h.Keeper, journal.KindExported)); n != 0 {
		t.Errorf("%d refused exports are in the journal", n)
	}
	wants(t, "as approved", h.exports(good, 1), nil)
	if n := len(records(h.Keeper, journal.KindExported)); n != 1 {
		t.Errorf("%d entries of one opened", n)
	}
	h.c.pass(time.Hour)
	wants(t, "when it is over", h.exports(good, 2), keeper.ErrExport)
}

// TestAnExportOpensABatchAtOnce: of an export that is approved and committed to, no more than
// a batch of people, and of more nobody.
func TestAnExportOpensABatchAtOnce(t *testing.T) {
	n := keeper.MaxBatch
	h := newHouse(t, durabletest.New(1), n+1)
	e := h.export(t, n+1)
	_, err := h.Deliver(e, [32]byte{1}, n+1)
	wants(t, "commit", err, nil)
	var reads []keeper.Read
	for _, p := range e.People {
		reads = append(reads, h.all(p)...)
	}
	_, out, err := h.OpenExport(e, reads)
	wants(t, "one more than a batch", err, keeper.ErrTooMany)
	if were := len(records(h.Keeper, journal.KindExported)); out != nil || were != 0 {
		t.Errorf("%d are given, %d entries", len(out), were)
	}
	_, out, err = h.OpenExport(e, reads[:n])
	wants(t, "a batch", err, nil)
	if were := len(records(h.Keeper, journal.KindExported)); len(out) != n || out[n-1].Err != nil || were != 1 {
		t.Errorf("the control: %d are given, %d entries", len(out), were)
	}
}

// TestAnApproverWhoEnded: whoever has ended approves nothing, whatever they signed before.
func TestAnApproverWhoEnded(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 3)
	e := h.export(t, 3)
	wants(t, "both act", h.exports(e, 1), nil)
	gone := h.second.Actor
	gone.Ended = h.c.now()
	wants(t, "end", h.Enrol(keeper.RoleAdmin, h.officer.enrols(gone)), nil)
	wants(t, "one has ended", h.exports(e, 2), keeper.ErrExport)
}

// TestExportCeiling: over a day all exports together open so many people, and each
// export one person so often; a restart gives nothing back.
func TestExportCeiling(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 20)
	h.changed(t, func(o *Options) { o.ExportsPerDay = 8 })
	one, two := h.export(t, 6), h.export(t, 20)
	for p := identity.PersonID(1); p <= 6; p++ {
		wants(t, "within", h.exports(one, p), nil)
	}
	wants(t, "again, for a part that was not whole", h.exports(one, 1), nil)
	wants(t, "two more", h.exports(two, 7), nil)
	wants(t, "the last", h.exports(two, 8), nil)
	wants(t, "over the day's ceiling", h.exports(two, 9), keeper.ErrBudget)
	h.changed(t, func(o *Options) { o.ExportsPerDay = 8 })
	wants(t, "after a restart", h.exports(two, 9), keeper.ErrBudget)
	wants(t, "the third time", h.exports(one, 1), nil)
	wants(t, "the fourth time", h.exports(one, 1), keeper.ErrBudget)
	h.changed(t, func(o *Options) { o.ExportsPerDay = 9 })
	wants(t, "with more room", h.exports(two, 9), nil) // the control
	if errors.Is(h.open(h.doctor, 1), keeper.ErrExport) {
		t.Error("treatment waits for exports")
	}
}
