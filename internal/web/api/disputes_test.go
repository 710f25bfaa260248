package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/rights"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/ohttp"
)

func (k *plainKeeper) SealNotes(_ context.Context, n []keeper.Note) ([][]byte, error) {
	out := make([][]byte, len(n))
	for i := range n {
		out[i] = n[i].Text
	}
	return out, nil
}

func (k *plainKeeper) OpenNotes(ctx context.Context, _ keeper.Intent, n []keeper.Note) ([][]byte, error) {
	return k.SealNotes(ctx, n)
}

func (s *stand) dispute(p *phone, text string) *call {
	return s.call(p, "POST", "/v1/disputes", map[string]any{"about": "colour", "text": text, "nonce": nonce(s.now)})
}

// TestDisputes: filed with a number and a clock, once for a nonce, by one intent as
// everything; the person alone sees it and its answer.
func TestDisputes(t *testing.T) {
	s := newStand(t)
	p, tablet, other := s.phone(siti, 1, nil), s.phone(siti, 2, nil), s.phone(budi, 1, nil)
	c := s.dispute(p, "Warna saya salah.")
	before := s.keeper.count()
	filed := s.served(c)
	if n := s.keeper.count() - before; n != 1 {
		t.Errorf("%d events", n)
	}
	number, _ := filed["number"].(string)
	if filed["state"] != "open" || filed["due"] != s.now.Add(72*time.Hour).Format(time.RFC3339) || !strings.HasPrefix(number, "D-2022-000001-") {
		t.Fatalf("%v", filed)
	}
	again := s.call(tablet, "POST", "/v1/disputes", c.body)
	if got := s.served(again); got["number"] != number {
		t.Errorf("a retry: %v", got)
	}
	one := func(q *phone) *call { return s.call(q, "GET", "/v1/disputes/"+number, nil) }
	if got := s.served(one(tablet)); got["text"] != "Warna saya salah." || got["about"] != "colour" {
		t.Errorf("%v", got)
	}
	s.refused(t, one(other), dispute.ErrNone)
	s.refused(t, s.call(p, "GET", "/v1/disputes/"+(dispute.Number{Year: 2022, Count: 9}).String(), nil), dispute.ErrNone)
	if got := s.served(s.call(other, "GET", "/v1/disputes", nil)); len(got["disputes"].([]any)) != 0 {
		t.Errorf("somebody else sees %v", got)
	}
	desk := &rights.Disputes{DB: s.db, Keeper: s.keeper, Now: func() time.Time { return s.now }}
	n, err := dispute.ParseNumber(number)
	s.must(err)
	_, err = desk.Answer(t.Context(), n, dispute.Corrected, "desk/17", "Sudah kami perbaiki.")
	s.must(err)
	got := s.served(one(p))
	if answer, _ := got["answer"].(map[string]any); got["state"] != "corrected" || answer["by"] != "desk/17" || answer["text"] != "Sudah kami perbaiki." {
		t.Errorf("%v", got)
	}
	if list := s.served(s.call(p, "GET", "/v1/disputes", nil)); len(list["disputes"].([]any)) != 1 {
		t.Errorf("%v", list)
	}
}

