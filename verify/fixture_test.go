package verify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"testing"
	"time"
)

// Everything below derives from constants, so that golden files hold.

const testHost = "amanah.example"

func testNow() time.Time { return time.Date(2026, 11, 24, 5, 0, 20, 0, time.UTC) }

func edKey(seed byte) ed25519.PrivateKey {
	b := make([]byte, ed25519.SeedSize)
	b[0], b[31] = seed, 99
	return ed25519.NewKeyFromSeed(b)
}

func ecKey(t testing.TB, scalar byte) *ecdsa.PrivateKey {
	t.Helper()
	b := make([]byte, 32)
	b[0], b[31] = scalar, 99
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicKey(t testing.TB, pub any) PublicKey {
	t.Helper()
	p, err := NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func keyOf(priv ed25519.PrivateKey) Key {
	return NewKey(priv.Public().(ed25519.PublicKey),
		time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC))
}

func keysFor(t testing.TB, purpose Purpose, privs ...ed25519.PrivateKey) Keys {
	t.Helper()
	var keys []Key
	for _, p := range privs {
		keys = append(keys, keyOf(p))
	}
	ks, err := NewKeys(purpose, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// The platform's two keys.
func venueKey() ed25519.PrivateKey  { return edKey(1) }
func ticketKey() ed25519.PrivateKey { return edKey(2) }

func poster() VenueCode { return VenueCode{Venue: 7001, Door: 3, Serial: 12} }

func kiosk() VenueCode {
	return VenueCode{Venue: 7001, Door: 4, Serial: 99, Exit: true, Expires: testNow().Add(20 * time.Second)}
}

func onlineTicket(t testing.TB) Ticket {
	return Ticket{
		Venue: 7001, Door: 3,
		Issued: testNow().Truncate(time.Minute), Expires: testNow().Truncate(time.Minute).Add(2 * time.Hour),
		Serial: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		Party:  3, Decision: Admit, Holder: publicKey(t, edKey(3).Public()),
	}
}

func offlineTicket(t testing.TB) Ticket {
	return Ticket{
		Issued: testNow().Truncate(time.Minute).Add(-9 * time.Hour), Expires: testNow().Truncate(time.Minute).Add(3 * time.Hour),
		Serial: [16]byte{16, 15, 14}, Party: 1, Decision: Check, Offline: true,
		Holder: publicKey(t, ecKey(t, 4).Public()),
	}
}

func signedTicket(t testing.TB, x Ticket) []byte {
	t.Helper()
	b, err := SignTicket(ticketKey(), x)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func signedCode(t testing.TB, c VenueCode) string {
	t.Helper()
	url, err := SignVenueCode(venueKey(), testHost, c)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// scan is what an SDK does with a scanned URL.
func scan(ks Keys, url, host string, now time.Time) (VenueCode, error) {
	raw, err := ParseVenueURL(url, host)
	if err != nil {
		return VenueCode{}, err
	}
	return ks.VenueCode(raw, host, now)
}
