package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/traces"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// trace is one that both officers approved, of evidence n.
func (h *house) trace(t testing.TB, n byte) keeper.Trace {
	t.Helper()
	now := h.c.now().Truncate(time.Second)
	body := staff.Trace{Evidence: [32]byte{n}, Files: 1, Size: 100}
	tr := keeper.Trace{Request: staff.Request{Kind: staff.AskTrace, Purpose: "case 7", Body: body.Body(), Asked: now, Until: now.Add(time.Hour)}}
	for _, by := range []*colleague{h.officer, h.second} {
		tr.Approvals = append(tr.Approvals, stafftest.Hold(t, by.own).Approve(exportSite, by.ID, tr.Request.ID(), h.c.now()))
	}
	return tr
}

func (h *house) step(a keeper.TraceAsk) (keeper.TraceGiven, error) {
	return h.Trace(keeper.RoleAdmin, a)
}

// TestNothingBeforeItsCommitment: an approved export opens nobody until what its marks
// are is in the journal, before it in order; then it does, after a restart too.
func TestNothingBeforeItsCommitment(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 3)
	e := h.export(t, 3)
	open := func() error {
		_, out, err := h.OpenExport(e, h.all(1))
		if err == nil {
			err = out[0].Err
		}
		return err
	}
	wants(t, "not committed to", open(), keeper.ErrUncommitted)
	keys, err := h.Seeds(e)
	wants(t, "the codes", err, nil)
	wants(t, "with a code alone", open(), keeper.ErrUncommitted)
	d, err := h.Deliver(e, [32]byte{5}, 3)
	wants(t, "commit", err, nil)
	if want := leak.Commit(keys.Copy, &keys.Seed, [32]byte{5}); d.Commitment != want || !d.Holds(logPublic(h.Keeper)) || d.Copy != keys.Copy {
		t.Errorf("committed to %+v", d)
	}
	wants(t, "committed to", open(), nil)
	again, err := h.Deliver(e, [32]byte{5}, 3)
	wants(t, "again", err, nil)
	if again != d {
		t.Errorf("the same was committed to twice: %+v and %+v", d, again)
	}
	h.restart(t)
	wants(t, "after a restart", open(), nil)
	if same, err := h.Seeds(e); err != nil || same.Copy != keys.Copy || same.Seed != keys.Seed || same.Base != keys.Base {
		t.Errorf("other keys after a restart: %v", err)
	}
	other := h.export(t, 2)
	if them, err := h.Seeds(other); err != nil || them.Seed == keys.Seed || them.Base != keys.Base || them.Copy == keys.Copy {
		t.Errorf("another copy: %v", err)
	}
	e.Approvals = e.Approvals[:1]
	_, err = h.Seeds(e)
	wants(t, "codes that one approved", err, keeper.ErrExport)
	_, err = h.Deliver(e, [32]byte{6}, 3)
	wants(t, "a commitment that one approved", err, keeper.ErrExport)
}

