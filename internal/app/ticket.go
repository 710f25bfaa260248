package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/verify"
)

// TicketRow is a ticket that held.
type TicketRow struct {
	Decision   string    `json:"decision"`
	Venue      uint64    `json:"venue"`
	Door       uint16    `json:"door"`
	Party      uint16    `json:"party"`
	AgeMinutes int       `json:"age_minutes"`
	Expires    time.Time `json:"expires_at"`
}

// CheckTicket checks what a visitor's screen shows, against the platform's signed
// keys. The platform learns only that somebody fetched its keys.
func CheckTicket(ctx context.Context, platform, pinOf, text string, atVenue uint64, atDoor uint16) (TicketRow, error) {
	pin, err := readPin(pinOf)
	if err != nil {
		return TicketRow{}, err
	}
	doc, err := fetch(ctx, platform+"/.well-known/amanah-keys")
	if err != nil {
		return TicketRow{}, err
	}
	now := time.Now()
	keys, err := verify.OpenPublished(doc, now, pin)
	if err != nil {
		return TicketRow{}, fault.Newf(fault.Denied, "the platform's keys: %v", err)
	}
	t, err := keys.Tickets.Presentation(text, now)
	if err != nil {
		return TicketRow{}, RefuseTicket(err)
	}
	if atVenue != 0 {
		if err := t.At(atVenue, max(atDoor, t.Door)); err != nil {
			return TicketRow{}, fault.Newf(fault.Denied, "the ticket does not hold here: %v", err)
		}
	}
	return TicketRow{t.Decision.String(), t.Venue, t.Door, t.Party, int(t.Age(now).Minutes()), t.Expires}, nil
}

// RefuseTicket says why a ticket is not taken: text that is no ticket is the scan's
// fault, anything else the ticket's.
func RefuseTicket(err error) error {
	if errors.Is(err, client.ErrKit) {
		return fault.New(fault.Invalid, "the door's kit does not say what kind of place this is: fetch it again")
	}
	if errors.Is(err, verify.ErrMalformed) {
		return fault.New(fault.Invalid, "the text is no ticket: scan the whole code again")
	}
	return fault.Newf(fault.Denied, "the ticket does not hold: %v", err)
}

// readPin takes the platform's pinned key out of any credential file.
func readPin(name string) ([]byte, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the credential file cannot be read")
	}
	var c struct {
		Pin string `json:"pin"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fault.New(fault.Invalid, "the credential file is not JSON")
	}
	pin, err := base64.RawURLEncoding.DecodeString(c.Pin)
	if err != nil || len(pin) != 32 {
		return nil, fault.New(fault.Invalid, "the credential file holds no pin")
	}
	return pin, nil
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the platform's address is no URL")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the platform does not answer")
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "the platform does not give its keys")
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return raw, errors.Join(err)
}
