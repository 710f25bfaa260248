package server

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

// TestARestoredKeeperKnowsItsTraces: a keeper made from a backup counts traces on from where
// they were, holds each to what it froze, knows every copy's code and commitment and who opened
// what, and names whom it would have named. What came after the backup it does not know: an
// observation frozen then may be frozen otherwise, and N lacks a copy.
func TestARestoredKeeperKnowsItsTraces(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 3)
	first := h.export(t, 3)
	wants(t, "an export", h.exports(first, 2), nil)
	_, base := traceKeys(t, h.Keeper)
	rows := []leak.Row{base.Row([]byte(record.Ref{Person: 2}.String()))}
	o := staff.Observe([32]byte{9}, nil, rows, nil)
	begin := func(tr keeper.Trace) keeper.Traced {
		t.Helper()
		g, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceBegin})
		wants(t, "begin", err, nil)
		return g.Traced
	}
	freeze := func(tr keeper.Trace, hash [32]byte) error {
		_, err := h.step(keeper.TraceAsk{Trace: tr, Step: keeper.TraceFreeze, Frozen: hash})
		return err
	}
	frozen, open := h.trace(t, 1), h.trace(t, 2)
	begin(frozen)
	wants(t, "freeze", freeze(frozen, o.Digest()), nil)
	begin(open)
	names := h.names(t, staff.Names{Trace: frozen.Request.ID(), Observed: o.Digest(), Count: 1, Rows: staff.RowsDigest(rows), Recipient: recipient}, o, rows)
	type state struct {
		Traced keeper.Traced
		Codes  keeper.Codes
		Reads  []keeper.Reading
		People []identity.PersonID
	}
	look := func() (s state) {
		t.Helper()
		s.Traced = begin(frozen)
		for _, step := range []keeper.TraceStep{keeper.TraceCodes, keeper.TraceReads} {
			g, err := h.step(keeper.TraceAsk{Trace: frozen, Step: step})
			wants(t, "what is told of it", err, nil)
			_, base := traceKeys(t, h.Keeper)
			s.Codes.All, s.Codes.Base = max(s.Codes.All, g.Codes.All), base
			s.Codes.Codes, s.Reads = append(s.Codes.Codes, g.Codes.Codes...), append(s.Reads, g.Reads...)
		}
		g, err := h.step(names)
		wants(t, "names", err, nil)
		s.People = g.People
		return s
	}
	before := look()
	copy, recovery := copied(t, h.Keeper)
	late := h.export(t, 1)
	wants(t, "an export after the backup", h.exports(late, 1), nil)
	wants(t, "a freeze after the backup", freeze(open, [32]byte{7}), nil)
	if len(before.Codes.Codes) != 1 || len(before.Reads) == 0 || !slices.Equal(before.People, []identity.PersonID{2}) || look().Codes.All != 2 {
		t.Fatalf("there is too little to lose: %+v", before)
	}

	d, err := restored(t, h.c, copy, recovery)
	wants(t, "restore", err, nil)
	wants(t, "close", h.Close(), nil)
	h.Keeper = start(t, d, h.c)
	after := look()
	if diff := cmp.Diff(before, after); diff != "" || !bytes.Equal(before.Traced.Job, after.Traced.Job) {
		t.Errorf("restored, it knows otherwise: %s", diff)
	}
	wants(t, "another observation of what was frozen", freeze(frozen, [32]byte{8}), keeper.ErrFrozen)
	if n := begin(open).N; n != 2 {
		t.Errorf("the second trace is number %d", n)
	}
	if n := begin(h.trace(t, 3)).N; n != 3 {
		t.Errorf("the next trace is number %d", n)
	}
	if _, out, err := h.OpenExport(late, h.all(1)); err == nil && out[0].Err == nil {
		t.Error("a copy opens whose commitment nobody knows any more")
	}
	wants(t, "what was frozen after the backup", freeze(open, [32]byte{8}), nil)
}
