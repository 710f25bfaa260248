package verify

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Pass is a ticket fetched beforehand, for a door without network. It names nobody,
// no venue and no colour: it says what the door of one category of place does with
// the party, wherever the district's restrictions are of the pass's level or milder,
// at any moment of its life, by what was known when it was issued. It is good for
// one visit.
type Pass struct {
	Category string    // of venue, one of PassCategories
	Level    uint8     // the strictest level of restrictions it is good for, 1 to 4
	Issued   time.Time // whole minutes
	Expires  time.Time // whole minutes, exclusive; at most MaxOffline later
	Serial   [16]byte  // random; stops a second use
	Party    uint16    // people, from 1, the holder included
	Decision Decision
	Holder   PublicKey // of the device, made for this visit
}

// PassPrefix begins the text on the screen of a phone that shows a pass.
const PassPrefix = "AMANAHPASS1:"

// PassSize is the length of every signed pass, version 1:
//
//	version 1 | key id 4 | category 1 | level 1 | issued 4 | expires 4 | serial 16 |
//	party 2 | decision 1 | holder 34 | Ed25519 signature 64
//
// Integers are big-endian; times count minutes since 1970; a category is its place
// in PassCategories, from 1.
const PassSize = passBody + signatureSize

// ShownPassSize is the length of a pass as a screen shows it, before base64url:
//
//	pass 132 | shown at 4 | holder's signature 64
//
// As for tickets, shown at counts seconds since 1970, and the signature covers a
// domain, SHA-256 of the signed pass and shown at. As text it has 279 characters.
const ShownPassSize = PassSize + 4 + signatureSize

const (
	passBody    = 68
	passVersion = 1
	passLevels  = 4
)

// PassCategories lists the categories of venue that a pass may be for, by the words
// that the platform uses. New ones are added at the end.
func PassCategories() []string {
	return []string{
		"mall", "supermarket", "market", "cinema", "restaurant", "hotel",
		"transport", "office", "factory", "school", "worship", "health",
	}
}

// Age returns how long ago the pass was issued, to the minute: a guard's page shows
// it, because what is known of the party is that old.
func (p Pass) Age(now time.Time) time.Duration {
	return max(now.Sub(p.Issued), 0).Truncate(time.Minute)
}

// At returns ErrWrongCategory or ErrWrongLevel unless the pass is good at a venue of
// that category in a district of that level.
func (p Pass) At(category string, level uint8) error {
	if p.Category != category {
		return ErrWrongCategory
	}
	if level < 1 || level > p.Level {
		return ErrWrongLevel
	}
	return nil
}

// check returns ErrOutOfBounds for a pass that nobody may issue.
func (p Pass) check() error {
	life := p.Expires.Sub(p.Issued)
	switch {
	case !slices.Contains(PassCategories(), p.Category),
		p.Level < 1 || p.Level > passLevels,
		p.Issued.Unix() <= 0,
		life <= 0 || life > MaxOffline,
		p.Serial == [16]byte{},
		p.Party == 0,
		p.Decision != Admit && p.Decision != Check,
		p.Holder.alg == 0:
		return ErrOutOfBounds
	}
	return nil
}

func passMessage(body []byte) []byte { return append([]byte(domainPass), body...) }

// SignPass returns the signed pass, PassSize bytes. It returns ErrOutOfBounds for an
// unknown category or level, times that are not whole minutes or further apart than
// MaxOffline, no serial, a party of nobody, and no decision or holder.
func SignPass(priv ed25519.PrivateKey, p Pass) ([]byte, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return nil, ErrUnsupported
	}
	issued, err := minutes(p.Issued)
	if err != nil {
		return nil, fmt.Errorf("pass: %w", err)
	}
	expires, err := minutes(p.Expires)
	if err != nil {
		return nil, fmt.Errorf("pass: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("pass: %w", err)
	}
	id := IDOf(priv.Public().(ed25519.PublicKey))
	b := make([]byte, 0, PassSize)
	b = append(b, passVersion)
	b = append(b, id[:]...)
	b = append(b, byte(1+slices.Index(PassCategories(), p.Category)), p.Level)
	b = binary.BigEndian.AppendUint32(b, issued)
	b = binary.BigEndian.AppendUint32(b, expires)
	b = append(b, p.Serial[:]...)
	b = binary.BigEndian.AppendUint16(b, p.Party)
	b = append(b, byte(p.Decision))
	b = p.Holder.append(b)
	return append(b, ed25519.Sign(priv, passMessage(b))...), nil
}

