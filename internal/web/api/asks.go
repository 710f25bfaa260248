package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// maxAsked is the longest name of a partner in a list of asks, in bytes of JSON.
const maxAsked = 60

// limitType is the type of the problem that a person over the day's limit is told.
const limitType = "urn:amanah:problem:limit"

// asks answers GET /v1/asks: every time that somebody asked for the person's colour,
// and how many of the day are left.
func (d *Device) asks(ctx context.Context, r *Request, a gate.Ask, now time.Time) Response {
	page, err := pageOf(r.Path, "/v1/asks")
	today := d.covered(ctx, a, err)
	if today.Err != nil {
		return d.problem(today.Err)
	}
	p, err := d.History.Asks(ctx, a.Member, page)
	if err != nil {
		return d.problem(err)
	}
	return d.ok(appendAsks(nil, p, today, a, d.Book, now, r.Grant))
}

// asked is one ask as it is sent.
type asked struct {
	At       time.Time      `json:"at"`
	Act      string         `json:"act"`
	Outcome  string         `json:"outcome"`
	Colour   string         `json:"colour,omitempty"`
	Decision string         `json:"decision,omitempty"`
	Category venue.Category `json:"category,omitempty"`
	Visit    string         `json:"visit,omitempty"`
	Partner  string         `json:"partner"`
	Link     string         `json:"link"`
	This     bool           `json:"this"`
	Times    int            `json:"times"`
}

func appendAsks(b []byte, p gate.Asks, today gate.Answer, a gate.Ask, book *gate.Book, now time.Time, g partner.Grant) []byte {
	type count struct {
		Told   int       `json:"told"`
		Left   int       `json:"left"`
		Resets time.Time `json:"resets"`
	}
	doc := struct {
		Today count   `json:"today"`
		Asks  []asked `json:"asks"`
		More  bool    `json:"more"`
	}{count{today.UsedToday, today.LeftToday, gate.Renewal(now).UTC()}, []asked{}, p.More}
	for _, one := range p.Asked {
		out := asked{
			At: one.At.UTC().Truncate(time.Second), Act: one.Act.String(), Outcome: one.Outcome.String(),
			Partner: shorten(one.Partner, maxAsked), Link: one.Link.String(), This: one.Link == a.Link, Times: one.Times,
		}
		if one.Colour != 0 {
			out.Colour = shown(g, one.Colour)
		}
		if one.Decision != 0 {
			out.Decision, out.Visit = one.Decision.String(), one.Visit.String()
		}
		if place, ok := book.Place(one.Venue); ok {
			out.Category = place.Venue.Category
		}
		doc.Asks = append(doc.Asks, out)
	}
	return append(b, plainJSON(doc)...)
}

// limited tells a person that the colours of the day are used up: how many were
// told, where to see by whom, and when they may be asked for again.
func (d *Device) limited(lang string, l *gate.Limit) Response {
	status, plain := problem.Document(l)
	var doc struct {
		Type   string    `json:"type"`
		Title  string    `json:"title"`
		Status int       `json:"status"`
		Text   string    `json:"text"`
		Told   int       `json:"told"`
		Resets time.Time `json:"resets"`
		See    string    `json:"see"`
	}
	if err := json.Unmarshal(plain, &doc); err != nil { // we made it
		panic(err)
	}
	doc.Type, doc.Text, doc.Told, doc.Resets, doc.See = limitType, limitText(lang, l), l.Told, l.Until.UTC(), "/v1/asks"
	return Response{Status: status, Type: problem.Type, Nonce: d.Nonces.Give(), Body: plainJSON(doc)}
}

func limitText(lang string, l *gate.Limit) string {
	clock := l.Until.Format("02-01-2006 15:04") + " WIB"
	text := "Warna kesehatan Anda sudah diberitahukan %d kali hari ini, yaitu batasnya. Lihat lewat mitra mana saja di daftar permintaan warna. Dapat ditanyakan lagi mulai %s."
	if l.Member {
		text = "Warna kesehatan seorang anggota rombongan Anda sudah diberitahukan %d kali hari ini, yaitu batasnya. Ia dapat melihat lewat mitra mana saja di daftar permintaan warnanya. Dapat ditanyakan lagi mulai %s."
	}
	if lang == "en" {
		text = "Your colour was told %d times today, which is the limit. See through which partners in the list of asks. It can be asked for again from %s."
		if l.Member {
			text = "The colour of a member of your party was told %d times today, which is the limit. They see through which partners in their list of asks. It can be asked for again from %s."
		}
	}
	return fmt.Sprintf(text, l.Told, clock)
}
