package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// resign puts a genuine signature of the ticket key under whatever raw says.
func resign(raw []byte) {
	copy(raw[ticketBody:], ed25519.Sign(ticketKey(), ticketMessage(raw[:ticketBody])))
}

func shown(t testing.TB, x Ticket, signer crypto.Signer, at time.Time) string {
	t.Helper()
	text, err := Present(signedTicket(t, x), signer, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// rawOf decodes a presentation's text.
func rawOf(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := parsePresentation(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func textOf(raw []byte) string { return PresentationPrefix + encode(raw) }

func TestPresentation(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	for _, c := range []struct {
		x      Ticket
		signer crypto.Signer
	}{
		{onlineTicket(t), edKey(3)},
		{offlineTicket(t), ecKey(t, 4)},
	} {
		text := shown(t, c.x, c.signer, testNow())
		got, err := ks.Presentation(text, testNow())
		if err != nil || got != c.x {
			t.Errorf("%v: %+v, %v", c.x.Holder.Alg(), got, err)
		}
		if len(text) != 287 {
			t.Errorf("%d characters", len(text))
		}
	}
}

// A screenshot is worthless after half a minute, and never worth more than its
// ticket.
func TestPresentationTimes(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	x := onlineTicket(t)
	at := testNow().Truncate(time.Second)
	text := shown(t, x, edKey(3), at)
	for _, c := range []struct {
		now  time.Time
		want error
	}{
		{at.Add(-ClockSkew - 1), ErrNotYet},
		{at.Add(-ClockSkew), nil},
		{at.Add(Fresh), nil},
		{at.Add(Fresh + 1), ErrStale},
		{at.Add(5 * time.Minute), ErrStale},
		{at.Add(-5 * time.Minute), ErrNotYet},
		{x.Expires, ErrExpired},
	} {
		if _, err := ks.Presentation(text, c.now); !errors.Is(err, c.want) {
			t.Errorf("at %v: got %v, want %v", c.now, err, c.want)
		}
	}
	renewed := shown(t, x, edKey(3), at.Add(5*time.Minute))
	if _, err := ks.Presentation(renewed, at.Add(5*time.Minute)); err != nil {
		t.Error("control: renewed, it holds: ", err)
	}
}

// Moving the time of a screenshot, or putting another's ticket under a fresh
// signature, needs the holder's key.
func TestPresentationBinds(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	now := testNow()
	other := onlineTicket(t)
	other.Serial[0]++
	mine := rawOf(t, shown(t, onlineTicket(t), edKey(3), now.Add(-5*time.Minute)))
	fresh := rawOf(t, shown(t, onlineTicket(t), edKey(3), now))
	if _, err := ks.Presentation(textOf(fresh), now); err != nil {
		t.Fatal("control: ", err)
	}

	moved := slices.Clone(mine)
	binary.BigEndian.PutUint32(moved[TicketSize:], uint32(now.Unix()))
	swapped := append(signedTicket(t, other), fresh[TicketSize:]...)
	cut := append(slices.Clone(mine[:TicketSize]), fresh[TicketSize:TicketSize+4]...)
	cut = append(cut, mine[TicketSize+4:]...)
	for name, raw := range map[string][]byte{"time moved": moved, "ticket swapped": swapped, "time of another": cut} {
		if _, err := ks.Presentation(textOf(raw), now); !errors.Is(err, ErrHolder) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPresentationText(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	good := shown(t, onlineTicket(t), edKey(3), testNow())
	body := strings.TrimPrefix(good, PresentationPrefix)
	for name, text := range map[string]string{
		"empty": "", "prefix only": PresentationPrefix, "no prefix": body,
		"lower-case prefix": "amanah1:" + body, "next version": "AMANAH2:" + body,
		"space": " " + good, "trailing": good + "A", "padding": good + "=", "line break": good + "\n",
		"line break inside": good[:100] + "\n" + good[101:], "truncated": good[:len(good)-1],
		"spare bits": good[:len(good)-1] + spareBit(good[len(good)-1]),
		"a URL":      "https://" + testHost + "/p/" + body, "standard alphabet": PresentationPrefix + "+" + body[1:],
	} {
		if _, err := ks.Presentation(text, testNow()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// badSigner answers with whatever it is given.
type badSigner struct {
	pub crypto.PublicKey
	sig []byte
	err error
}

func (s badSigner) Public() crypto.PublicKey { return s.pub }
func (s badSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return s.sig, s.err
}

func TestPresentRefuses(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("hardware gone")
	ed, ec := signedTicket(t, onlineTicket(t)), signedTicket(t, offlineTicket(t))
	for name, c := range map[string]struct {
		ticket []byte
		signer crypto.Signer
		at     time.Time
		want   error
	}{
		"another key":         {ed, edKey(5), testNow(), ErrHolder},
		"another algorithm":   {ed, ecKey(t, 4), testNow(), ErrHolder},
		"RSA":                 {ed, rsaKey, testNow(), ErrUnsupported},
		"P-384":               {ed, p384, testNow(), ErrUnsupported},
		"no ticket":           {nil, edKey(3), testNow(), ErrMalformed},
		"before 1970":         {ed, edKey(3), time.Unix(-1, 0), ErrOutOfBounds},
		"after 2106":          {ed, edKey(3), time.Unix(1<<32, 0), ErrOutOfBounds},
		"signer fails":        {ec, badSigner{ecKey(t, 4).Public(), nil, broken}, testNow(), broken},
		"Ed25519 fails":       {ed, badSigner{edKey(3).Public(), nil, broken}, testNow(), broken},
		"no DER":              {ec, badSigner{ecKey(t, 4).Public(), []byte("x"), nil}, testNow(), ErrSignature},
		"zero r and s":        {ec, badSigner{ecKey(t, 4).Public(), []byte{0x30, 6, 2, 1, 0, 2, 1, 0}, nil}, testNow(), ErrSignature},
		"negative r":          {ec, badSigner{ecKey(t, 4).Public(), []byte{0x30, 6, 2, 1, 0xff, 2, 1, 1}, nil}, testNow(), ErrSignature},
		"trailing":            {ec, badSigner{ecKey(t, 4).Public(), []byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}, nil}, testNow(), ErrSignature},
		"short Ed25519":       {ed, badSigner{edKey(3).Public(), []byte("x"), nil}, testNow(), ErrSignature},
		"nil P-256 key":       {ec, badSigner{(*ecdsa.PublicKey)(nil), nil, nil}, testNow(), ErrUnsupported},
		"control: Ed25519":    {ed, edKey(3), testNow(), nil},
		"control: P-256":      {ec, ecKey(t, 4), testNow(), nil},
		"P-256 out of bounds": {ec, badSigner{ecKey(t, 4).Public(), tooLarge(), nil}, testNow(), ErrSignature},
	} {
		if _, err := Present(c.ticket, c.signer, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// tooLarge is DER of r = 1, s = the group's order.
func tooLarge() []byte {
	n := elliptic.P256().Params().N.Bytes()
	return append([]byte{0x30, 3 + 2 + 33, 2, 1, 1, 2, 33, 0}, n...)
}

// A signer in hardware answers with either s; the text always has the lower, and
// the verifier takes no other: a second text of one presentation would defeat
// whoever compares texts.
func TestPresentationIsNotMalleable(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	n, key := elliptic.P256().Params().N, ecKey(t, 4)
	for range 50 { // one in two signatures has the higher s
		raw := rawOf(t, shown(t, offlineTicket(t), key, testNow()))
		sig := raw[TicketSize+4:]
		s := new(big.Int).SetBytes(sig[32:])
		if s.Cmp(halfOrder()) > 0 {
			t.Fatal("s is in the upper half")
		}
		new(big.Int).Sub(n, s).FillBytes(sig[32:])
		digest := sha256.Sum256(presentationMessage(raw[:TicketSize], raw[TicketSize:TicketSize+4]))
		r, high := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		if !ecdsa.Verify(&key.PublicKey, digest[:], r, high) {
			t.Fatal("control: plain ECDSA accepts the other s")
		}
		if _, err := ks.Presentation(textOf(raw), testNow()); !errors.Is(err, ErrHolder) {
			t.Fatalf("the other s: %v", err)
		}
	}
}

// The bytes of an Ed25519 key that happen to be a P-256 point gain nothing by
// being called one, nor the other way round.
func TestAlgConfusion(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	var key ed25519.PrivateKey
	var twin PublicKey
	for i := 0; twin == (PublicKey{}); i++ {
		seed := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		key = ed25519.NewKeyFromSeed(seed[:])
		twin, _ = ParsePublicKey(P256, append([]byte(key.Public().(ed25519.PublicKey)), 0))
	}
	x := onlineTicket(t)
	x.Holder = twin
	forged := signedTicket(t, x)
	if _, err := Present(forged, key, testNow()); !errors.Is(err, ErrHolder) {
		t.Errorf("presented: %v", err)
	}
	shownAt := binary.BigEndian.AppendUint32(nil, uint32(testNow().Unix()))
	sig := ed25519.Sign(key, presentationMessage(forged, shownAt))
	if _, err := ks.Presentation(textOf(slices.Concat(forged, shownAt, sig)), testNow()); !errors.Is(err, ErrHolder) {
		t.Errorf("Ed25519 signature under P-256: %v", err)
	}

	x.Holder = publicKey(t, key.Public())
	genuine := signedTicket(t, x)
	sig = ed25519.Sign(key, presentationMessage(genuine, shownAt))
	if _, err := ks.Presentation(textOf(slices.Concat(genuine, shownAt, sig)), testNow()); err != nil {
		t.Error("control: ", err)
	}
	renamed := slices.Clone(genuine)
	renamed[43] = byte(P256)
	if _, err := ks.Ticket(renamed, testNow()); !errors.Is(err, ErrSignature) {
		t.Errorf("algorithm renamed under the old signature: %v", err)
	}

	ec := signedTicket(t, offlineTicket(t))
	ec[43] = byte(Ed25519)
	resign(ec)
	if _, err := ks.Ticket(ec, testNow()); !errors.Is(err, ErrMalformed) {
		t.Errorf("P-256 key called Ed25519: %v", err)
	}
}
