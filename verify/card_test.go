package verify

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"
)

// cardVector is the code of printedCard by edKey(3): a printed card outlives
// releases, so its format may not drift.
const cardVector = "AMANAHCARD1:AavKn9IBAAAAAAAAAAAAAAAAAAAJAcieTAHJRwwJWa_l-whDez5YGGCowLjlAaa-LRhXbshccb0WHV3TJ_3QiFX74h_r59ciXikvUs5zV7pwKN156L7ISX2OrWsF"

func cardKey() ed25519.PrivateKey { return edKey(3) }

func printedCard() Card {
	issued := testNow().Truncate(time.Minute)
	return Card{ID: [16]byte{0: 1, 15: 9}, Issued: issued, Expires: issued.Add(30 * 24 * time.Hour)}
}

func signedCard(t testing.TB, c Card) string {
	t.Helper()
	text, err := SignCard(cardKey(), c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCard(t *testing.T) {
	ks, want := keysFor(t, ForCards, edKey(50), cardKey()), printedCard()
	text := signedCard(t, want)
	if text != cardVector {
		t.Errorf("the vector has changed: %s", text)
	}
	if got, err := ks.Card(cardVector, testNow()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCardRefused(t *testing.T) {
	ks, good := keysFor(t, ForCards, cardKey()), signedCard(t, printedCard())
	if _, err := ks.Card(good, testNow()); err != nil {
		t.Fatal("control: ", err)
	}
	for _, x := range []struct {
		name string
		keys Keys
		text string
		now  time.Time
		want error
	}{
		{"unknown key", keysFor(t, ForCards, edKey(9)), good, testNow(), ErrUnknownKey},
		{"the key of tickets", keysFor(t, ForTickets, cardKey()), good, testNow(), ErrUnknownKey},
		{"no key", Keys{}, good, testNow(), ErrUnknownKey},
		{"expired", ks, good, printedCard().Expires, ErrExpired},
		{"not yet", ks, good, printedCard().Issued.Add(-ClockSkew - time.Second), ErrNotYet},
		{"no prefix", ks, good[len(CardPrefix):], testNow(), ErrMalformed},
		{"line break", ks, good + "\n", testNow(), ErrMalformed},
		{"truncated", ks, good[:len(good)-1], testNow(), ErrMalformed},
		{"empty", ks, "", testNow(), ErrMalformed},
	} {
		if _, err := x.keys.Card(x.text, x.now); !errors.Is(err, x.want) {
			t.Errorf("%s: got %v, want %v", x.name, err, x.want)
		}
	}
}

// TestCardEveryBit: no bit of a signed card may change.
func TestCardEveryBit(t *testing.T) {
	ks := keysFor(t, ForCards, cardKey())
	raw, err := decodeExact(signedCard(t, printedCard())[len(CardPrefix):], CardSize)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(raw) {
		raw[i/8] ^= 1 << (i % 8)
		if _, err := ks.Card(CardPrefix+encode(raw), testNow()); err == nil {
			t.Errorf("bit %d may change", i)
		}
		raw[i/8] ^= 1 << (i % 8)
	}
	if _, err := ks.Card(CardPrefix+encode(raw), testNow()); err != nil {
		t.Error("control: ", err)
	}
}

func TestSignCardRefuses(t *testing.T) {
	for name, change := range map[string]func(*Card){
		"no id":          func(c *Card) { c.ID = [16]byte{} },
		"ends at once":   func(c *Card) { c.Expires = c.Issued },
		"over a year":    func(c *Card) { c.Expires = c.Issued.Add(MaxCard + time.Minute) },
		"part of minute": func(c *Card) { c.Issued = c.Issued.Add(time.Second) },
		"no times":       func(c *Card) { c.Issued, c.Expires = time.Time{}, time.Time{} },
	} {
		c := printedCard()
		change(&c)
		if _, err := SignCard(cardKey(), c); !errors.Is(err, ErrOutOfBounds) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := SignCard(nil, printedCard()); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
}

func FuzzCard(f *testing.F) {
	ks := keysFor(f, ForCards, cardKey())
	f.Add(signedCard(f, printedCard()))
	f.Add(CardPrefix)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ks.Card(text, testNow())
		if err != nil {
			return
		}
		if again, err := SignCard(cardKey(), c); err != nil || again != text {
			t.Errorf("accepted %q, which is not how it is written", text)
		}
	})
}
