package api

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/verify"
)

// TicketSigner signs tickets and passes with the key in force.
type TicketSigner interface {
	Sign(t verify.Ticket) ([]byte, error)
	Pass(p verify.Pass) ([]byte, error)
}

// admitted is the answer to a check-in that was decided, whichever way.
func (d *Device) admitted(r *Request, a gate.Answer, holder verify.PublicKey, now time.Time) Response {
	a.Outcome = told(r.Grant, a)
	b := make([]byte, 0, 1600)
	b = append(b, `{"visit":"`...)
	b = append(b, a.Visit.ID.String()...)
	b = append(b, `","decision":"`...)
	b = append(b, a.Outcome.Decision.String()...)
	b = append(b, `","code":"`...)
	b = append(b, a.Outcome.Code...)
	b = append(b, `","text":`...)
	b = appendText(b, r.Lang, a.Outcome.Text.ID, a.Outcome.Text.EN)
	b = append(b, ',')
	b = d.appendColour(b, r, a, ',')
	b = appendMembers(b, r.Grant, a)
	b = append(b, `"inside":`...)
	b = strconv.AppendInt(b, int64(a.Inside), 10)
	b = append(b, `,"limit":`...)
	b = strconv.AppendInt(b, int64(a.Limit), 10)
	// Whoever is refused has one signed as well, so that it takes as long.
	ticket, err := d.ticket(a, holder)
	if err != nil {
		return d.problem(err)
	}
	if a.Outcome.Decision != venue.Refuse {
		b = append(b, `,"ticket":"`...)
		b = base64.RawURLEncoding.AppendEncode(b, ticket)
		b = append(b, `","expires_at":"`...)
		b = a.Visit.LeavesBy.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, '"')
	}
	b = append(b, `,"receipt":"`...)
	b = appendReceipt(b, a.Receipt)
	b = append(b, `"}`...)
	return d.ok(b)
}

// told is the outcome without a reason that would name a colour which may not be told,
// whoever of the party has it.
func told(g partner.Grant, a gate.Answer) venue.Outcome {
	for _, c := range append(a.Colours, a.Step.Colour) {
		if !g.Shows(c.String()) {
			return a.Outcome.Withheld()
		}
	}
	return a.Outcome
}

func appendMembers(b []byte, g partner.Grant, a gate.Answer) []byte {
	if len(a.Colours) == 0 {
		return b
	}
	b = append(b, `"members":[`...)
	for i, c := range a.Colours {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `"`+shown(g, c)+`"`...)
	}
	return append(b, `],`...)
}

func (d *Device) ticket(a gate.Answer, holder verify.PublicKey) ([]byte, error) {
	t := verify.Ticket{
		Venue:    uint64(a.Visit.Venue),
		Door:     uint16(a.Visit.Door),
		Issued:   a.Visit.Entered.Truncate(time.Minute),
		Expires:  a.Visit.LeavesBy,
		Serial:   a.Visit.ID,
		Party:    uint16(a.Visit.Party),
		Decision: verify.Admit,
		Holder:   holder,
	}
	if a.Outcome.Decision == venue.Check {
		t.Decision = verify.Check
	}
	if last := t.Issued.Add(verify.MaxLife); t.Expires.After(last) {
		t.Expires = last // a stay in a hotel outlives any ticket
	}
	return d.Tickets().Sign(t)
}

// withheld stands for a colour that the partner's agreement does not let its app
// show: what is left is the decision.
const withheld = "withheld"

func shown(g partner.Grant, c status.Colour) string {
	if !g.Shows(c.String()) {
		return withheld
	}
	return c.String()
}

