package client

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Ask is one time that the person's colour was asked for, by any link of theirs.
type Ask struct {
	At       time.Time `json:"at"`
	Act      string    `json:"act"`                // check-in, look, pass, look-up (by staff, without a phone), decide (by a partner's server)
	Outcome  string    `json:"outcome"`            // given, again, limited, refused, failed
	Colour   string    `json:"colour,omitempty"`   // that was told, if one was
	Decision string    `json:"decision,omitempty"` // of a visit
	Category string    `json:"category,omitempty"` // of the venue
	Visit    string    `json:"visit,omitempty"`
	Partner  string    `json:"partner"` // name; a long one is cut
	Link     string    `json:"link"`    // its number, for Unlink
	This     bool      `json:"this"`    // asked by the link of this device
	Times    int       `json:"times"`   // more than one: the last of so many that were told nothing
}

// Today says how often the person's colour was told today.
type Today struct {
	Told   int       `json:"told"`
	Left   int       `json:"left"`
	Resets time.Time `json:"resets"` // when the day's colours are counted anew
}

// Asks is a page of what asked for the person's colour in the last 14 days, newest
// first.
type Asks struct {
	Today Today `json:"today"`
	Asks  []Ask `json:"asks"`
	More  bool  `json:"more"`
}

// Asks asks for one page, from 0. It is no ask for a colour itself.
func (d *Device) Asks(ctx context.Context, page int) (*Asks, error) {
	path := "/v1/asks"
	if page > 0 {
		path += "?page=" + strconv.Itoa(page)
	}
	a := &Asks{}
	return a, d.ask(ctx, http.MethodGet, path, same(nil), a)
}