// TestCodesOpenAfterFreezing: the index's key comes first and is counted; codes and
// readings come only after the hash of one observation, and no other, is durable.
func TestCodesOpenAfterFreezing(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 3)
	e := h.export(t, 3)
	wants(t, "an export", h.exports(e, 2), nil)
	tr := h.trace(t, 1)
	for name, step := range map[string]keeper.TraceStep{"codes": keeper.TraceCodes, "readings": keeper.TraceReads} {
		_, err := h.step(keeper.TraceAsk{Trace: tr, Step: step})
		wants(t, name+" of a trace that did not begin", err, keeper.ErrUnfrozen)
	}
	_, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceFreeze, Frozen: [32]byte{1}})
	wants(t, "freeze what did not begin", err, keeper.ErrTrace)
	g, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceBegin})
	wants(t, "begin", err, nil)
	if g.Traced.N != 1 || g.Codes.All != 0 {
		t.Errorf("begun: %+v", g)
	}
	for name, step := range map[string]keeper.TraceStep{"codes": keeper.TraceCodes, "readings": keeper.TraceReads} {
		_, err := h.step(keeper.TraceAsk{Trace: tr, Step: step})
		wants(t, name+" before anything is frozen", err, keeper.ErrUnfrozen)
	}
	hash := [32]byte{42}
	for range 2 {
		_, err = h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceFreeze, Frozen: hash})
		wants(t, "freeze", err, nil)
		h.restart(t)
	}
	_, err = h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceFreeze, Frozen: [32]byte{43}})
	wants(t, "another observation", err, keeper.ErrFrozen)
	more, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceBegin})
	if err != nil || more.Traced.N != 1 || more.Traced.Frozen != hash || !bytes.Equal(more.Traced.Tags, g.Traced.Tags) || !bytes.Equal(more.Traced.Job, g.Traced.Job) {
		t.Errorf("it goes on: %+v %v", more.Traced, err)
	}
	codes, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceCodes})
	keys, kerr := h.Seeds(e)
	if err != nil || kerr != nil || codes.Codes.All != 1 || codes.Codes.Base != keys.Base || codes.Codes.Codes[0].Seed != keys.Seed || len(codes.Codes.Codes[0].Deliveries) != 1 || !codes.Codes.Codes[0].Deliveries[0].Holds(logPublic(h.Keeper)) {
		t.Errorf("the codes: %+v %v", codes.Codes, err)
	}
	reads, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceReads})
	row := keys.Base.Row([]byte(record.RefOf(2, record.Number(h.have[0].Record)).String()))
	if err != nil || len(reads.Reads) != 1 || reads.Reads[0].Copy != keys.Copy || reads.Reads[0].Rows[0] != (keeper.RowVersion{Row: row, Version: 1}) || reads.Next != 0 {
		t.Errorf("the readings: %+v %v", reads, err)
	}
	second, err := h.step(keeper.TraceAsk{Trace: h.trace(t, 2), Step: keeper.TraceBegin})
	if err != nil || second.Traced.N != 2 || bytes.Equal(second.Traced.Job, g.Traced.Job) {
		t.Errorf("the second: %+v %v", second.Traced, err)
	}
}

// TestTracesNobodyApproved: everything right but one thing.
func TestTracesNobodyApproved(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 1)
	good := h.trace(t, 1)
	for name, change := range map[string]func(tr *keeper.Trace){
		"nobody approved":   func(tr *keeper.Trace) { tr.Approvals = nil },
		"one approved":      func(tr *keeper.Trace) { tr.Approvals = tr.Approvals[:1] },
		"one twice":         func(tr *keeper.Trace) { tr.Approvals = []staff.Approval{tr.Approvals[0], tr.Approvals[0]} },
		"other evidence":    func(tr *keeper.Trace) { tr.Request.Body = staff.Trace{Evidence: [32]byte{2}, Files: 1}.Body() },
		"an export instead": func(tr *keeper.Trace) { e := h.export(t, 1); tr.Request, tr.Approvals = e.Request, e.Approvals },
	} {
		tr := good
		tr.Approvals = append([]staff.Approval{}, good.Approvals...)
		change(&tr)
		_, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceBegin})
		wants(t, name, err, keeper.ErrTrace)
	}
	_, err := h.Trace(keeper.RoleServe, keeper.TraceAsk{Trace: good, Step: keeper.TraceBegin})
	wants(t, "the server", err, keeper.ErrRole)
	if n := len(records(h.Keeper, journal.KindCopies)); n != 0 {
		t.Errorf("%d entries of refused traces", n)
	}
	_, err = h.step(keeper.TraceAsk{Trace: good, Step: keeper.TraceBegin})
	wants(t, "as approved", err, nil)
	h.c.pass(2 * time.Hour)
	_, err = h.step(keeper.TraceAsk{Trace: good, Step: keeper.TraceBegin})
	wants(t, "when it is over", err, keeper.ErrTrace)
}

