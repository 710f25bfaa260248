package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/rights"
)

// maxWords is the longest text of a dispute in an answer, in bytes of JSON.
const maxWords = 700

// Disputes is the flow behind what people contest.
type Disputes interface {
	File(ctx context.Context, p identity.PersonID, nonce venue.Nonce, words dispute.Filing) (dispute.Dispute, error)
	Mine(ctx context.Context, p identity.PersonID, page int) ([]dispute.Dispute, bool, error)
	Own(ctx context.Context, p identity.PersonID, by identity.LinkID, n dispute.Number) (rights.Opened, error)
}

// disputeBody is POST /v1/disputes.
type disputeBody struct {
	About string `json:"about"` // colour, the number of a visit, or the code of a reason
	Text  string `json:"text"`
	Nonce string `json:"nonce"` // the same for every retry
}

// dispute answers POST /v1/disputes.
func (d *Device) dispute(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	nonce, words, err := readDispute(r, now)
	if err = d.cover(ctx, a, err); err != nil {
		return d.problem(err)
	}
	filed, err := d.Disputes.File(ctx, a.Person, nonce, words)
	if err != nil {
		return d.problem(err)
	}
	return d.ok(plainJSON(stateOf(filed, now)))
}

func readDispute(r *Request, now time.Time) (nonce venue.Nonce, words dispute.Filing, err error) {
	var b disputeBody
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return nonce, words, ErrBody
	}
	raw, err := base64.RawURLEncoding.DecodeString(b.Nonce)
	if err != nil || len(raw) != len(nonce) {
		return nonce, words, ErrNonce
	}
	copy(nonce[:], raw)
	if err := nonce.Check(now); err != nil {
		return nonce, words, err
	}
	words, err = dispute.NewFiling(b.About, b.Text, now)
	return nonce, words, err
}

// disputes answers GET /v1/disputes: the person's, with state and clock.
func (d *Device) disputes(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	page, err := pageOf(r.Path, "/v1/disputes")
	if err = d.cover(ctx, a, err); err != nil {
		return d.problem(err)
	}
	mine, more, err := d.Disputes.Mine(ctx, a.Person, page)
	if err != nil {
		return d.problem(err)
	}
	doc := struct {
		Disputes []disputeState `json:"disputes"`
		More     bool           `json:"more"`
	}{[]disputeState{}, more}
	for _, one := range mine {
		doc.Disputes = append(doc.Disputes, stateOf(one, now))
	}
	return d.ok(plainJSON(doc))
}

// ownDispute answers GET /v1/disputes/{number}: one of the person's, with its words
// and the answer's.
func (d *Device) ownDispute(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	n, err := dispute.ParseNumber(strings.TrimPrefix(r.Path, "/v1/disputes/"))
	if err = d.cover(ctx, a, err); err != nil {
		return d.problem(err)
	}
	o, err := d.Disputes.Own(ctx, a.Person, a.Link, n)
	if err != nil {
		return d.problem(err)
	}
	type answer struct {
		Text string `json:"text"`
		By   string `json:"by"`
	}
	doc := struct {
		disputeState
		About  string  `json:"about"`
		Text   string  `json:"text"`
		Answer *answer `json:"answer,omitempty"`
	}{stateOf(o.Dispute, now), o.Filing.About, shorten(o.Filing.Text, maxWords), nil}
	if o.Answer != nil {
		doc.Answer = &answer{o.Answer.Text, o.Answer.By}
	}
	return d.ok(plainJSON(doc))
}

// disputeState is what stands in clear of a dispute.
type disputeState struct {
	Number   string     `json:"number"`
	State    string     `json:"state"`
	Filed    time.Time  `json:"filed"`
	Due      time.Time  `json:"due"`
	Overdue  bool       `json:"overdue"`
	Answered *time.Time `json:"answered,omitempty"`
}

func stateOf(d dispute.Dispute, now time.Time) disputeState {
	out := disputeState{Number: d.Number.String(), State: d.Outcome.String(), Filed: d.Filed.UTC(), Due: d.Due.UTC(), Overdue: d.Overdue(now)}
	if d.Outcome != 0 {
		at := d.Answered.UTC()
		out.Answered = &at
	}
	return out
}
