package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

// ErrSerial is returned for a ticket's serial that is none.
var ErrSerial = fault.New(fault.Invalid, "serial: the 32 hexadecimal digits of the ticket's serial")

// Doors answers the staff and kiosks at a venue's doors, who hold a credential of
// that venue and see tickets, counts and codes, never people.
type Doors struct {
	Host   string
	Tokens func() *token.Sealer
	Nonces *dpop.Nonces
	Once   *dpop.Once
	Book   *gate.Book
	Leave  func(ctx context.Context, at venue.ID, id venue.VisitID, now time.Time) error
	Sign   func(c verify.VenueCode) (string, error) // a code's URL, signed with the key in force
	LookUp LookUp
	Cards  func() verify.Keys // that sign printed cards
	Passes func() verify.Keys // that sign tickets and passes
	Seen   func(ctx context.Context, at *gate.Place, shown []venue.Showing, now time.Time) ([]venue.SeenCode, error)
	Now    func() time.Time
}

// Routes adds the doors' resources to a mux.
func (d *Doors) Routes(mux *route.Mux) {
	mux.HandleFunc("POST /v1/doors/leave", d.with(d.leave))
	mux.HandleFunc("POST /v1/doors/seen", d.with(d.seen))
	mux.HandleFunc("POST /v1/lookups", d.with(d.lookUp))
	mux.HandleFunc("GET /v1/doors/code", d.with(d.code))
	mux.HandleFunc("GET /v1/doors/occupancy", d.with(d.occupancy))
}

// post is a door that asks, its credential admitted.
type post struct {
	*gate.Place
	now time.Time
}

type doorHandler func(r *http.Request, at post) (any, error)

// with admits the door's credential and writes what the handler returns.
func (d *Doors) with(h doorHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := d.Now()
		w.Header().Set("DPoP-Nonce", d.Nonces.Give())
		place, err := d.admit(r, now)
		if err != nil {
			problem.Write(w, err)
			return
		}
		v, err := h(r, post{place, now})
		if err != nil {
			problem.Write(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(v) // whoever hung up asks again
	}
}

func (d *Doors) admit(r *http.Request, now time.Time) (*gate.Place, error) {
	sealed, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
	if !ok {
		return nil, token.ErrToken
	}
	claims, err := d.Tokens().Open(sealed, token.ScopeDoor, now)
	if err != nil {
		return nil, err
	}
	proof, err := dpop.Verify(r.Header.Get("DPoP"), dpop.Want{
		Method: r.Method, URL: "https://" + d.Host + r.URL.Path, Token: sealed, Fresh: d.Nonces.Fresh,
	})
	if err != nil {
		return nil, err
	}
	if proof.Thumbprint != claims.Key {
		return nil, dpop.ErrBound
	}
	if err := d.Once.Use(proof, now); err != nil {
		return nil, err
	}
	place, ok := d.Book.Place(claims.Venue)
	if !ok {
		return nil, venue.ErrUnknown
	}
	return place, nil
}

// has returns why the venue has no such door, or nil.
func (at post) has(door uint64) error {
	if door < 1 || door > uint64(at.Venue.Doors) {
		return fault.Newf(fault.Invalid, "door: a number from 1 to %d", at.Venue.Doors)
	}
	return nil
}

// leave ends the visit of a ticket that staff scanned.
func (d *Doors) leave(r *http.Request, at post) (any, error) {
	var b struct {
		Serial string `json:"serial"`
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1024))
	if err != nil || json.Unmarshal(raw, &b) != nil {
		return nil, ErrBody
	}
	serial, err := hex.DecodeString(b.Serial)
	if err != nil || len(serial) != 16 {
		return nil, ErrSerial
	}
	if err := d.Leave(r.Context(), at.Venue.ID, venue.VisitID(serial), at.now); err != nil {
		return nil, err
	}
	return map[string]int{"closed": 1}, nil
}

// code gives a kiosk the code to show for the next 30 seconds.
func (d *Doors) code(r *http.Request, at post) (any, error) {
	door, err := strconv.ParseUint(r.URL.Query().Get("door"), 10, 16)
	if err != nil {
		door = 0
	}
	if err := at.has(door); err != nil {
		return nil, err
	}
	expires := at.now.Add(30 * time.Second).Truncate(time.Second)
	url, err := d.Sign(verify.VenueCode{
		Venue: uint64(at.Venue.ID), Door: uint16(door), Serial: uint32(expires.Unix()),
		Exit: r.URL.Query().Get("exit") == "1", Expires: expires,
	})
	if err != nil {
		return nil, err
	}
	return struct {
		Code    string    `json:"code"`
		Expires time.Time `json:"expires_at"`
	}{url, expires.UTC()}, nil
}

func (d *Doors) occupancy(_ *http.Request, at post) (any, error) {
	return struct {
		Inside   int            `json:"inside"`
		Limit    int            `json:"limit"`
		Category venue.Category `json:"category"` // what a door needs to check passes without network
		Level    venue.Level    `json:"level"`
	}{at.Inside, at.Limit(at.now), at.Venue.Category, at.Venue.Level}, nil
}