// appendColour appends the colour with its reason, when it changes by itself and
// how often it may still be asked today, and then one closing byte. Of a colour
// outside the agreement only the last is told.
func (d *Device) appendColour(b []byte, r *Request, a gate.Answer, end byte) []byte {
	lang := r.Lang
	b = append(b, `"colour":"`...)
	b = append(b, shown(r.Grant, a.Step.Colour)...)
	b = append(b, '"')
	if r.Grant.Shows(a.Step.Colour.String()) {
		b = append(b, `,"reason":`...)
		b = d.appendReason(b, lang, a.Step)
		b = append(b, `,"since":"`...)
		b = a.Step.From.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, '"')
	} else {
		a.Next = nil
	}
	if a.Next != nil && r.Grant.Shows(a.Next.Colour.String()) {
		b = append(b, `,"next":{"at":"`...)
		b = a.Next.From.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, `","colour":"`...)
		b = append(b, a.Next.Colour.String()...)
		b = append(b, `","reason":`...)
		b = d.appendReason(b, lang, *a.Next)
		b = append(b, '}')
	}
	b = append(b, `,"left_today":`...)
	b = strconv.AppendInt(b, int64(a.LeftToday), 10)
	return append(b, end)
}

func (d *Device) appendReason(b []byte, lang string, s status.Step) []byte {
	r := d.Book.Text(s)
	b = append(b, `{"code":"`...)
	b = append(b, r.Code...)
	b = append(b, `","text":`...)
	b = appendText(b, lang, r.Indonesian, r.English)
	return append(b, '}')
}

// appendText appends the text in the language asked for; Indonesian unless
// English is.
func appendText(b []byte, lang, id, en string) []byte {
	text := id
	if lang == "en" {
		text = en
	}
	quoted, err := json.Marshal(text)
	if err != nil { // a string always encodes
		panic(err)
	}
	return append(b, quoted...)
}

// appendReceipt appends a receipt in base64url: the leaf's header (gate, seq,
// prev, root, count, time in milliseconds, signature), then the event's index,
// id, tag, commitment and hash of its detail, then the path to the root.
func appendReceipt(b []byte, r gate.Receipt) []byte {
	var raw [1024]byte
	out := raw[:0]
	out = append(out, r.Leaf.Gate[:]...)
	out = binary.BigEndian.AppendUint64(out, r.Leaf.Seq)
	out = append(out, r.Leaf.Prev[:]...)
	out = append(out, r.Leaf.Root[:]...)
	out = binary.BigEndian.AppendUint16(out, uint16(r.Leaf.Count))
	out = binary.BigEndian.AppendUint64(out, uint64(r.Leaf.At.UnixMilli()))
	out = append(out, r.Leaf.Signature[:]...)
	out = binary.BigEndian.AppendUint16(out, uint16(r.Index))
	e := r.Leaf.Events[r.Index]
	out = append(out, e.ID[:]...)
	out = append(out, e.Tag[:]...)
	out = append(out, e.Commitment[:]...)
	out = append(out, r.Detail[:]...)
	for _, h := range r.Path {
		out = append(out, h[:]...)
	}
	return base64.RawURLEncoding.AppendEncode(b, out)
}

func appendPage(b []byte, p gate.Page, book *gate.Book, g partner.Grant) []byte {
	type visit struct {
		Visit    string         `json:"visit"`
		Venue    string         `json:"venue"`
		Door     venue.Door     `json:"door"`
		Entered  time.Time      `json:"entered"`
		Left     *time.Time     `json:"left,omitempty"`
		Party    int            `json:"party"`
		Colour   string         `json:"colour"`
		Decision venue.Decision `json:"decision"`
		Partner  uint32         `json:"partner"`
	}
	doc := struct {
		Visits []visit `json:"visits"`
		More   bool    `json:"more"`
	}{Visits: []visit{}, More: p.More}
	for _, past := range p.Visits {
		v := visit{
			Visit: past.Visit.ID.String(), Door: past.Visit.Door, Entered: past.Visit.Entered.UTC(),
			Party: past.Visit.Party, Colour: shown(g, past.Colour), Decision: past.Visit.Decision, Partner: uint32(past.Partner),
		}
		if place, ok := book.Place(past.Visit.Venue); ok {
			v.Venue = shorten(place.Venue.Name, maxPlace)
		}
		if !past.Visit.Left.IsZero() {
			left := past.Visit.Left.UTC()
			v.Left = &left
		}
		doc.Visits = append(doc.Visits, v)
	}
	return append(b, plainJSON(doc)...)
}
