package verify

import (
	"testing"
	"time"
)

func BenchmarkVenueCode(b *testing.B) {
	ks, url := keysFor(b, ForVenues, venueKey()), signedCode(b, kiosk())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scan(ks, url, testHost, testNow()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignTicket(b *testing.B) {
	priv, x := ticketKey(), onlineTicket(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SignTicket(priv, x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPresentation(b *testing.B) {
	ks := keysFor(b, ForTickets, ticketKey())
	for name, text := range map[string]string{
		"Ed25519": shown(b, onlineTicket(b), edKey(3), testNow()),
		"P-256":   shown(b, offlineTicket(b), ecKey(b, 4), testNow()),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ks.Presentation(text, testNow()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSeenAdd(b *testing.B) {
	s, now, i := NewSeen(200_000), testNow(), 0
	b.ReportAllocs()
	for b.Loop() {
		s.Add(serial(i), now.Add(time.Hour), now)
		i++
	}
}
