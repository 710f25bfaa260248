// Package api is what devices and doors may ask of the platform over HTTP.
//
// A device's requests arrive encapsulated, through a partner's relay; Device
// answers them once opened. Everything a request can be wrong in is found here,
// and every request, wrong or right, then takes the same way through the gate.
package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

// Errors of reading a device's request.
var (
	ErrRoute   = fault.New(fault.NotFound, "no such resource")
	ErrBody    = fault.New(fault.Invalid, "the body is not the JSON object this resource takes")
	ErrNonce   = fault.New(fault.Invalid, "nonce: 16 bytes, base64url, the first six the time in milliseconds")
	ErrHolder  = fault.New(fault.Invalid, "holder: the public key of this visit, base64url: 32 bytes of Ed25519 or 33 of P-256")
	ErrVisitID = fault.New(fault.Invalid, "visit: 32 hexadecimal digits, of a visit of the last day")
	ErrEmpty   = fault.New(fault.Invalid, "leave: name a visit or send the code of an exit")
)

// Request is one request of a device, taken out of its encapsulation.
type Request struct {
	Partner partner.ID    // whose relay brought it
	Grant   partner.Grant // what that partner may do now; the zero Grant is nothing
	Method  string
	Path    string
	Auth    string     // Authorization
	Proof   string     // DPoP
	Lang    string     // Accept-Language: id, or en
	Media   string     // Content-Type
	Relay   dpop.Proof // the relay's own, verified
	Body    []byte
	// Attestation is a partner's word that the device's key is of its app, for calls
	// that link.
	Attestation string
}

// Response is the answer, before it is padded and sealed.
type Response struct {
	Status int
	Type   string
	Nonce  string // DPoP-Nonce for the next request
	Body   []byte
	// Departs says when it may leave: not before it, and not with what was decided.
	Departs gate.Departure
}

// Device answers devices.
type Device struct {
	Host     string // public host name: of proofs' URLs and of venue codes
	Tokens   func() *token.Sealer
	Nonces   *dpop.Nonces
	Once     *dpop.Once
	Codes    *Codes
	Gate     Gate
	History  History
	Rights   Rights
	Disputes Disputes
	OAuth    OAuth
	Holder   Holder
	Book     *gate.Book
	Paces    Paces
	Tickets  func() TicketSigner
	Now      func() time.Time
}

// Gate is the flow behind most requests.
type Gate interface {
	Do(ctx context.Context, a gate.Ask) gate.Answer
}

// History is the flow behind a person's own history.
type History interface {
	Page(ctx context.Context, who gate.Member, page int) (gate.Page, error)
	Asks(ctx context.Context, who gate.Member, page int) (gate.Asks, error)
}

// OAuth answers calls that link a device, before it has a token.
type OAuth interface {
	Linking(ctx context.Context, r *Request) Response
}

// Serve answers one request. It never fails: what cannot be served is answered
// with a problem document, after the same work.
func (d *Device) Serve(ctx context.Context, r *Request) Response {
	pace := d.Paces.of(r.Method, r.Path)
	departs := pace.Begin()
	one, asked := *d, &departing{Gate: d.Gate}
	one.Gate = asked
	out := one.serve(ctx, r)
	if out.Departs = asked.departs; pace != nil {
		out.Departs = departs
	}
	return out
}

func (d *Device) serve(ctx context.Context, r *Request) Response {
	if path, _, _ := strings.Cut(r.Path, "?"); d.OAuth != nil && slices.Contains(linkingRoutes, r.Method+" "+path) {
		return d.linking(ctx, r)
	}
	now := d.Now()
	claims, proof, err := d.admit(r, now)
	who := gate.Member{Link: claims.Link, Person: claims.Person}
	ask := gate.Ask{Partner: r.Partner, Member: who, Device: claims.Key, SyntheticOnly: r.Grant.SyntheticOnly}
	ask.Run, ask.Proofs = proofs(r.Relay, proof)
	if err != nil {
		return d.void(ctx, ask, err)
	}
	for _, route := range deviceRoutes {
		if r.Method == route.method && route.takes(r.Path) {
			return route.serve(d, ctx, r, ask, now)
		}
	}
	return d.void(ctx, ask, ErrRoute)
}

