package client

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/verify"
)

// Errors of a scanned code, found without asking anybody.
var (
	ErrExit     = errors.New("client: this is the code of an exit: scan the one at the entrance")
	ErrNoTicket = errors.New("client: the visit has no ticket")
)

// CheckIn is what a person confirms at a door.
type CheckIn struct {
	Code  string   // the URL scanned at the door; it is never opened
	Party int      // people entering, the person included; 1 to 50
	With  []string // tokens of other linked members on this device
}

// Reason says why a colour is what it is, to the person only.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"` // in the device's language
}

// Change is what a colour becomes by itself.
type Change struct {
	At     time.Time `json:"at"`
	Colour string    `json:"colour"`
	Reason Reason    `json:"reason"`
}

// Status is a person's own colour.
type Status struct {
	Colour    string    `json:"colour"` // green, yellow, red, black; or withheld, without a reason, where the agreement does not let the app show it
	Reason    Reason    `json:"reason"`
	Since     time.Time `json:"since"`
	Next      *Change   `json:"next,omitempty"`
	LeftToday int       `json:"left_today"` // colours that may still be asked for today
}

// Visit is the answer to a check-in.
type Visit struct {
	Status
	Visit    string    `json:"visit"`    // its number, for leaving
	Decision string    `json:"decision"` // admit, check, refuse
	Code     string    `json:"code"`     // of the rule that decided
	Text     string    `json:"text"`
	Members  []string  `json:"members,omitempty"` // colours of the party's linked members
	Inside   int       `json:"inside"`
	Limit    int       `json:"limit"`
	Ticket   string    `json:"ticket,omitempty"` // base64url, see package verify
	Expires  time.Time `json:"expires_at,omitzero"`
	Receipt  string    `json:"receipt"` // proves that the access log holds the event; keep it

	holder ed25519.PrivateKey
}

// Present returns the text of the QR code to show at the door at that time, which is
// Device.Now and not the clock of a phone that may be wrong. It is good for half a
// minute: renew it every 15 seconds, so that a photograph of it is worthless.
func (v *Visit) Present(now time.Time) (string, error) {
	ticket, err := base64.RawURLEncoding.DecodeString(v.Ticket)
	if err != nil || len(ticket) == 0 {
		return "", ErrNoTicket
	}
	return verify.Present(ticket, v.holder, now)
}

// CheckIn checks in. The code is verified first, against keys that the platform's
// pinned key signed, so that a forged or foreign code sends nothing. A check-in
// whose answer is lost is sent again and counts once.
func (d *Device) CheckIn(ctx context.Context, in CheckIn) (*Visit, error) {
	code, err := d.code(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	if code.Exit {
		return nil, ErrExit
	}
	public, holder, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	v := &Visit{holder: holder}
	return v, d.ask(ctx, http.MethodPost, "/v1/visits", func(now time.Time) ([]byte, error) {
		return json.Marshal(struct {
			Code   string   `json:"code"`
			Party  int      `json:"party"`
			With   []string `json:"with,omitempty"`
			Nonce  string   `json:"nonce"`
			Holder string   `json:"holder"`
		}{in.Code, in.Party, in.With, newNonce(now), b64(public)})
	}, v)
}

// newNonce makes the number of a visit: 48 bits of time and 80 of chance.
func newNonce(now time.Time) string {
	var n [16]byte
	rand.Read(n[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(n[:6], ms[2:])
	return b64(n[:])
}

func (d *Device) code(ctx context.Context, url string) (verify.VenueCode, error) {
	raw, err := verify.ParseVenueURL(url, d.credential.Host)
	if err != nil {
		return verify.VenueCode{}, fmt.Errorf("client: the scanned code: %w", err)
	}
	keys, err := d.published(ctx)
	if err != nil {
		return verify.VenueCode{}, err
	}
	c, err := keys.Venues.VenueCode(raw, d.credential.Host, d.Now())
	if err != nil {
		return c, fmt.Errorf("client: the scanned code: %w", err)
	}
	return c, nil
}

// Left says how many visits a check-out ended.
type Left struct {
	Closed int `json:"closed"`
}

func (d *Device) leave(ctx context.Context, what map[string]any) (*Left, error) {
	body, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	l := &Left{}
	return l, d.ask(ctx, http.MethodPost, "/v1/visits/leave", same(body), l)
}

func same(body []byte) func(time.Time) ([]byte, error) {
	return func(time.Time) ([]byte, error) { return body, nil }
}

// Leave ends a visit by its number.
func (d *Device) Leave(ctx context.Context, visit string) (*Left, error) {
	return d.leave(ctx, map[string]any{"visit": visit})
}

// LeaveByCode ends the person's visits at the venue whose exit code was scanned.
func (d *Device) LeaveByCode(ctx context.Context, code string) (*Left, error) {
	if _, err := d.code(ctx, code); err != nil {
		return nil, err
	}
	return d.leave(ctx, map[string]any{"code": code})
}

// Cover sends a check-out that ends nothing.
func (d *Device) Cover(ctx context.Context) error {
	_, err := d.leave(ctx, map[string]any{"cover": true})
	return err
}

// StartCover sends covers until ctx is done, at random with a mean of every, so
// that a relay cannot tell from a missing check-out that somebody was turned away
// or forgot. Errors are passed to failed, which may be nil.
func (d *Device) StartCover(ctx context.Context, every time.Duration, failed func(error)) {
	for {
		timer := time.NewTimer(time.Duration(mathrand.ExpFloat64() * float64(every)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := d.Cover(ctx); err != nil && failed != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// Status asks for the person's own colour; it counts as one of the day's.
func (d *Device) Status(ctx context.Context) (*Status, error) {
	s := &Status{}
	return s, d.ask(ctx, http.MethodGet, "/v1/status", same(nil), s)
}

// Past is one visit of the person's history.
type Past struct {
	Visit    string     `json:"visit"`
	Venue    string     `json:"venue"`
	Door     int        `json:"door"`
	Entered  time.Time  `json:"entered"`
	Left     *time.Time `json:"left,omitempty"`
	Party    int        `json:"party"`
	Colour   string     `json:"colour"`
	Decision string     `json:"decision"`
	Partner  uint32     `json:"partner"`
}

// History is a page of the person's visits of the last 14 days, newest first.
type History struct {
	Visits []Past `json:"visits"`
	More   bool   `json:"more"`
}

// History asks for one page, from 0.
func (d *Device) History(ctx context.Context, page int) (*History, error) {
	path := "/v1/visits"
	if page > 0 {
		path += "?page=" + strconv.Itoa(page)
	}
	h := &History{}
	return h, d.ask(ctx, http.MethodGet, path, same(nil), h)
}

// Venue is a place and how full it is.
type Venue struct {
	Name     string `json:"name"`
	Category string `json:"category"`
	Inside   int    `json:"inside"`
	Limit    int    `json:"limit"`
}

// Venue asks how full a place is.
func (d *Device) Venue(ctx context.Context, id uint64) (*Venue, error) {
	v := &Venue{}
	return v, d.ask(ctx, http.MethodGet, "/v1/venues/"+strconv.FormatUint(id, 10), same(nil), v)
}
