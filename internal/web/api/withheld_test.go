package api_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestWithheld: of a colour outside the agreement's colour set an app is told the
// decision alone, wherever a colour is told. The whole set is the control.
func TestWithheld(t *testing.T) {
	for name, colours := range map[string][]string{"shown": {"green", "yellow"}, "withheld": {"yellow", "red"}} {
		s := newStand(t)
		p := s.phone(siti, 1, nil)
		grant := agreed()
		grant.Colours = colours
		for _, c := range []*call{s.checkIn(p), s.fetch(p), s.call(p, "GET", "/v1/status", nil), s.call(p, "GET", "/v1/visits", nil), s.call(p, "GET", "/v1/asks", nil)} {
			c.grant = grant
			r := s.send(c)
			body := string(r.Body)
			if r.Status != 200 {
				t.Fatalf("%s %s: %d %s", name, c.path, r.Status, body)
			}
			hidden := name == "withheld"
			if strings.Contains(body, `"colour":"green"`) == hidden || strings.Contains(body, `"colour":"withheld"`) != hidden {
				t.Errorf("%s %s: %s", name, c.path, body)
			}
			if hidden && (strings.Contains(body, `"reason"`) || strings.Contains(body, "green") || strings.Contains(body, "hijau")) {
				t.Errorf("%s: the colour is told another way: %s", c.path, body)
			}
			var out struct{ Decision, Code string }
			if err := json.Unmarshal(r.Body, &out); err == nil && c.method == "POST" && (out.Decision != "admit" || (out.Code == "withheld") != hidden) {
				t.Errorf("%s: %+v", name, out)
			}
		}
	}
}
