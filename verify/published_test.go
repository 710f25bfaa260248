package verify_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/verify"
)

func TestPublishedKeys(t *testing.T) {
	pinPub, pin, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	otherPub, other, _ := ed25519.GenerateKey(nil)
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	key := verify.NewKey(otherPub, now.Add(-time.Hour), now.Add(time.Hour))
	venues, err := verify.NewKeys(verify.ForVenues, key)
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := verify.NewKeys(verify.ForTickets, key)
	if err != nil {
		t.Fatal(err)
	}
	good := verify.Published{Venues: venues, Tickets: tickets}
	doc, err := good.Sign(pin, now.Add(-time.Minute), now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	got, err := verify.OpenPublished(doc, now, otherPub, pinPub)
	if err != nil || got.Venues.Len() != 1 || got.Tickets.Len() != 1 {
		t.Fatalf("a good document: %v", err)
	}
	foreign, _ := good.Sign(other, now.Add(-time.Minute), now.Add(time.Minute))
	swapped, _ := verify.Published{Venues: tickets, Tickets: venues}.Sign(pin, now.Add(-time.Minute), now.Add(time.Minute))
	for _, c := range []struct {
		name string
		doc  []byte
		at   time.Time
		want error
	}{
		{"signed by another key", foreign, now, verify.ErrSignature},
		{"before its window", doc, now.Add(-time.Hour), verify.ErrNotYet},
		{"at the end of its window", doc, now.Add(time.Minute), verify.ErrExpired},
		{"purposes swapped", swapped, now, verify.ErrKeySet},
		{"not JSON", []byte("AMANAH"), now, verify.ErrKeySet},
		{"unsigned", bytes.Replace(doc, []byte(`"signature":"`), []byte(`"x":"`), 1), now, verify.ErrSignature},
		{"oversized", append(bytes.Repeat([]byte(" "), 1<<20), doc...), now, verify.ErrKeySet},
	} {
		if _, err := verify.OpenPublished(c.doc, c.at, pinPub); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := verify.OpenPublished(doc, now); !errors.Is(err, verify.ErrSignature) {
		t.Errorf("without a pin: %v", err)
	}
}

func FuzzOpenPublished(f *testing.F) {
	pub, pin, _ := ed25519.GenerateKey(nil)
	now := time.Unix(1_700_000_000, 0)
	v, _ := verify.NewKeys(verify.ForVenues, verify.NewKey(pub, now, now.Add(time.Hour)))
	t, _ := verify.NewKeys(verify.ForTickets, verify.NewKey(pub, now, now.Add(time.Hour)))
	doc, _ := verify.Published{Venues: v, Tickets: t}.Sign(pin, now, now.Add(time.Hour))
	f.Add(doc)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := verify.OpenPublished(b, now, pub); err == nil && !bytes.Equal(b, doc) {
			// Another spelling of the same envelope is fine; its body is signed.
			t.Skip()
		}
	})
}