// proofs are what a request came with: its relay's and its device's. They are of one
// run, or else of none that the keeper knows.
func proofs(relay, device dpop.Proof) (run uint64, all keeper.Proofs) {
	for _, p := range []dpop.Proof{relay, device} {
		if p.ID != "" {
			all = all.Name(p.Name())
		}
	}
	if relay.ID != "" && device.ID != "" && relay.Run != device.Run {
		return 0, all
	}
	return max(relay.Run, device.Run), all
}

// linking hands a call to the authorization server, beside an intent like any
// other's: to the relay it is one more message.
func (d *Device) linking(ctx context.Context, r *Request) Response {
	covered := make(chan struct{})
	go func() {
		defer close(covered)
		ask := gate.Ask{Act: venue.ActVoid, Partner: r.Partner, Fault: ErrRoute}
		ask.Run, ask.Proofs = proofs(r.Relay, dpop.Proof{})
		d.Gate.Do(ctx, ask)
	}()
	out := d.OAuth.Linking(ctx, r)
	<-covered
	return out
}

// admit opens the token and verifies the proof that comes with it.
func (d *Device) admit(r *Request, now time.Time) (token.Claims, dpop.Proof, error) {
	var none dpop.Proof
	sealed, ok := strings.CutPrefix(r.Auth, "DPoP ")
	if !ok {
		return token.Claims{}, none, token.ErrToken
	}
	claims, err := d.Tokens().Open(sealed, token.ScopeColour, now)
	if err != nil {
		return token.Claims{}, none, err
	}
	if claims.Partner != r.Partner {
		return token.Claims{}, none, token.ErrToken
	}
	if err := r.Grant.Covers(partner.ScopeColour); err != nil {
		return claims, none, err
	}
	path, _, _ := strings.Cut(r.Path, "?")
	proof, err := dpop.Verify(r.Proof, dpop.Want{
		Method: r.Method, URL: "https://" + d.Host + path, Token: sealed, Fresh: d.Nonces.Fresh,
	})
	if err != nil {
		return claims, none, err
	}
	if proof.Thumbprint != claims.Key {
		return claims, none, dpop.ErrBound
	}
	return claims, proof, d.Once.Use(proof, now)
}

// void sends what cannot be served through the gate all the same, so that it
// costs one intent and leaves with a batch like every other answer.
func (d *Device) void(ctx context.Context, a gate.Ask, why error) Response {
	a.Act, a.Fault = venue.ActVoid, why
	return d.problem(d.Gate.Do(ctx, a).Err)
}

// untold says why a colour was not told.
func (d *Device) untold(lang string, err error) Response {
	if l, ok := errors.AsType[*gate.Limit](err); ok {
		return d.limited(lang, l)
	}
	return d.problem(err)
}

func (d *Device) problem(err error) Response {
	switch {
	case errors.Is(err, keeper.ErrUsed):
		err = dpop.ErrReplay
	case errors.Is(err, keeper.ErrRun):
		err = dpop.ErrNonce
	}
	status, body := problem.Document(err)
	return Response{Status: status, Type: problem.Type, Nonce: d.Nonces.Give(), Body: body}
}

func (d *Device) ok(body []byte) Response {
	return Response{Status: 200, Type: "application/json", Nonce: d.Nonces.Give(), Body: body}
}

// checkInBody is POST /v1/visits.
type checkInBody struct {
	Code   string   `json:"code"`   // the venue code's URL as scanned
	Party  int      `json:"party"`  // people entering, the person included; default 1
	With   []string `json:"with"`   // tokens of the party's other linked members, on this device
	Nonce  string   `json:"nonce"`  // the same for every retry
	Holder string   `json:"holder"` // one-visit public key for the ticket
}

func (d *Device) checkIn(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	var b checkInBody
	holder, err := d.readCheckIn(r, &b, &a, now)
	if err != nil {
		a.Act, a.Fault, a.With = venue.ActVoid, err, nil
	}
	answer := d.Gate.Do(ctx, a)
	if answer.Err != nil {
		return d.untold(r.Lang, answer.Err)
	}
	return d.admitted(r, answer, holder, now)
}