// TestDisputeRefused: each thing a dispute may be wrong in, beside one that is right.
func TestDisputeRefused(t *testing.T) {
	s := newStand(t)
	people := 0
	fresh := func() *phone { // a person has few disputes that wait
		people++
		p := s.phone(siti, 1, nil)
		p.claims.Person = 1000 + identity.PersonID(people)
		return p
	}
	s.run(t, func() *call { return s.dispute(fresh(), "x") }, []refusal{
		{"no JSON", text("{"), api.ErrBody},
		{"text of another type", set("text", 7), api.ErrBody},
		{"no text", set("text", " "), dispute.ErrText},
		{"long", set("text", strings.Repeat("x", 501)), dispute.ErrText},
		{"about somebody", set("about", "Siti"), dispute.ErrAbout},
		{"about nothing", set("about", ""), dispute.ErrAbout},
		{"no nonce", set("nonce", ""), api.ErrNonce},
		{"nonce of yesterday", set("nonce", nonce(s.now.Add(-24*time.Hour))), venue.ErrClock},
		{"number cut", path("GET", "/v1/disputes/D-2022-000001"), dispute.ErrNumber},
		{"no number", path("GET", "/v1/disputes/"), dispute.ErrNumber},
		{"page in words", path("GET", "/v1/disputes?page=x"), api.ErrRoute},
		{"method", path("DELETE", "/v1/disputes"), api.ErrRoute},
	})
	p := s.phone(budi, 1, nil)
	c := s.dispute(p, "x")
	s.served(c)
	body := map[string]any{"about": "colour", "text": "y", "nonce": c.body["nonce"]}
	s.refused(t, s.call(p, "POST", "/v1/disputes", body), dispute.ErrFiled)
	for range dispute.MaxOpen - 1 {
		s.served(s.dispute(p, "x"))
	}
	s.refused(t, s.dispute(p, "x"), dispute.ErrMany)
}

// TestDisputesFit: the longest text and answer, and a full page, fit the one size of
// every answer; 500 letters fit the one size of every request.
func TestDisputesFit(t *testing.T) {
	desk := func(s *stand) *rights.Disputes {
		return &rights.Disputes{DB: s.db, Keeper: s.keeper, Now: func() time.Time { return s.now }}
	}
	for what, text := range map[string]string{
		"letters": strings.Repeat("a", 500), "quotes": strings.Repeat(`"`, 500), "markup": strings.Repeat("<", 500),
		"lines": strings.Repeat("a\n", 250), "wide": strings.Repeat("妈", 500), "wider": strings.Repeat("🏬", 500),
	} {
		t.Run(what, func(t *testing.T) {
			s := newStand(t)
			p := s.phone(siti, 1, nil)
			filed := s.served(s.dispute(p, text))
			n, err := dispute.ParseNumber(fmt.Sprint(filed["number"]))
			s.must(err)
			said := text
			for len(encode(t, said)) > 700 {
				said = string([]rune(said)[:len([]rune(said))-1])
			}
			_, err = desk(s).Answer(t.Context(), n, dispute.Corrected, "desk/1234567890123456789012345678901234", said)
			s.must(err)
			r := s.send(s.call(p, "GET", "/v1/disputes/"+n.String(), nil))
			s.fits(t, r)
			var got struct{ Answer struct{ Text string } }
			s.must(json.Unmarshal(r.Body, &got))
			if got.Answer.Text != strings.TrimSpace(said) {
				t.Error("the answer was cut")
			}
		})
	}
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	for range rights.DisputePage + 1 {
		filed := s.served(s.dispute(p, "x"))
		n, err := dispute.ParseNumber(fmt.Sprint(filed["number"]))
		s.must(err)
		_, err = desk(s).Answer(t.Context(), n, dispute.Corrected, "desk/17", "y")
		s.must(err)
	}
	r := s.send(s.call(p, "GET", "/v1/disputes", nil))
	s.fits(t, r)
	if !strings.Contains(string(r.Body), `"more":true`) {
		t.Errorf("%s", r.Body)
	}
	q := s.request(s.dispute(p, strings.Repeat("a", 500)))
	message, err := ohttp.AppendRequest(nil, &ohttp.Request{
		Method: q.Method, Scheme: "https", Authority: host, Path: q.Path, Body: q.Body,
		Header: []ohttp.Field{{Name: "authorization", Value: q.Auth}, {Name: "dpop", Value: q.Proof}, {Name: "accept-language", Value: "id"}},
	})
	if err != nil || len(message) > ohttp.MaxRequest {
		t.Errorf("a request of %d bytes of %d: %v", len(message), ohttp.MaxRequest, err)
	}
	t.Logf("a request of %d bytes of %d", len(message), ohttp.MaxRequest)
}
