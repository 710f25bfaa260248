package token

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

// Refresh is what a refresh token says. It alone says until when a guardian's
// consent carries the link.
type Refresh struct {
	Scope      identity.LinkScope
	Partner    partner.ID
	Link       identity.LinkID
	Person     identity.PersonID
	Key        identity.Thumbprint
	Generation identity.Generation
	Until      time.Time // a child comes of age; zero for one's own consent
	Expires    time.Time // seconds
}

// The labels keep what is sealed for one purpose from opening for another.
const (
	refreshLabel   = "amanah refresh token v1\x00"
	referenceLabel = "amanah request_uri v1\x00"
)

const refreshLen = 1 + 4 + 16 + 8 + 32 + 8 + 8 + 8

// SealRefresh returns a refresh token.
func (s *Sealer) SealRefresh(r Refresh, now time.Time) (string, error) {
	b := append(make([]byte, 0, refreshLen), byte(r.Scope))
	b = binary.BigEndian.AppendUint32(b, uint32(r.Partner))
	b = append(b, r.Link[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Person))
	b = append(b, r.Key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Generation))
	b = binary.BigEndian.AppendUint64(b, uint64(unix(r.Until)))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Expires.Unix()))
	return s.sealText(refreshLabel, b, now)
}

// OpenRefresh returns what a refresh token says: ErrToken unless it is one of
// ours, ErrExpired when its time is over.
func (s *Sealer) OpenRefresh(text string, now time.Time) (Refresh, error) {
	b, err := s.openText(refreshLabel, text, refreshLen)
	if err != nil {
		return Refresh{}, err
	}
	r := Refresh{
		Scope:      identity.LinkScope(b[0]),
		Partner:    partner.ID(binary.BigEndian.Uint32(b[1:])),
		Link:       identity.LinkID(b[5:21]),
		Person:     identity.PersonID(binary.BigEndian.Uint64(b[21:])),
		Key:        identity.Thumbprint(b[29:61]),
		Generation: identity.Generation(binary.BigEndian.Uint64(b[61:])),
		Expires:    time.Unix(int64(binary.BigEndian.Uint64(b[77:])), 0),
	}
	if until := int64(binary.BigEndian.Uint64(b[69:])); until != 0 {
		r.Until = time.Unix(until, 0)
	}
	if now.After(r.Expires) {
		return Refresh{}, ErrExpired
	}
	return r, nil
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// SealReference returns a text that names an authorization to whoever was given it,
// and that nobody can guess.
func (s *Sealer) SealReference(id identity.AuthorizationID, now time.Time) (string, error) {
	return s.sealText(referenceLabel, id[:], now)
}

// OpenReference returns what SealReference named; identity.ErrNoAuthorization for
// anything else.
func (s *Sealer) OpenReference(text string) (identity.AuthorizationID, error) {
	b, err := s.openText(referenceLabel, text, len(identity.AuthorizationID{}))
	if err != nil {
		return identity.AuthorizationID{}, identity.ErrNoAuthorization
	}
	return identity.AuthorizationID(b), nil
}

func (s *Sealer) sealText(label string, plain []byte, now time.Time) (string, error) {
	k, err := s.sealing(now)
	if err != nil {
		return "", err
	}
	head := make([]byte, headLen, headLen+len(plain)+16)
	head[0] = version
	binary.BigEndian.PutUint32(head[1:], k.id)
	rand.Read(head[5:])
	out := k.aead.Seal(head, head[5:headLen], plain, append([]byte(label), head[:5]...))
	return base64.RawURLEncoding.EncodeToString(out), nil
}

// openText opens what sealText sealed under the same label, of n bytes.
func (s *Sealer) openText(label, text string, n int) ([]byte, error) {
	whole := headLen + n + 16
	if len(text) != base64.RawURLEncoding.EncodedLen(whole) {
		return nil, ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != whole || raw[0] != version { // line feeds are passed over
		return nil, ErrToken
	}
	id := binary.BigEndian.Uint32(raw[1:])
	for _, k := range s.keys {
		if k.id != id {
			continue
		}
		plain, err := k.aead.Open(nil, raw[5:headLen], raw[headLen:], append([]byte(label), raw[:5]...))
		if err != nil {
			return nil, ErrToken
		}
		return plain, nil
	}
	return nil, ErrToken
}
