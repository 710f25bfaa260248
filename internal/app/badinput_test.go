package app

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// scan is the body of a check-in by a device whose clock is off by skew.
func scan(t *testing.T, code string, party int, skew time.Duration) string {
	t.Helper()
	var nonce [16]byte
	rand.Read(nonce[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().Add(skew).UnixMilli()))
	copy(nonce[:6], ms[2:])
	holder, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"code":%q,"party":%d,"nonce":%q,"holder":%q}`, code, party, b64(nonce[:]), b64(holder))
}

func (r *rig) inside() int {
	r.t.Helper()
	var n []int
	if err := r.server.db.View(r.t.Context(), func(s store.Stores) (err error) {
		n, err = s.Venues.Inside([]venue.ID{1})
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	return n[0]
}

// TestBadInput sends a whole server what a device may send wrong: each is answered
// with its reason in a message like any other, counts nobody, and the visit that
// was open before is there after it.
func TestBadInput(t *testing.T) {
	r := newRig(t)
	ring := r.server.ring.set.Load()
	code := func(c verify.VenueCode) string {
		s, err := ring.venues.Code(c)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := verify.SignVenueCode(stranger, "localhost", verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	middle := len("https://localhost/v/") + 20
	other := map[bool]string{true: "B", false: "A"}[good[middle] == 'A']
	stale := code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Expires: time.Now().Add(-time.Hour).Truncate(verify.Period)})

	status, first := r.ask("POST", "/v1/visits", scan(t, good, 2, 0))
	if status != 200 || first["inside"] != 2.0 {
		t.Fatalf("the control: %d %v", status, first)
	}
	for _, bad := range []struct {
		name, body string
		status     int
		says       error
	}{
		{"forged code", scan(t, forged, 1, 0), 400, api.ErrCodeForged},
		{"altered code", scan(t, good[:middle]+other+good[middle+1:], 1, 0), 400, nil},
		{"expired code", scan(t, stale, 1, 0), 400, api.ErrCodeExpired},
		{"foreign code", scan(t, strings.Replace(good, "localhost", "evil.example", 1), 1, 0), 400, api.ErrCodeForeign},
		{"no code", scan(t, "", 1, 0), 400, api.ErrCode},
		{"code of an exit", scan(t, code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Exit: true}), 1, 0), 400, api.ErrExit},
		{"code of no venue", scan(t, code(verify.VenueCode{Venue: 99, Door: 1, Serial: 1}), 1, 0), 404, nil},
		{"party of 0", scan(t, good, 0, 0), 400, venue.ErrParty},
		{"party of -1", scan(t, good, -1, 0), 400, venue.ErrParty},
		{"party of 1000", scan(t, good, 1000, 0), 400, venue.ErrParty},
		{"clock 11 minutes slow", scan(t, good, 1, -11*time.Minute), 400, venue.ErrClock},
		{"clock 11 minutes fast", scan(t, good, 1, 11*time.Minute), 400, venue.ErrClock},
	} {
		status, a := r.ask("POST", "/v1/visits", bad.body)
		if status != bad.status || bad.says != nil && a["title"] != bad.says.Error() || a["ticket"] != nil {
			t.Errorf("%s: %d %v", bad.name, status, a)
		}
		if n := r.inside(); n != 2 {
			t.Fatalf("%s: %d are inside, want 2", bad.name, n)
		}
	}
	if _, h := r.ask("GET", "/v1/visits", ""); len(h["visits"].([]any)) != 1 {
		t.Errorf("history: %v", h)
	}
	if status, l := r.ask("POST", "/v1/visits/leave", `{"visit":"`+first["visit"].(string)+`"}`); status != 200 || l["closed"] != 1.0 || r.inside() != 0 {
		t.Errorf("leave: %d %v", status, l)
	}
	for _, seen := range r.seen {
		if seen != r.seen[0] {
			t.Fatalf("a relay tells a bad request from a good one: %v", r.seen)
		}
	}
}

// TestClockFiveMinutesOff: such a device checks in, is there at the server's time, and
// leaves again. Each clock alone: within five minutes of midnight the two make visits of
// two days, which nothing here may know to be one person's.
func TestClockFiveMinutesOff(t *testing.T) {
	r := newRig(t)
	good, err := r.server.ring.set.Load().venues.Code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, skew := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		status, a := r.ask("POST", "/v1/visits", scan(t, good, 1, skew))
		if status != 200 || a["decision"] != "admit" || r.inside() != 1 {
			t.Fatalf("%s: %d %v, %d inside", skew, status, a, r.inside())
		}
		if status, l := r.ask("POST", "/v1/visits/leave", fmt.Sprintf(`{"visit":%q}`, a["visit"])); status != 200 || l["closed"] != 1.0 || r.inside() != 0 {
			t.Errorf("%s: leave: %d %v, %d inside", skew, status, l, r.inside())
		}
	}
}

// TestFullVenue: a party that does not fit is told so, whole, and who is inside stays.
func TestFullVenue(t *testing.T) {
	r := newRig(t)
	good, err := r.server.ring.set.Load().venues.Code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	status, a := r.ask("POST", "/v1/visits", scan(t, good, 11, 0)) // of 10
	if status != 200 || a["decision"] == "admit" || a["ticket"] != nil || r.inside() != 0 {
		t.Errorf("eleven where ten fit: %d %v", status, a)
	}
	if !strings.Contains(fmt.Sprint(a), "full") {
		t.Errorf("the answer does not say that the venue is full: %v", a)
	}
	if status, a := r.ask("POST", "/v1/visits", scan(t, good, 10, 0)); status != 200 || a["inside"] != 10.0 {
		t.Errorf("ten where ten fit: %d %v", status, a)
	}
}

// TestReorderedEncapsulations: messages that a relay delivers in another order than
// they were made in are each answered as their own.
func TestReorderedEncapsulations(t *testing.T) {
	r := newRig(t)
	r.ask("GET", "/v1/venues/1", "") // fetches the nonces
	type sent struct {
		sealed   []byte
		exchange *ohttp.Exchange
		want     int
	}
	var all []sent
	for _, path := range []string{"/v1/venues/1", "/v1/venues/99", "/v1/venues/1"} {
		inner, err := ohttp.AppendRequest(nil, &ohttp.Request{
			Method: "GET", Scheme: "https", Authority: "localhost", Path: path,
			Header: []ohttp.Field{{Name: "authorization", Value: "DPoP " + r.token}, {Name: "dpop", Value: proof(r.device, "GET", "https://localhost"+path, r.token, r.nonceI)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		sealed, exchange, err := r.config.Encapsulate(inner)
		if err != nil {
			t.Fatal(err)
		}
		want := 200
		if path == "/v1/venues/99" {
			want = 404
		}
		all = append(all, sent{sealed, exchange, want})
	}
	for _, i := range []int{2, 0, 1} {
		plain, err := all[i].exchange.Open(r.forward(all[i].sealed))
		if err != nil {
			t.Fatal(err)
		}
		res, err := ohttp.ParseResponse(plain)
		if err != nil || res.Status != all[i].want {
			t.Errorf("message %d: %d, %v", i, res.Status, err)
		}
	}
}
