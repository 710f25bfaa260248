package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// polls is how often a person's colour is asked for.
const polls = 240

// TestPolling: two partners' apps that ask for one person's colour all day, by looking and
// by checking in, are told twelve, and the person sees every one with the link it came by.
func TestPolling(t *testing.T) {
	p := poll(t, program)
	if p.told != 12 || p.refused != polls-12 {
		t.Errorf("of %d asked %d were told, %d refused", polls, p.told, p.refused)
	}
	if p.seen != 12 {
		t.Errorf("the person sees %d of 12 asks", p.seen)
	}
	t.Logf("of %d asked %d were told; the person sees %d", polls, p.told, p.seen)
}

// TestPollingUnlimited is the control: in a build whose keeper counts and does not refuse,
// the same trial is told everything.
func TestPollingUnlimited(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "amanah")
	if out, err := build(bin, "amanah_unlimited"); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if p := poll(t, bin); p.told != polls {
		t.Errorf("without the limit only %d of %d were told: the trial would not show it", p.told, polls)
	}
}

type polled struct{ told, refused, seen int64 }

func poll(t *testing.T, bin string) polled {
	t.Helper()
	s := newSite(t, bin)
	s.startKeeper()
	s.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "1000000")
	code := s.operate("", "venue", "code", "1")
	relays := []string{s.path("relay1.json"), s.path("relay2.json")}
	for i, name := range []string{"Mitra Uji", "Mitra Lain"} {
		s.operate("", "partner", "add", name, "--platform", "http://"+s.listen, "--out", relays[i])
	}
	links, pin := s.enlist(1, []string{"green"}, 1, 2)
	s.startServer()
	web := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8}}
	var told, refused atomic.Int64
	var wg sync.WaitGroup
	for i, relay := range relays {
		desk, device := newDesk(t, relay, "http://"+s.listen, pin, web), &links[i][0]
		wg.Go(func() {
			for n := range polls / len(relays) {
				method, path, body := "GET", "/v1/status", []byte(nil)
				if n%2 == 1 {
					method, path, body = "POST", "/v1/visits", ticketBody(code, 1, time.Now())
				}
				l, err := desk.write(device, method, path, body)
				if err != nil {
					t.Error(err)
					return
				}
				a, err := desk.send(t.Context(), "http://"+s.listen, l, desk.proof())
				var colour struct {
					Colour string `json:"colour"`
				}
				switch {
				case err != nil:
					t.Error(err)
					return
				case a.status == http.StatusOK && json.Unmarshal(a.body, &colour) == nil && colour.Colour == "green":
					told.Add(1)
				case a.status == http.StatusTooManyRequests:
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
	desk := newDesk(t, relays[0], "http://"+s.listen, pin, web)
	seen := int64(0)
	for end := time.Now().Add(20 * time.Second); seen < 12 && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		seen = countAsks(t, desk, &links[0][0], "http://"+s.listen)
	}
	return polled{told.Load(), refused.Load(), seen}
}

// countAsks counts what the person is shown of colours that were told.
func countAsks(t *testing.T, desk *desk, device *speaker, server string) (n int64) {
	t.Helper()
	for page := 0; ; page++ {
		l, err := desk.write(device, "GET", fmt.Sprintf("/v1/asks?page=%d", page), nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := desk.send(t.Context(), server, l, desk.proof())
		var shown struct {
			Asks []struct {
				Colour string `json:"colour"`
				Times  int64  `json:"times"`
			} `json:"asks"`
			More bool `json:"more"`
		}
		if err != nil || json.Unmarshal(a.body, &shown) != nil {
			t.Fatalf("%v %d %s", err, a.status, a.body)
		}
		for _, one := range shown.Asks {
			if one.Colour != "" {
				n += max(1, one.Times)
			}
		}
		if !shown.More {
			return n
		}
	}
}
