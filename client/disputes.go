package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Dispute is something that the person contests.
type Dispute struct {
	Number   string     `json:"number"` // D-2026-000123-8, as it is read over the telephone
	State    string     `json:"state"`  // open, upheld, corrected, declined
	Filed    time.Time  `json:"filed"`
	Due      time.Time  `json:"due"` // when it must be answered
	Overdue  bool       `json:"overdue"`
	Answered *time.Time `json:"answered,omitempty"`
}

// DisputeWords is a dispute with what was written and answered.
type DisputeWords struct {
	Dispute
	About  string         `json:"about"`
	Text   string         `json:"text"` // a very long one is cut; the platform has it whole
	Answer *DisputeAnswer `json:"answer,omitempty"`
}

// DisputeAnswer is what the person was answered.
type DisputeAnswer struct {
	Text string `json:"text"`
	By   string `json:"by"` // the desk that answered, by role and number
}

// Disputes is a page of the person's disputes, newest first.
type Disputes struct {
	Disputes []Dispute `json:"disputes"`
	More     bool      `json:"more"`
}

// Dispute contests what the person was told: about is colour, the number of a visit,
// or the code of a reason; the text has at most 500 characters. One whose answer is
// lost is sent again and files once.
func (d *Device) Dispute(ctx context.Context, about, text string) (*Dispute, error) {
	out := &Dispute{}
	return out, d.ask(ctx, http.MethodPost, "/v1/disputes", func(now time.Time) ([]byte, error) {
		return json.Marshal(struct {
			About string `json:"about"`
			Text  string `json:"text"`
			Nonce string `json:"nonce"`
		}{about, text, newNonce(now)})
	}, out)
}

// Disputes asks for one page, from 0.
func (d *Device) Disputes(ctx context.Context, page int) (*Disputes, error) {
	path := "/v1/disputes"
	if page > 0 {
		path += "?page=" + strconv.Itoa(page)
	}
	out := &Disputes{}
	return out, d.ask(ctx, http.MethodGet, path, same(nil), out)
}

// DisputeWords asks for one of the person's disputes by its number.
func (d *Device) DisputeWords(ctx context.Context, number string) (*DisputeWords, error) {
	out := &DisputeWords{}
	return out, d.ask(ctx, http.MethodGet, "/v1/disputes/"+url.PathEscape(number), same(nil), out)
}
