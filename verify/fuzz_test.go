package verify

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

// The seeds below stand in testdata/fuzz too, where the fuzzer's own finds go.
// Each target holds that what is accepted is genuine and has one encoding.

func FuzzVenueURL(f *testing.F) {
	good := []string{signedCode(f, poster()), signedCode(f, kiosk())}
	for _, url := range good {
		f.Add(url)
	}
	f.Add("https://" + testHost + "/v/")
	f.Add("https://" + testHost + "@evil.example/v/AAAA")
	ks := keysFor(f, ForVenues, venueKey())
	f.Fuzz(func(t *testing.T, url string) {
		raw, err := ParseVenueURL(url, testHost)
		if err != nil {
			return
		}
		if again := "https://" + testHost + "/v/" + encode(raw[:]); again != url {
			t.Fatalf("%q and %q are one code", url, again)
		}
		if _, err := ks.VenueCode(raw, testHost, testNow()); err == nil && !slices.Contains(good, url) {
			t.Fatalf("forged: %q", url)
		}
	})
}

func FuzzVenueHost(f *testing.F) {
	f.Add(testHost)
	f.Add("a.b-c.example")
	f.Add("-.example")
	f.Fuzz(func(t *testing.T, host string) {
		url, err := SignVenueCode(venueKey(), host, poster())
		if err != nil {
			return
		}
		if _, err := scan(keysFor(t, ForVenues, venueKey()), url, host, testNow()); err != nil {
			t.Fatalf("signed for %q, refused: %v", host, err)
		}
		if bytes.ContainsAny([]byte(host), "/?#@:\\ \t\r\n%") || host == testHost+"." {
			t.Fatalf("%q is no host", host)
		}
	})
}

func FuzzTicket(f *testing.F) {
	good := [][]byte{signedTicket(f, onlineTicket(f)), signedTicket(f, offlineTicket(f))}
	for _, raw := range good {
		f.Add(raw)
	}
	ks := keysFor(f, ForTickets, ticketKey())
	f.Fuzz(func(t *testing.T, raw []byte) {
		x, err := parseTicket(raw)
		if err != nil {
			return
		}
		again := signedTicket(t, x)
		if !bytes.Equal(again[6:ticketBody], raw[6:ticketBody]) || !bytes.Equal(again[:2], raw[:2]) {
			t.Fatalf("%x and %x are one ticket", raw, again)
		}
		if _, err := ks.Ticket(raw, testNow()); err == nil && !slices.ContainsFunc(good, func(g []byte) bool { return bytes.Equal(g, raw) }) {
			t.Fatalf("forged: %x", raw)
		}
	})
}

func FuzzPresentation(f *testing.F) {
	good := []string{shown(f, onlineTicket(f), edKey(3), testNow()), shown(f, offlineTicket(f), ecKey(f, 4), testNow())}
	for _, text := range good {
		f.Add(text)
	}
	f.Add(PresentationPrefix)
	ks := keysFor(f, ForTickets, ticketKey())
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := parsePresentation(text)
		if err != nil {
			return
		}
		if again := textOf(raw); again != text {
			t.Fatalf("%q and %q are one presentation", text, again)
		}
		// ECDSA is randomised, and a worker draws seeds of its own: compare what is
		// signed, not the signature.
		genuine := func(g string) bool { return bytes.Equal(rawOf(t, g)[:TicketSize+4], raw[:TicketSize+4]) }
		if _, err := ks.Presentation(text, testNow()); err == nil && !slices.ContainsFunc(good, genuine) {
			t.Fatalf("forged: %q", text)
		}
	})
}

func FuzzKeys(f *testing.F) {
	for _, ks := range []Keys{keysFor(f, ForTickets, ticketKey(), edKey(7)), keysFor(f, ForVenues)} {
		doc, err := json.Marshal(ks)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		ks, err := ParseKeys(doc)
		if err != nil {
			return
		}
		again, err := json.Marshal(ks)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, doc); err != nil || !bytes.Equal(compact.Bytes(), again) {
			t.Fatalf("%s and %s are one set", doc, again)
		}
	})
}

func FuzzSeen(f *testing.F) {
	now := testNow()
	s := NewSeen(10)
	f.Add(s.Export(now))
	for i := range 3 {
		s.Add(serial(i), now.Add(MaxLife), now)
	}
	f.Add(s.Export(now))
	f.Fuzz(func(t *testing.T, list []byte) {
		s := NewSeen(5)
		n, err := s.Merge(list, now)
		if err != nil && (n != 0 || s.Len(now) != 0) {
			t.Fatal("refused, but not whole")
		}
		if s.Len(now) > 5 {
			t.Fatal("unbounded")
		}
		if err == nil && n <= 5 {
			if _, err := NewSeen(5).Merge(s.Export(now), now); err != nil {
				t.Fatalf("our own list is refused: %v", err)
			}
		}
	})
}
