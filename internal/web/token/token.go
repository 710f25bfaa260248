// Package token seals and opens the access tokens that links, relays and doors
// carry: opaque outside, bound to one key, short enough for a header.
//
// A token says who may ask; whether it still may is read from the database with
// each request. AES-256-GCM with a random nonce; the associated data names the
// purpose and key, so that a token of one purpose never opens as another's.
package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Errors of opening.
var (
	ErrToken   = fault.New(fault.Denied, "the token is not one of ours, or not for this")
	ErrExpired = fault.New(fault.Denied, "the token has expired")
)

// Scope is what a token is good for.
type Scope uint8

// Scopes.
const (
	ScopeRelay    Scope = 1 + iota // forward encapsulated messages
	ScopeColour                    // ask for one person's colour
	ScopeDoor                      // staff at one venue's doors
	ScopeDecision                  // be told admit or refuse for one person's journey
)

// Claims are what a token says.
type Claims struct {
	Scope   Scope
	Partner partner.ID
	Link    identity.LinkID   // ScopeColour, ScopeDecision
	Person  identity.PersonID // ScopeColour, ScopeDecision
	Venue   venue.ID          // ScopeDoor
	Key     identity.Thumbprint
	Expires time.Time // seconds
}

// Sealer seals and opens tokens under the service's token keys.
type Sealer struct {
	keys []sealKey
}

type sealKey struct {
	id   uint32
	aead cipher.AEAD
	from time.Time
	to   time.Time
}

const (
	version   = 1
	plainLen  = 1 + 4 + 16 + 8 + 8 + 32 + 8
	headLen   = 1 + 4 + 12
	tokenLen  = headLen + plainLen + 16
	encodedTo = (tokenLen*8 + 5) / 6
)

// New makes a Sealer; the first key whose window holds seals.
func New(keys []keeper.TokenKey) (*Sealer, error) {
	s := &Sealer{}
	for _, k := range keys {
		block, err := aes.NewCipher(k.Key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, sealKey{k.ID, aead, k.NotBefore, k.NotAfter})
	}
	return s, nil
}

// Seal returns a token for c.
func (s *Sealer) Seal(c Claims, now time.Time) (string, error) {
	k, err := s.sealing(now)
	if err != nil {
		return "", err
	}
	head := make([]byte, headLen, tokenLen)
	head[0] = version
	binary.BigEndian.PutUint32(head[1:], k.id)
	rand.Read(head[5:])
	out := k.aead.Seal(head, head[5:headLen], c.bytes(), head[:5])
	return base64.RawURLEncoding.EncodeToString(out), nil
}

// sealing returns the first key in its window.
func (s *Sealer) sealing(now time.Time) (sealKey, error) {
	for _, k := range s.keys {
		if !now.Before(k.from) && !now.After(k.to) {
			return k, nil
		}
	}
	return sealKey{}, fault.New(fault.Unavailable, "no token key is in its window")
}

// Open returns what a token says: ErrToken unless it is one of ours of that
// scope, ErrExpired when its time is over.
func (s *Sealer) Open(token string, scope Scope, now time.Time) (Claims, error) {
	if len(token) != encodedTo {
		return Claims{}, ErrToken
	}
	var buf [tokenLen]byte
	// The decoder passes over line feeds: what it wrote must be a whole token.
	if n, err := base64.RawURLEncoding.Strict().Decode(buf[:], []byte(token)); err != nil || n != tokenLen || buf[0] != version {
		return Claims{}, ErrToken
	}
	id := binary.BigEndian.Uint32(buf[1:])
	for _, k := range s.keys {
		if k.id != id {
			continue
		}
		plain, err := k.aead.Open(buf[headLen:headLen], buf[5:headLen], buf[headLen:], buf[:5])
		if err != nil {
			return Claims{}, ErrToken
		}
		c := parse(plain)
		if c.Scope != scope {
			return Claims{}, ErrToken
		}
		if now.After(c.Expires) {
			return Claims{}, ErrExpired
		}
		return c, nil
	}
	return Claims{}, ErrToken
}

func (c Claims) bytes() []byte {
	b := make([]byte, 0, plainLen)
	b = append(b, byte(c.Scope))
	b = binary.BigEndian.AppendUint32(b, uint32(c.Partner))
	b = append(b, c.Link[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Person))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Venue))
	b = append(b, c.Key[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(c.Expires.Unix()))
}

func parse(b []byte) Claims {
	return Claims{
		Scope:   Scope(b[0]),
		Partner: partner.ID(binary.BigEndian.Uint32(b[1:])),
		Link:    identity.LinkID(b[5:21]),
		Person:  identity.PersonID(binary.BigEndian.Uint64(b[21:])),
		Venue:   venue.ID(binary.BigEndian.Uint64(b[29:])),
		Key:     identity.Thumbprint(b[37:69]),
		Expires: time.Unix(int64(binary.BigEndian.Uint64(b[69:])), 0),
	}
}