func (d *Device) readCheckIn(r *Request, b *checkInBody, a *gate.Ask, now time.Time) (verify.PublicKey, error) {
	b.Party = 1
	if err := json.Unmarshal(r.Body, b); err != nil {
		return verify.PublicKey{}, ErrBody
	}
	code, err := d.Codes.Read(b.Code, now)
	if err != nil {
		return verify.PublicKey{}, err
	}
	if a.Nonce, err = readNonce(b.Nonce); err != nil {
		return verify.PublicKey{}, err
	}
	holder, err := readHolder(b.Holder)
	if err != nil {
		return verify.PublicKey{}, err
	}
	a.Act, a.Venue, a.Door, a.Party = venue.ActCheckIn, venue.ID(code.Venue), venue.Door(code.Door), b.Party
	if code.Exit {
		return holder, ErrExit
	}
	return holder, d.party(b.With, a, now)
}

// leaveBody is POST /v1/visits/leave.
type leaveBody struct {
	Visit string `json:"visit"` // the visit to end, or
	Code  string `json:"code"`  // the exit code scanned
	Cover bool   `json:"cover"` // do nothing, so that a missing check-out tells nothing
}

func (d *Device) leave(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	var b leaveBody
	if err := d.readLeave(r, &b, &a, now); err != nil {
		a.Act, a.Fault = venue.ActVoid, err
	}
	answer := d.Gate.Do(ctx, a)
	if answer.Err != nil {
		return d.problem(answer.Err)
	}
	return d.ok([]byte(`{"closed":` + strconv.Itoa(answer.Closed) + `}`))
}

func (d *Device) readLeave(r *Request, b *leaveBody, a *gate.Ask, now time.Time) error {
	if err := json.Unmarshal(r.Body, b); err != nil {
		return ErrBody
	}
	a.Act = venue.ActLeave
	switch {
	case b.Cover:
		a.Act = venue.ActCover
	case b.Visit != "":
		raw, err := hex.DecodeString(b.Visit)
		if err != nil || len(raw) != len(a.Visit) {
			return ErrVisitID
		}
		copy(a.Visit[:], raw)
		if age := now.Sub(venue.Nonce(a.Visit).Time()); age > 24*time.Hour || age < -venue.Skew {
			return ErrVisitID
		}
	case b.Code != "":
		code, err := d.Codes.Read(b.Code, now)
		if err != nil {
			return err
		}
		a.Venue, a.Door = venue.ID(code.Venue), venue.Door(code.Door)
	default:
		return ErrEmpty
	}
	return nil
}

func (d *Device) look(ctx context.Context, r *Request, a gate.Ask, _ time.Time) Response {
	a.Act = venue.ActLook
	answer := d.Gate.Do(ctx, a)
	if answer.Err != nil {
		return d.untold(r.Lang, answer.Err)
	}
	return d.ok(d.appendColour(append([]byte(nil), '{'), r, answer, '}'))
}

// venue tells how full a place is before the person confirms.
func (d *Device) venue(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	n, err := strconv.ParseUint(strings.TrimPrefix(r.Path, "/v1/venues/"), 10, 64)
	place, ok := d.Book.Place(venue.ID(n))
	var wrong error
	if err != nil || !ok {
		wrong = venue.ErrUnknown
	}
	if err := d.cover(ctx, a, wrong); err != nil {
		return d.problem(err)
	}
	return d.ok(plainJSON(struct {
		Name     string         `json:"name"`
		Category venue.Category `json:"category"`
		Inside   int            `json:"inside"`
		Limit    int            `json:"limit"`
	}{shorten(place.Venue.Name, maxName), place.Venue.Category, place.Inside, place.Limit(now)}))
}

func (d *Device) history(ctx context.Context, r *Request, a gate.Ask, _ time.Time) Response {
	page, err := pageOf(r.Path, "/v1/visits")
	if err = d.cover(ctx, a, err); err != nil {
		return d.problem(err)
	}
	p, err := d.History.Page(ctx, a.Member, page)
	if err != nil {
		return d.problem(err)
	}
	return d.ok(appendPage(nil, p, d.Book, r.Grant))
}
