package verify_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/verify"
)

// exampleKey makes a key from a fixed seed. Real ones come from a keeper or from
// secure hardware.
func exampleKey(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

func exampleKeys(purpose verify.Purpose, priv ed25519.PrivateKey, now time.Time) verify.Keys {
	public := priv.Public().(ed25519.PublicKey)
	keys, err := verify.NewKeys(purpose, verify.NewKey(public, now.Add(-time.Hour), now.Add(time.Hour)))
	if err != nil {
		panic(err)
	}
	return keys
}

// An SDK checks a scanned code before it says anything to anybody.
func ExampleKeys_VenueCode() {
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	priv := exampleKey(1)
	keys := exampleKeys(verify.ForVenues, priv, now)

	url, err := verify.SignVenueCode(priv, "amanah.example", verify.VenueCode{Venue: 7001, Door: 3, Serial: 12})
	if err != nil {
		panic(err)
	}
	raw, err := verify.ParseVenueURL(url, "amanah.example")
	if err != nil {
		panic(err)
	}
	code, err := keys.VenueCode(raw, "amanah.example", now)
	fmt.Println(code.Venue, code.Door, err)

	_, err = verify.ParseVenueURL("https://amanah-gratis.example/v/AQAB", "amanah.example")
	fmt.Println(errors.Is(err, verify.ErrHost))
	// Output:
	// 7001 3 <nil>
	// true
}

// A guard's page checks what a phone shows, offline.
func ExampleKeys_Presentation() {
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	platform, phone := exampleKey(2), exampleKey(3)
	keys := exampleKeys(verify.ForTickets, platform, now)

	holder, err := verify.NewPublicKey(phone.Public())
	if err != nil {
		panic(err)
	}
	ticket, err := verify.SignTicket(platform, verify.Ticket{
		Venue: 7001, Door: 3, Issued: now, Expires: now.Add(2 * time.Hour),
		Serial: [16]byte{1}, Party: 2, Decision: verify.Admit, Holder: holder,
	})
	if err != nil {
		panic(err)
	}
	screen, err := verify.Present(ticket, phone, now)
	if err != nil {
		panic(err)
	}

	t, err := keys.Presentation(screen, now.Add(10*time.Second))
	fmt.Println(t.Decision, t.Party, t.At(7001, 3), err)
	_, err = keys.Presentation(screen, now.Add(time.Minute))
	fmt.Println(err)
	// Output:
	// admit 2 <nil> <nil>
	// shown too long ago: a screenshot, or the screen has stopped
}

// Doors of one venue share what they have seen.
func ExampleSeen() {
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	north, south := verify.NewSeen(10_000), verify.NewSeen(10_000)
	serial := [16]byte{1}

	fmt.Println(north.Add(serial, now.Add(time.Hour), now))
	if _, err := south.Merge(north.Export(now), now); err != nil {
		panic(err)
	}
	fmt.Println(south.Add(serial, now.Add(time.Hour), now))
	// Output:
	// true
	// false
}
