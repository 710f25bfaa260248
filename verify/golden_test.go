package verify

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"
)

// golden is testdata/golden-v1.json: every format of version 1, made from the
// keys of fixture_test.go. Printed posters and issued tickets are of these bytes,
// so the file never changes; another format is another version and another file.
type golden struct {
	KeySetVenue         json.RawMessage
	KeySetTicket        json.RawMessage
	Poster              string
	Kiosk               string
	TicketOnline        hexBytes
	TicketOffline       hexBytes
	PresentationEd25519 string
	PresentationP256    string // ECDSA is randomised: verified, not made again
	Seen                hexBytes
}

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func made(t *testing.T) golden {
	t.Helper()
	set := func(ks Keys) json.RawMessage {
		b, err := json.Marshal(ks)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	seen := NewSeen(10)
	seen.Add(onlineTicket(t).Serial, onlineTicket(t).Expires, testNow())
	seen.Add(offlineTicket(t).Serial, offlineTicket(t).Expires, testNow())
	return golden{
		KeySetVenue:         set(keysFor(t, ForVenues, venueKey())),
		KeySetTicket:        set(keysFor(t, ForTickets, ticketKey())),
		Poster:              signedCode(t, poster()),
		Kiosk:               signedCode(t, kiosk()),
		TicketOnline:        signedTicket(t, onlineTicket(t)),
		TicketOffline:       signedTicket(t, offlineTicket(t)),
		PresentationEd25519: shown(t, onlineTicket(t), edKey(3), testNow()),
		PresentationP256:    shown(t, offlineTicket(t), ecKey(t, 4), testNow()),
		Seen:                seen.Export(testNow()),
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// What we make today is, byte for byte, what version 1 was.
func TestGoldenMade(t *testing.T) {
	want, got := readGolden(t), made(t)
	for name, x := range map[string][2]string{
		"venue key set":   {compacted(t, want.KeySetVenue), string(got.KeySetVenue)},
		"ticket key set":  {compacted(t, want.KeySetTicket), string(got.KeySetTicket)},
		"poster":          {want.Poster, got.Poster},
		"kiosk":           {want.Kiosk, got.Kiosk},
		"online ticket":   {string(want.TicketOnline), string(got.TicketOnline)},
		"offline ticket":  {string(want.TicketOffline), string(got.TicketOffline)},
		"Ed25519 screen":  {want.PresentationEd25519, got.PresentationEd25519},
		"seen list":       {string(want.Seen), string(got.Seen)},
		"length of P-256": {want.PresentationP256[:200], got.PresentationP256[:200]}, // the ticket and its time
	} {
		if x[0] != x[1] {
			t.Errorf("%s: the format has changed\nwas %q\nis  %q", name, x[0], x[1])
		}
	}
}

func compacted(t *testing.T, doc json.RawMessage) string {
	t.Helper()
	ks, err := ParseKeys(doc)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(ks)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What version 1 was is still read, and says the same.
func TestGoldenVerified(t *testing.T) {
	g := readGolden(t)
	venues, err := ParseKeys(g.KeySetVenue)
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := ParseKeys(g.KeySetTicket)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 5, 0, 30, 0, time.UTC)
	for url, want := range map[string]VenueCode{g.Poster: poster(), g.Kiosk: kiosk()} {
		if got, err := scan(venues, url, testHost, now); err != nil || got != want {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
	for text, want := range map[string]Ticket{g.PresentationEd25519: onlineTicket(t), g.PresentationP256: offlineTicket(t)} {
		if got, err := tickets.Presentation(text, now); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, raw := range []hexBytes{g.TicketOnline, g.TicketOffline} {
		if _, err := tickets.Ticket(raw, now); err != nil {
			t.Error(err)
		}
	}
	if n, err := NewSeen(10).Merge(g.Seen, now); n != 2 || err != nil {
		t.Errorf("seen list: %d, %v", n, err)
	}
}
