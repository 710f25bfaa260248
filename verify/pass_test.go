package verify

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

func mallPass(t testing.TB) Pass {
	return Pass{
		Category: "mall", Level: 3,
		Issued: testNow().Truncate(time.Minute).Add(-9 * time.Hour), Expires: testNow().Truncate(time.Minute).Add(3 * time.Hour),
		Serial: [16]byte{5, 4, 3}, Party: 2, Decision: Admit, Holder: publicKey(t, edKey(3).Public()),
	}
}

func healthPass(t testing.TB) Pass {
	p := mallPass(t)
	p.Category, p.Level, p.Serial, p.Party, p.Decision = "health", 4, [16]byte{7}, 1, Check
	p.Holder = publicKey(t, ecKey(t, 4).Public())
	return p
}

func signedPass(t testing.TB, p Pass) []byte {
	t.Helper()
	b, err := SignPass(ticketKey(), p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func shownPass(t testing.TB, p Pass, signer crypto.Signer, at time.Time) string {
	t.Helper()
	text, err := ShowPass(signedPass(t, p), signer, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPass(t *testing.T) {
	ks := keysFor(t, ForTickets, edKey(50), ticketKey())
	for _, c := range []struct {
		want   Pass
		signer crypto.Signer
	}{{mallPass(t), edKey(3)}, {healthPass(t), ecKey(t, 4)}} {
		raw := signedPass(t, c.want)
		if got, err := ks.Pass(raw, testNow()); err != nil || got != c.want || len(raw) != PassSize {
			t.Errorf("%d bytes, %+v, %v", len(raw), got, err)
		}
		text := shownPass(t, c.want, c.signer, testNow())
		if got, err := ks.ShownPass(text, testNow()); err != nil || got != c.want {
			t.Errorf("shown: %+v, %v", got, err)
		}
		if got, at, err := ks.ReportedPass(text); err != nil || got != c.want || !at.Equal(testNow()) {
			t.Errorf("reported: %+v, %v, %v", got, at, err)
		}
		if len(text) != 279 {
			t.Errorf("%d characters, want 279 whatever the holder's key", len(text))
		}
	}
	if got := mallPass(t).Age(testNow()); got != 9*time.Hour {
		t.Errorf("age %v, want 9 h", got)
	}
}

func TestPassBounds(t *testing.T) {
	for name, change := range map[string]func(*Pass){
		"no category":     func(p *Pass) { p.Category = "" },
		"other category":  func(p *Pass) { p.Category = "Mall" },
		"level 0":         func(p *Pass) { p.Level = 0 },
		"level 5":         func(p *Pass) { p.Level = 5 },
		"nobody":          func(p *Pass) { p.Party = 0 },
		"no serial":       func(p *Pass) { p.Serial = [16]byte{} },
		"no decision":     func(p *Pass) { p.Decision = 0 },
		"refused":         func(p *Pass) { p.Decision = 3 },
		"no holder":       func(p *Pass) { p.Holder = PublicKey{} },
		"ends at issue":   func(p *Pass) { p.Expires = p.Issued },
		"13 hours":        func(p *Pass) { p.Expires = p.Issued.Add(13 * time.Hour) },
		"a minute longer": func(p *Pass) { p.Expires = p.Issued.Add(MaxOffline + time.Minute) },
		"seconds":         func(p *Pass) { p.Issued = p.Issued.Add(time.Second) },
		"zero time":       func(p *Pass) { p.Issued = time.Time{} },
	} {
		p := mallPass(t)
		change(&p)
		if _, err := SignPass(ticketKey(), p); !errors.Is(err, ErrOutOfBounds) {
			t.Errorf("%s: %v", name, err)
		}
	}
	longest := mallPass(t)
	longest.Expires = longest.Issued.Add(MaxOffline)
	if _, err := SignPass(ticketKey(), longest); err != nil {
		t.Error("control, 12 hours: ", err)
	}
	if _, err := SignPass(nil, longest); !errors.Is(err, ErrUnsupported) {
		t.Error("signed without a key: ", err)
	}
}

// A stolen key cannot stretch the bounds either.
func TestPassBoundsAreVerified(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	for name, change := range map[string]func([]byte){
		"control":         func([]byte) {},
		"category 0":      func(b []byte) { b[5] = 0 },
		"category 13":     func(b []byte) { b[5] = 13 },
		"level 5":         func(b []byte) { b[6] = 5 },
		"13 h":            func(b []byte) { copy(b[11:15], b[7:11]); b[13] += 3; b[14] += 12 },
		"version 2":       func(b []byte) { b[0] = 2 },
		"decision 3":      func(b []byte) { b[33] = 3 },
		"unknown alg":     func(b []byte) { b[34] = 3 },
		"padding not 0":   func(b []byte) { b[67] = 1 },
		"small-order key": func(b []byte) { clear(b[35:68]); b[35] = 1 },
	} {
		raw := signedPass(t, mallPass(t))
		change(raw[:passBody])
		copy(raw[passBody:], ed25519.Sign(ticketKey(), passMessage(raw[:passBody])))
		_, err := ks.Pass(raw, testNow())
		if want := name != "control"; errors.Is(err, ErrMalformed) != want || (err != nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPassTimes(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	p := mallPass(t)
	for _, c := range []struct {
		shown, seen time.Time
		want        error
	}{
		{testNow(), testNow(), nil},
		{testNow(), testNow().Add(Fresh), nil},
		{testNow(), testNow().Add(Fresh + time.Second), ErrStale},
		{testNow().Add(ClockSkew), testNow(), nil},
		{testNow().Add(ClockSkew + time.Second), testNow(), ErrNotYet},
		{p.Expires.Add(-time.Second), p.Expires.Add(-time.Second), nil},
		{p.Expires.Add(-time.Second), p.Expires, ErrExpired},
		{p.Expires, p.Expires, ErrExpired},
		{p.Issued.Add(-ClockSkew), p.Issued, nil},
		{p.Issued.Add(-ClockSkew - time.Second), p.Issued, ErrNotYet},
	} {
		text := shownPass(t, p, edKey(3), c.shown)
		if _, err := ks.ShownPass(text, c.seen); !errors.Is(err, c.want) {
			t.Errorf("shown %v, seen %v: got %v, want %v", c.shown, c.seen, err, c.want)
		}
	}
	// Kept for a day and reported then, it is what it was.
	if _, _, err := ks.ReportedPass(shownPass(t, p, edKey(3), testNow())); err != nil {
		t.Error(err)
	}
	for name, other := range map[string]Keys{
		"other purpose": keysFor(t, ForVenues, ticketKey()), "other key": keysFor(t, ForTickets, edKey(9)), "no key": {},
	} {
		if _, err := other.ShownPass(shownPass(t, p, edKey(3), testNow()), testNow()); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := mallPass(t)
	old.Issued = keyOf(ticketKey()).NotBefore.Add(-2 * time.Minute)
	old.Expires = old.Issued.Add(time.Hour)
	if _, err := ks.Pass(signedPass(t, old), old.Issued.Add(time.Minute)); !errors.Is(err, ErrKeyTime) {
		t.Errorf("issued before its key: %v", err)
	}
}

// Each is what somebody would try who holds a photograph, somebody else's pass, a
// ticket, or all of them.
func TestPassHostile(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	text := shownPass(t, mallPass(t), edKey(3), testNow())
	raw, err := parseShownPass(text)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(change func(b []byte) []byte) string { return PassPrefix + encode(change(bytes.Clone(raw))) }
	ticket := onlineTicket(t)
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"control":                               {text, nil},
		"a later time under the same signature": {edit(func(b []byte) []byte { b[PassSize+3]++; return b }), ErrHolder},
		"another party":                         {edit(func(b []byte) []byte { b[32] = 9; return b }), ErrSignature},
		"another decision":                      {edit(func(b []byte) []byte { b[33] = byte(Check); return b }), ErrSignature},
		"another category":                      {edit(func(b []byte) []byte { b[5]++; return b }), ErrSignature},
		"a milder level":                        {edit(func(b []byte) []byte { b[6]++; return b }), ErrSignature},
		"the platform's signature twice": {edit(func(b []byte) []byte {
			copy(b[PassSize+4:], b[passBody:PassSize])
			return b
		}), ErrHolder},
		"no signature":   {edit(func(b []byte) []byte { clear(b[PassSize+4:]); return b }), ErrHolder},
		"a byte less":    {edit(func(b []byte) []byte { return b[:len(b)-1] }), ErrMalformed},
		"as a ticket":    {PresentationPrefix + text[len(PassPrefix):], ErrMalformed},
		"the bare pass":  {PassPrefix + encode(raw[:PassSize]), ErrMalformed},
		"a ticket shown": {shown(t, ticket, edKey(3), testNow()), ErrMalformed},
		"a line break":   {text[:100] + "\n" + text[100:], ErrMalformed},
		"empty":          {"", ErrMalformed},
	} {
		if _, err := ks.ShownPass(c.text, testNow()); !errors.Is(err, c.want) || (err != nil) != (c.want != nil) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := ShowPass(signedPass(t, mallPass(t)), edKey(8), testNow()); !errors.Is(err, ErrHolder) {
		t.Errorf("shown by another key: %v", err)
	}
	// A signature made for a ticket of the same holder proves nothing for a pass.
	crossed := bytes.Clone(raw)
	copy(crossed[PassSize+4:], ed25519.Sign(edKey(3), presentationMessage(crossed[:PassSize], crossed[PassSize:PassSize+4])))
	if _, err := ks.ShownPass(PassPrefix+encode(crossed), testNow()); !errors.Is(err, ErrHolder) {
		t.Errorf("a ticket's proof: %v", err)
	}
}

func TestPassAt(t *testing.T) {
	p := mallPass(t)
	for _, c := range []struct {
		category string
		level    uint8
		want     error
	}{
		{"mall", 1, nil}, {"mall", 3, nil}, {"mall", 4, ErrWrongLevel}, {"mall", 0, ErrWrongLevel},
		{"cinema", 1, ErrWrongCategory}, {"", 1, ErrWrongCategory},
	} {
		if err := p.At(c.category, c.level); !errors.Is(err, c.want) {
			t.Errorf("%s at level %d: %v", c.category, c.level, err)
		}
	}
}

// goldenPass is testdata/golden-pass-v1.json, which never changes: passes of these
// bytes are in people's phones.
type goldenPass struct {
	Mall, Health hexBytes
	Shown        string
}

func TestGoldenPass(t *testing.T) {
	b, err := os.ReadFile("testdata/golden-pass-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var want goldenPass
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	got := goldenPass{signedPass(t, mallPass(t)), signedPass(t, healthPass(t)), shownPass(t, mallPass(t), edKey(3), testNow())}
	if !slices.Equal(got.Mall, want.Mall) || !slices.Equal(got.Health, want.Health) || got.Shown != want.Shown {
		t.Errorf("the format has changed:\n%s\n%s\n%s", hex.EncodeToString(got.Mall), hex.EncodeToString(got.Health), got.Shown)
	}
	if p, err := keysFor(t, ForTickets, ticketKey()).ShownPass(want.Shown, testNow()); err != nil || p != mallPass(t) {
		t.Errorf("%+v, %v", p, err)
	}
}

func FuzzPass(f *testing.F) {
	good := []string{shownPass(f, mallPass(f), edKey(3), testNow()), shownPass(f, healthPass(f), ecKey(f, 4), testNow())}
	for _, text := range good {
		f.Add(text)
	}
	f.Add(PassPrefix)
	ks := keysFor(f, ForTickets, ticketKey())
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := parseShownPass(text)
		if err != nil {
			return
		}
		if again := PassPrefix + encode(raw); again != text {
			t.Fatalf("%q and %q are one scan", text, again)
		}
		if p, err := parsePass(raw[:PassSize]); err == nil {
			if again := signedPass(t, p); !bytes.Equal(again[5:passBody], raw[5:passBody]) || again[0] != raw[0] {
				t.Fatalf("%x and %x are one pass", raw, again)
			}
		}
		// ECDSA is randomised, and a worker draws seeds of its own: compare what is
		// signed, not the signature.
		genuine := func(g string) bool {
			of, err := parseShownPass(g)
			return err == nil && bytes.Equal(of[:PassSize+4], raw[:PassSize+4])
		}
		if _, err := ks.ShownPass(text, testNow()); err == nil && !slices.ContainsFunc(good, genuine) {
			t.Fatalf("forged: %q", text)
		}
	})
}
