package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// LookUp is what staff ask about somebody without a phone: the text of their printed
// card's code, or their NIK and PIN.
type LookUp struct {
	Card  string
	NIK   string
	PIN   string
	Door  uint16
	Party int // people entering, the person included; 1 to 50
}

// Found is the answer: what staff do, and nothing of who it is. Somebody unknown, a
// wrong PIN and a revoked card are all "check".
type Found struct {
	Decision string `json:"decision"` // admit, refuse, check
	Visit    string `json:"visit"`    // its number, for CheckOut
}

// LookUp asks about somebody without a phone.
func (d *Door) LookUp(ctx context.Context, q LookUp) (Found, error) {
	body, err := json.Marshal(struct {
		Card  string `json:"card,omitempty"`
		NIK   string `json:"nik,omitempty"`
		PIN   string `json:"pin,omitempty"`
		Door  uint16 `json:"door"`
		Party int    `json:"party"`
		Nonce string `json:"nonce"`
	}{q.Card, q.NIK, q.PIN, q.Door, q.Party, newNonce(d.opt.Now())})
	if err != nil {
		return Found{}, err
	}
	var f Found
	return f, d.ask(ctx, http.MethodPost, "/v1/lookups", nil, body, &f)
}

// SetPIN sets the PIN of the person whose device this is: with it and their NIK, staff
// look them up when they come without a phone. Six digits, none that is easily
// guessed.
func (d *Device) SetPIN(ctx context.Context, pin string) error {
	body, err := json.Marshal(map[string]string{"pin": pin})
	if err != nil {
		return err
	}
	return d.ask(ctx, http.MethodPut, "/v1/pin", same(body), &struct{}{})
}

// RemovePIN removes it.
func (d *Device) RemovePIN(ctx context.Context) error {
	return d.ask(ctx, http.MethodDelete, "/v1/pin", same(nil), &struct{}{})
}

// RevokeCards revokes all printed cards of the person and returns how many held.
func (d *Device) RevokeCards(ctx context.Context) (int, error) {
	var r struct {
		Revoked int `json:"revoked"`
	}
	err := d.ask(ctx, http.MethodDelete, "/v1/cards", same(nil), &r)
	return r.Revoked, err
}
