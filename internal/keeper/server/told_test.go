package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

// emergency opens somebody without a care relationship.
func (h *house) emergency(m *colleague, path string) error {
	_, out, err := h.OpenRecords(m.emergency(path), h.all(1))
	if err == nil {
		err = out[0].Err
	}
	return err
}

// TestNotices: an emergency, a transfer and what a person took along are told, once each
// and in their order, before a restart and after it; treatment, what the platform reads by
// itself and an export are not, nor what happened three days ago.
func TestNotices(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 4)
	begun := h.c.now()
	wants(t, "an emergency", h.emergency(h.doctor, patient(1)), nil)
	wants(t, "the same, once more", h.emergency(h.doctor, patient(1)), nil)
	h.c.pass(time.Minute)
	wants(t, "treatment", h.open(h.nurse, 2), nil)
	sends := h.system.ask("POST", fmt.Sprint("/v1/transfers/Patient/3/rs-99-002/", h.c.today().Add(3)))
	r, out, err := h.OpenRecords(sends, h.all(3))
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	if _, err := h.SignTransfer(keeper.TransferAsk{ID: r.Intent, Digest: [32]byte{7}, Size: 9}); err != nil {
		t.Fatal(err)
	}
	own := keeper.Intent{ID: [16]byte{9}, Actor: "authorization/07", Purpose: keeper.PurposeOwn, Budget: keeper.BudgetSelf}
	for _, i := range []keeper.Intent{own, {ID: [16]byte{8}, Actor: "care", Purpose: keeper.PurposeOwn, Budget: keeper.BudgetJob}, {ID: [16]byte{7}, Actor: "x", Purpose: "link", Budget: keeper.BudgetSelf}} {
		if _, out, err := h.Read(keeper.RoleServe, i, h.all(4)); err != nil || out[0].Err != nil {
			t.Fatal(err, out)
		}
	}
	wants(t, "an export", h.exports(h.export(t, 2), 2), nil)
	later := begun.Add(time.Minute)
	want := []notice.Notice{
		{Person: 1, Kind: notice.Emergency, At: begun}, {Person: 3, Kind: notice.Sent, At: later}, {Person: 4, Kind: notice.Taken, At: later},
	}
	for range 2 {
		got := h.Notices(0, 100)
		if len(got) != len(want) {
			t.Fatalf("%+v", got)
		}
		for i, n := range got {
			if one := h.Notices(n.Place-1, 1); len(one) != 1 || one[0] != n {
				t.Errorf("by its place: %+v", one)
			}
			if n.Place == 0 || i > 0 && n.Place <= got[i-1].Place {
				t.Errorf("places do not ascend: %+v", got)
			}
			n.Place, n.At = 0, n.At.Local()
			w := want[i]
			w.At = w.At.Local()
			if d := cmp.Diff(w, n); d != "" {
				t.Error(d)
			}
		}
		if rest := h.Notices(got[1].Place, 100); len(rest) != 1 || len(h.Notices(got[2].Place, 100)) != 0 || len(h.Notices(0, 2)) != 2 || len(h.Notices(0, -1)) != 0 {
			t.Errorf("after a place: %+v", rest)
		}
		h.restart(t)
	}
	h.c.pass(notice.Life - time.Minute)
	if got := h.Notices(0, 100); len(got) != 2 {
		t.Errorf("after three days: %+v", got)
	}
	h.c.pass(time.Minute)
	h.restart(t)
	if got := h.Notices(0, 100); len(got) != 0 {
		t.Errorf("later: %+v", got)
	}
}
