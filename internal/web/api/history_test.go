package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/token"
)

// past asks for the history and returns how many visits it has, and when each began.
func (s *stand) past(p *phone) (entered []time.Time) {
	s.t.Helper()
	var got struct {
		Visits []struct {
			Entered time.Time `json:"entered"`
		} `json:"visits"`
	}
	r := s.send(s.call(p, "GET", "/v1/visits", nil))
	if err := json.Unmarshal(r.Body, &got); err != nil || r.Status != 200 {
		s.t.Fatalf("%d %s: %v", r.Status, r.Body, err)
	}
	for _, v := range got.Visits {
		entered = append(entered, v.Entered)
	}
	return entered
}

// TestFourteenDays: a person sees today's visits and those of the 13 days before, whole
// days of Western Indonesian Time, and of their colour's asks as many.
func TestFourteenDays(t *testing.T) {
	s := newStand(t)
	var err error
	s.tokens, err = token.New([]keeper.TokenKey{{ID: 1, Key: make([]byte, 32), NotBefore: s.now.Add(-time.Hour), NotAfter: s.now.Add(30 * 24 * time.Hour)}})
	s.must(err)
	p := s.phone(siti, 1, nil)
	p.claims.Expires = s.now.Add(30 * 24 * time.Hour)
	first, early := day.Of(s.now), s.now
	s.served(s.checkIn(p))
	s.now = first.Add(1).Start().Add(-time.Second)
	late := s.now
	s.served(s.checkIn(p))
	s.now = first.Add(1).Start()
	next := s.now
	s.served(s.checkIn(p))
	same := func(when string, got []time.Time, want ...time.Time) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", when, got, want)
		}
		for i := range want {
			if !got[i].Equal(want[i]) {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
	}
	s.now = first.Add(13).Start()
	same("the first moment of day 13", s.past(p), next, late, early)
	s.now = first.Add(14).Start().Add(-time.Second)
	same("the last second of day 13", s.past(p), next, late, early)
	if a := s.asks(p, ""); len(a.Asks) != 3 {
		t.Errorf("the last second of day 13: %+v", a.Asks)
	}
	s.now = first.Add(14).Start()
	same("day 14", s.past(p), next)
	if a := s.asks(p, ""); len(a.Asks) != 1 {
		t.Errorf("day 14: %+v", a.Asks)
	}
	s.now = first.Add(15).Start()
	same("day 15", s.past(p))
}
