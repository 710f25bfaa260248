package e2e

import (
	"net/http"
	"testing"
	"time"
)

// TestHistoryTiming is TestColourTiming for what takes more than its batch: whether
// somebody was anywhere in a fortnight is not told by the time of GET /v1/visits.
// Green and red went nowhere, yellow and black six times. In a build whose answers
// leave when they are ready the same trial tells them apart.
//
// It measures time, so it runs in the long form alone.
func TestHistoryTiming(t *testing.T) {
	if !soak() {
		t.Skip("measures time: run scripts/soak.sh history")
	}
	each := number("SOAK_TIMING", 5000)
	for name, c := range map[string]struct {
		build string
		told  bool
	}{"as released": {"", false}, "control, answers leave when ready": {"amanah_nohold", true}} {
		t.Run(name, func(t *testing.T) {
			bin := program
			if c.build != "" {
				bin = tagged(t, c.build)
			}
			s := newTimed(t, bin, each)
			s.wander()
			s.write = func(by *speaker) (letter, error) { return s.desk.write(by, "GET", "/v1/visits", nil) }
			s.play()
			s.report()
			if worst := s.welch(""); (worst >= 4.5) != c.told {
				t.Errorf("|t| = %.2f", worst)
			}
		})
	}
}

// wander sends everybody yellow and black to a venue, six times.
func (s *timed) wander() {
	s.t.Helper()
	for i := range s.crowd {
		by := &s.crowd[i]
		if by.colour != "yellow" && by.colour != "black" {
			continue
		}
		if i%50 == 0 {
			s.desk.learn(s.t, "https://"+s.listen)
		}
		for range 6 {
			l, err := s.desk.write(by, "POST", "/v1/visits", ticketBody(s.code, 1, time.Now()))
			if err == nil {
				_, err = s.desk.send(s.t.Context(), "https://"+s.listen, l, s.desk.proof())
			}
			if err != nil {
				s.t.Fatal(err)
			}
		}
	}
	// The connection that was made for the trial is too old by now to be the first's.
	s.wire = dialTLS(s.t.(*testing.T), s.listen, s.desk.web.Transport.(*http.Transport).TLSClientConfig)
}