// TestTraceKeysStay: a folder from before gets keys once; keys that the journal does not
// know keep the keeper from starting.
func TestTraceKeysStay(t *testing.T) {
	disk, c := durabletest.New(1), newClock()
	k := start(t, disk, c)
	raw, err := durable.ReadFile(disk, "fixed")
	wants(t, "read", err, nil)
	keys := fixed{}
	wants(t, "unwrap", k.file("fixed").Load(&keys), nil)
	delete(keys, "tags")
	wants(t, "wrap", k.file("fixed").Store(keys), nil)
	wants(t, "close", k.Close(), nil)
	_, err = Open(options(disk, c))
	wants(t, "without the keys that the journal knows", err, traces.ErrTraceKeys)
	wants(t, "put back", durable.WriteFile(disk, "fixed", raw), nil)
	k = start(t, disk, c)
	before, base := traceKeys(t, k)
	k = restart(t, k, c)
	defer k.Close()
	if tags, same := traceKeys(t, k); !bytes.Equal(tags, before) || same != base {
		t.Error("the keys changed")
	}
	if n := len(records(k, journal.KindTraceKeys)); n != 1 {
		t.Errorf("the keys were made %d times", n)
	}
}

// TestTagsAreMetered: the server tags the people it writes and no country; an operator's command
// as many as it opened, and each call is counted in the journal before.
func TestTagsAreMetered(t *testing.T) {
	k, c := fresh(t, 1)
	some := make([]keeper.TagAsk, 200)
	for i := range some {
		some[i].Facts.NIK = norm.NIK(9901010101900000 + i)
	}
	_, err := k.Tags(keeper.RoleServe, some)
	wants(t, "within", err, nil)
	_, err = k.Tags(keeper.RoleServe, some)
	wants(t, "at once again", err, keeper.ErrBudget)
	got := 200
	for range 3590 { // an hour of asking
		c.pass(time.Second)
		if _, err := k.Tags(keeper.RoleServe, some[:20]); err == nil {
			got += 20
		}
	}
	if got > 5000 {
		t.Errorf("a taken-over server had %d people's tags in an hour", got)
	}
	_, err = k.Tags(keeper.RoleAdmin, make([]keeper.TagAsk, 201))
	wants(t, "an operator who opened nobody", err, keeper.ErrBudget)
	before := len(records(k, journal.KindCopies))
	reads := make([]keeper.Read, keeper.MaxBulk)
	for i := range reads {
		v := []keeper.Version{{Record: keeper.RecordPerson, Version: 1}}
		reads[i] = keeper.Read{Person: 1, Have: v, Want: v}
	}
	_, _, err = k.Read(keeper.RoleAdmin, importer(), reads)
	wants(t, "opened", err, nil)
	_, err = k.Tags(keeper.RoleAdmin, make([]keeper.TagAsk, keeper.MaxBulk))
	wants(t, "an operator who opened as many", err, nil) // the control
	_, err = k.Tags(keeper.RoleAdmin, make([]keeper.TagAsk, 201))
	wants(t, "an operator who had them", err, keeper.ErrBudget)
	if noted := records(k, journal.KindCopies)[before:]; len(noted) != 1 || !strings.Contains(string(noted[0]), fmt.Sprintf(`"Tagged":%d`, keeper.MaxBulk)) {
		t.Errorf("the journal has %q of the operator's tags", noted)
	}
	out, err := k.Tags(keeper.RoleAdmin, []keeper.TagAsk{{Facts: some[0].Facts, Name: "1", Records: []keeper.TagRecord{{Name: "1-65538", Number: 65538, From: 7}}}})
	wants(t, "one", err, nil)
	tags, base := traceKeys(t, k)
	tagger := index.NewTagger(index.Key(tags))
	if id := out[0].People[0]; out[0].Full != tagger.Full(some[0].Facts.NIK) || id.Full != out[0].Full || id.Row != base.Row([]byte("1")) ||
		out[0].Records[0].Record != tagger.Record(id.Full, 65538) || out[0].Records[0].Row != base.Row([]byte("1-65538")) {
		t.Errorf("tagged %+v", out[0])
	}
}
