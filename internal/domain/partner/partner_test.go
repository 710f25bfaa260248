package partner_test

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// TestAdmit: only a live partner is served, in whatever other state a row is.
func TestAdmit(t *testing.T) {
	for s := range 256 {
		p := partner.Partner{ID: 1, State: partner.State(s)}
		err := p.Admit()
		want := partner.ErrUnknown
		switch p.State {
		case partner.Live:
			if err != nil {
				t.Error(err)
			}
			continue
		case partner.Suspended:
			want = partner.ErrSuspended
		}
		if !errors.Is(err, want) || fault.KindOf(err) != fault.Denied {
			t.Errorf("state %d: %v", s, err)
		}
	}
	if err := (partner.Partner{}).Admit(); !errors.Is(err, partner.ErrUnknown) {
		t.Errorf("a partner that is none: %v", err)
	}
}

// TestWords pins the words that commands and metrics show.
func TestWords(t *testing.T) {
	for s, want := range map[partner.State]string{0: "none", partner.Live: "live", partner.Suspended: "suspended", partner.Applied: "applied",
		partner.Sandbox: "sandbox", partner.Certified: "certified", partner.Ended: "ended", 7: "none"} {
		if s.String() != want {
			t.Errorf("%d is %q", uint8(s), s)
		}
	}
	if partner.ID(4294967295).String() != "4294967295" || partner.ID(0).String() != "0" {
		t.Error("an ID is its number")
	}
}
