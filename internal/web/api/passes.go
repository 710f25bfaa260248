package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/verify"
)

// passBody is POST /v1/passes.
type passBody struct {
	Category string   `json:"category"` // of the places it is for
	Level    int      `json:"level"`    // the strictest restrictions it is good for; default those of all such places
	Hours    int      `json:"hours"`    // its life; default 12
	Party    int      `json:"party"`    // people entering, the person included; default 1
	With     []string `json:"with"`     // tokens of the party's other linked members, on this device
	Nonce    string   `json:"nonce"`    // the same for every retry
	Holder   string   `json:"holder"`   // one-visit public key
}

// pass answers POST /v1/passes: a ticket for a door without network.
func (d *Device) pass(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	holder, err := d.readPass(r, &a, now)
	if err != nil {
		a.Act, a.Fault, a.With = venue.ActVoid, err, nil
	}
	answer := d.Gate.Do(ctx, a)
	if answer.Err != nil {
		return d.untold(r.Lang, answer.Err)
	}
	return d.given(r, answer, holder)
}

func (d *Device) readPass(r *Request, a *gate.Ask, now time.Time) (verify.PublicKey, error) {
	b := passBody{Hours: venue.MaxPassHours, Party: 1}
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return verify.PublicKey{}, ErrBody
	}
	var err error
	if a.For, err = venue.ParseCategory(b.Category); err != nil {
		return verify.PublicKey{}, err
	}
	if b.Level < 0 || b.Level > 255 {
		return verify.PublicKey{}, venue.ErrPassLevel
	}
	if err := venue.CheckPass(venue.Level(b.Level), b.Hours); err != nil {
		return verify.PublicKey{}, err
	}
	if a.Nonce, err = readNonce(b.Nonce); err != nil {
		return verify.PublicKey{}, err
	}
	holder, err := readHolder(b.Holder)
	if err != nil {
		return verify.PublicKey{}, err
	}
	a.Act, a.Party = venue.ActPass, b.Party
	a.Level, a.Life = venue.Level(b.Level), time.Duration(b.Hours)*time.Hour
	return holder, d.party(b.With, a, now)
}

// given is the answer to a pass that was decided, whichever way.
func (d *Device) given(r *Request, a gate.Answer, holder verify.PublicKey) Response {
	a.Outcome = foretold(r.Grant, a)
	b := make([]byte, 0, 1600)
	b = append(b, `{"serial":"`...)
	b = append(b, a.Pass.Serial.String()...)
	b = append(b, `","decision":"`...)
	b = append(b, a.Outcome.Decision.String()...)
	b = append(b, `","code":"`...)
	b = append(b, a.Outcome.Code...)
	b = append(b, `","text":`...)
	b = appendText(b, r.Lang, a.Outcome.Text.ID, a.Outcome.Text.EN)
	b = append(b, ',')
	b = d.appendColour(b, r, a, ',')
	b = appendMembers(b, r.Grant, a)
	b = append(b, `"category":"`...)
	b = append(b, a.Pass.Category...)
	b = append(b, `","level":`...)
	b = strconv.AppendInt(b, int64(a.Pass.Level), 10)
	// Whoever is refused has one signed as well, so that it takes as long.
	signed, err := d.signPass(a, holder)
	if err != nil {
		return d.problem(err)
	}
	if a.Outcome.Decision != venue.Refuse {
		b = append(b, `,"pass":"`...)
		b = base64.RawURLEncoding.AppendEncode(b, signed)
		b = append(b, `","issued_at":"`...)
		b = a.Pass.Issued.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, `","expires_at":"`...)
		b = a.Pass.Expires.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, '"')
	}
	b = append(b, `,"receipt":"`...)
	b = appendReceipt(b, a.Receipt)
	b = append(b, `"}`...)
	return d.ok(b)
}

func (d *Device) signPass(a gate.Answer, holder verify.PublicKey) ([]byte, error) {
	p := verify.Pass{
		Category: string(a.Pass.Category),
		Level:    uint8(a.Pass.Level),
		Issued:   a.Pass.Issued,
		Expires:  a.Pass.Expires,
		Serial:   a.Pass.Serial,
		Party:    uint16(a.Pass.Party),
		Decision: verify.Admit,
		Holder:   holder,
	}
	if a.Outcome.Decision == venue.Check {
		p.Decision = verify.Check
	}
	return d.Tickets().Pass(p)
}

// foretold is told for a pass: what decided may be a colour that comes only later.
func foretold(g partner.Grant, a gate.Answer) venue.Outcome {
	switch a.Outcome.Code {
	case venue.CodeYellow, venue.CodeRed, venue.CodeBlack:
		if !g.Shows(string(a.Outcome.Code)) {
			return a.Outcome.Withheld()
		}
	}
	return told(g, a)
}

// MaxSeen bounds the passes of one report.
const MaxSeen = 64

// ErrSeen is returned for a report that is none.
var ErrSeen = fault.Newf(fault.Invalid, "seen: 1 to %d passes, each with the number of its door and the whole text that was scanned", MaxSeen)

// seenBody is POST /v1/doors/seen.
type seenBody struct {
	Seen []struct {
		Door uint16 `json:"door"`
		Pass string `json:"pass"` // the text that was scanned
	} `json:"seen"`
}

// seenRow is what became of one pass of a report.
type seenRow struct {
	Result string         `json:"result"` // counted, again, duplicate, refused
	Code   venue.SeenCode `json:"code"`
	Text   string         `json:"text"`
}

// seen counts the passes that the venue's doors admitted without network.
func (d *Doors) seen(r *http.Request, at post) (any, error) {
	var b seenBody
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1024*MaxSeen))
	if err != nil || json.Unmarshal(raw, &b) != nil {
		return nil, ErrBody
	}
	if len(b.Seen) < 1 || len(b.Seen) > MaxSeen {
		return nil, ErrSeen
	}
	codes := make([]venue.SeenCode, len(b.Seen))
	var shown []venue.Showing
	var of []int // index of each showing's row
	keys := d.Passes()
	for i, s := range b.Seen {
		p, when, err := keys.ReportedPass(s.Pass)
		if err != nil {
			codes[i] = misread(err)
			continue
		}
		shown, of = append(shown, venue.Showing{Serial: p.Serial, Door: venue.Door(s.Door), At: when}), append(of, i)
	}
	if len(shown) > 0 {
		became, err := d.Seen(r.Context(), at.Place, shown, at.now)
		if err != nil {
			return nil, err
		}
		for i, c := range became {
			codes[of[i]] = c
		}
	}
	out := struct {
		Seen []seenRow `json:"seen"`
	}{make([]seenRow, len(codes))}
	for i, c := range codes {
		out.Seen[i] = seenRow{c.Result(), c, c.Text()}
	}
	return out, nil
}

// misread says what is wrong with a scan that is no good pass.
func misread(err error) venue.SeenCode {
	switch {
	case errors.Is(err, verify.ErrMalformed):
		return venue.SeenMalformed
	case errors.Is(err, verify.ErrExpired), errors.Is(err, verify.ErrNotYet):
		return venue.SeenStale
	}
	return venue.SeenForged
}