// Pass verifies a signed pass by the keys that sign tickets. That whoever shows it is
// its holder is for ShownPass to say, and that it is good here, for Pass.At.
func (ks Keys) Pass(raw []byte, now time.Time) (Pass, error) {
	p, err := parsePass(raw)
	if err != nil {
		return Pass{}, err
	}
	k, err := ks.verify(ForTickets, KeyID(raw[1:5]), passMessage(raw[:passBody]), raw[passBody:])
	if err != nil {
		return Pass{}, err
	}
	// Issue is rounded down to the minute, a key's times are not.
	if err := k.inForce(p.Issued, time.Minute); err != nil {
		return Pass{}, err
	}
	if !now.Before(p.Expires) {
		return Pass{}, ErrExpired
	}
	if now.Before(p.Issued.Add(-ClockSkew)) {
		return Pass{}, ErrNotYet
	}
	return p, nil
}

// parsePass reads the fields and believes none of them.
func parsePass(raw []byte) (Pass, error) {
	if len(raw) != PassSize || raw[0] != passVersion {
		return Pass{}, ErrMalformed
	}
	p := Pass{
		Level:    raw[6],
		Issued:   fromMinutes(binary.BigEndian.Uint32(raw[7:])),
		Expires:  fromMinutes(binary.BigEndian.Uint32(raw[11:])),
		Serial:   [16]byte(raw[15:31]),
		Party:    binary.BigEndian.Uint16(raw[31:]),
		Decision: Decision(raw[33]),
	}
	if n, all := int(raw[5]), PassCategories(); n >= 1 && n <= len(all) {
		p.Category = all[n-1]
	}
	if err := p.Holder.UnmarshalBinary(raw[34:passBody]); err != nil {
		return Pass{}, fmt.Errorf("holder: %w: %w", err, ErrMalformed)
	}
	if err := p.check(); err != nil {
		return Pass{}, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return p, nil
}

func shownPassMessage(pass, shown []byte) []byte {
	sum := sha256.Sum256(pass)
	b := append([]byte(domainShownPass), sum[:]...)
	return append(b, shown...)
}

// ShowPass returns the text that a phone shows for a signed pass at this moment, as
// Present does for a ticket: the screen renews it every Renewal, and the signer is
// the pass's holder key.
func ShowPass(pass []byte, signer crypto.Signer, now time.Time) (string, error) {
	p, err := parsePass(pass)
	if err != nil {
		return "", err
	}
	pub, err := NewPublicKey(signer.Public())
	if err != nil {
		return "", err
	}
	if pub != p.Holder {
		return "", ErrHolder
	}
	s := now.Unix()
	if s <= 0 || s > math.MaxUint32 {
		return "", fmt.Errorf("show pass: %w", ErrOutOfBounds)
	}
	b := append(make([]byte, 0, ShownPassSize), pass...)
	b = binary.BigEndian.AppendUint32(b, uint32(s))
	message := shownPassMessage(b[:PassSize], b[PassSize:])
	sig, err := sign(signer, pub.alg, message)
	if err != nil {
		return "", fmt.Errorf("show pass: %w", err)
	}
	if !pub.verify(message, sig) {
		return "", fmt.Errorf("show pass: the signer's answer: %w", ErrSignature)
	}
	return PassPrefix + encode(append(b, sig...)), nil
}

// ShownPass verifies what a guard scanned off a phone's screen and returns the pass.
// ErrStale means that it was shown more than Fresh ago, ErrNotYet that it comes from
// more than ClockSkew ahead, ErrHolder that the device's signature does not hold; the
// other errors are those of Pass.
func (ks Keys) ShownPass(text string, now time.Time) (Pass, error) {
	p, at, err := ks.ReportedPass(text)
	if err != nil {
		return Pass{}, err
	}
	switch {
	case !now.Before(p.Expires):
		return Pass{}, ErrExpired
	case now.Sub(at) > Fresh:
		return Pass{}, ErrStale
	case at.Sub(now) > ClockSkew:
		return Pass{}, ErrNotYet
	}
	return p, nil
}

// ReportedPass verifies a scan that a door kept, however long ago: that the pass was
// good at the moment for which its holder signed that it was shown, which it
// returns. Whether that moment can be is for the caller to say.
func (ks Keys) ReportedPass(text string) (Pass, time.Time, error) {
	raw, err := parseShownPass(text)
	if err != nil {
		return Pass{}, time.Time{}, err
	}
	pass, shown, sig := raw[:PassSize], raw[PassSize:PassSize+4], raw[PassSize+4:]
	at := time.Unix(int64(binary.BigEndian.Uint32(shown)), 0).UTC()
	p, err := ks.Pass(pass, at)
	if err != nil {
		return Pass{}, time.Time{}, err
	}
	if !p.Holder.verify(shownPassMessage(pass, shown), sig) {
		return Pass{}, time.Time{}, ErrHolder
	}
	return p, at, nil
}

func parseShownPass(text string) ([]byte, error) {
	body, ok := strings.CutPrefix(text, PassPrefix)
	if !ok {
		return nil, ErrMalformed
	}
	raw, err := decodeExact(body, ShownPassSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return raw, nil
}
