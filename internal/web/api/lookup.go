package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/lookup"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/verify"
)

// Errors of reading a look-up.
var (
	ErrCard     = fault.New(fault.Invalid, "card: the text of a printed card's code: scan the whole code again")
	ErrQuestion = fault.New(fault.Invalid, "look-up: give either a card, or a NIK and a PIN")
)

// LookUp is the flow behind look-ups at a door.
type LookUp interface {
	Ask(ctx context.Context, q lookup.Question) (gate.Answer, error)
}

// lookUpBody is POST /v1/lookups.
type lookUpBody struct {
	Card  string `json:"card"` // the text of a printed card's code, or
	NIK   string `json:"nik"`  // sixteen digits, with
	PIN   string `json:"pin"`  // six that the person set
	Door  uint64 `json:"door"`
	Party int    `json:"party"` // people entering, the person included; default 1
	Nonce string `json:"nonce"` // the same for every retry
}

// lookUp tells staff what to do about somebody without a phone. Nothing but the
// decision and the visit's number leaves: not the colour, and not whether there is
// such a person, card or PIN.
func (d *Doors) lookUp(r *http.Request, at post) (any, error) {
	b := lookUpBody{Door: 1, Party: 1}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1024))
	if err != nil || json.Unmarshal(raw, &b) != nil {
		return nil, ErrBody
	}
	q, err := d.question(&b, at)
	if err != nil {
		return nil, err
	}
	a, err := d.LookUp.Ask(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return struct {
		Decision venue.Decision `json:"decision"`
		Visit    string         `json:"visit"`
	}{a.Outcome.Decision, a.Visit.ID.String()}, nil
}

func (d *Doors) question(b *lookUpBody, at post) (q lookup.Question, err error) {
	if err := at.has(b.Door); err != nil {
		return q, err
	}
	if err := venue.CheckParty(b.Party); err != nil {
		return q, err
	}
	if q.Nonce, err = readNonce(b.Nonce); err != nil {
		return q, err
	}
	q.Venue, q.Door, q.Party = at.Venue.ID, venue.Door(b.Door), b.Party
	if err := q.Nonce.Check(at.now); err != nil {
		return q, err
	}
	switch {
	case b.Card != "" && b.NIK == "" && b.PIN == "":
		q.Card, err = d.card(b.Card, at)
	case b.Card == "" && b.NIK != "" && b.PIN != "":
		if q.NIK, err = identity.ParseNIK(b.NIK); err == nil {
			q.PIN, err = identity.ParsePIN(b.PIN)
		}
	default:
		err = ErrQuestion
	}
	return q, err
}

// card reads a card's code. One that does not hold is looked up like any other, as no
// card: only text that is no code at all is the scan's fault.
func (d *Doors) card(text string, at post) (identity.CardID, error) {
	c, err := d.Cards().Card(text, at.now)
	if errors.Is(err, verify.ErrMalformed) {
		return identity.CardID{}, ErrCard
	}
	if err != nil {
		return identity.CardID{}, nil
	}
	return identity.CardID(c.ID), nil
}

// Holder is the flow behind what people may do about their own PIN and cards.
type Holder interface {
	ChangePIN(ctx context.Context, by lookup.Actor, id identity.PersonID, pin identity.PIN) error
	DropPIN(ctx context.Context, id identity.PersonID) error
	DropCards(ctx context.Context, id identity.PersonID) (int, error)
}

// self is the person who asks by a link, opening their own record.
func self(m gate.Member) lookup.Actor {
	return lookup.Actor{Name: "link/" + m.Link.String(), Budget: keeper.BudgetSelf}
}
