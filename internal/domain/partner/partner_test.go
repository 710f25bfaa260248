package partner_test

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// TestGrant: nobody is served without an agreement in force, and whoever is not live
// for synthetic people only, in whatever state a row is.
func TestGrant(t *testing.T) {
	in := partner.Agreed{Terms: terms(t)}
	at := in.From
	for s := range 256 {
		p := partner.Partner{ID: 2, State: partner.State(s), Stage: 1}
		if _, err := p.Grant(nil, at); err == nil {
			t.Errorf("state %d without an agreement", s)
		}
		g, err := p.Grant([]partner.Agreed{in}, at)
		want := partner.ErrUnknown
		switch p.State {
		case partner.Live, partner.Sandbox, partner.Certified:
			if err != nil || g.SyntheticOnly != (p.State != partner.Live) || g.Version != 1 {
				t.Errorf("state %d: %+v, %v", s, g, err)
			}
			if real := g.Person(false); (real == nil) != (p.State == partner.Live) || g.Person(true) != nil {
				t.Errorf("state %d serves a real person: %v", s, real)
			}
			continue
		case partner.Suspended:
			want = partner.ErrSuspended
		}
		if !errors.Is(err, want) || fault.KindOf(err) != fault.Denied || g.Agreed != nil {
			t.Errorf("state %d: %v", s, err)
		}
	}
	if _, err := (partner.Partner{}).Grant([]partner.Agreed{in}, at); !errors.Is(err, partner.ErrUnknown) {
		t.Errorf("a partner that is none: %v", err)
	}
}

// TestInForce: the highest version whose time it is.
func TestInForce(t *testing.T) {
	one, two := partner.Agreed{Terms: terms(t)}, partner.Agreed{Terms: terms(t)}
	two.Version, two.From, two.Until = 2, one.From.AddDate(0, 1, 0), one.From.AddDate(0, 2, 0)
	both := []partner.Agreed{one, two}
	for _, c := range []struct {
		at   time.Time
		want int
	}{
		{one.From.Add(-1), 0}, {one.From, 1}, {two.From.Add(-1), 1}, {two.From, 2}, {two.Until.Add(-1), 2}, {two.Until, 1},
		{one.Until.Add(-1), 1}, {one.Until, 0},
	} {
		got, err := partner.InForce(both, c.at)
		if c.want == 0 && !errors.Is(err, partner.ErrUnsigned) || c.want > 0 && (err != nil || got.Version != c.want) {
			t.Errorf("%v: %v, %v, want version %d", c.at, got, err, c.want)
		}
	}
}

// TestGrantBounds: an agreement's scopes, colours and stages bound what is granted,
// and no agreement grants nothing.
func TestGrantBounds(t *testing.T) {
	in := partner.Agreed{Terms: terms(t)}
	in.Scopes, in.Colours, in.Stages = in.Scopes[:1], in.Colours[:2], []int{2, 5}
	g := partner.Grant{Agreed: &in, Stage: 1}
	var none partner.Grant
	if g.Covers(partner.ScopeColour) != nil || !errors.Is(g.Covers(partner.ScopeDecision), partner.ErrScope) || !errors.Is(none.Covers(partner.ScopeColour), partner.ErrScope) {
		t.Error("scopes")
	}
	if !g.Shows("green") || g.Shows("red") || g.Shows("") || none.Shows("green") {
		t.Error("colours")
	}
	for _, c := range []struct {
		stage, linked int
		want          error
	}{{1, 0, nil}, {1, 1, nil}, {1, 2, partner.ErrFull}, {2, 4, nil}, {2, 5, partner.ErrFull}, {3, 0, partner.ErrFull}, {0, 1, nil}, {0, 2, partner.ErrFull}} {
		g.Stage = c.stage
		if err := g.Admits(c.linked); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if !errors.Is(none.Admits(0), partner.ErrFull) {
		t.Error("nobody is linked without an agreement")
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
