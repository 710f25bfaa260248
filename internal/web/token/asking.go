package token

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// askingLen is what an Asking fills up to before it is sealed: its length would
// tell whether the NIK that was typed named somebody.
const askingLen = 3 << 10

// ErrAskingSize is returned for what a client sent along and is too long to keep.
var ErrAskingSize = fault.New(fault.Invalid, "the request to link is too long")

// askingLabel keeps what is sealed here from opening as a token, and the row of one
// authorization from opening as another's.
const askingLabel = "amanah authorization v1\x00"

// SealAsking seals what an authorization asks for, for its row alone.
func (s *Sealer) SealAsking(id identity.AuthorizationID, a identity.Asking, now time.Time) ([]byte, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	if len(plain) > askingLen {
		return nil, ErrAskingSize
	}
	plain = append(plain, bytes.Repeat([]byte{' '}, askingLen-len(plain))...)
	k, err := s.sealing(now)
	if err != nil {
		return nil, err
	}
	head := make([]byte, headLen, headLen+askingLen+16)
	head[0] = version
	binary.BigEndian.PutUint32(head[1:], k.id)
	rand.Read(head[5:])
	return k.aead.Seal(head, head[5:headLen], plain, askingData(head, id)), nil
}

// OpenAsking returns what SealAsking sealed for the same authorization;
// identity.ErrNoAuthorization for anything else.
func (s *Sealer) OpenAsking(id identity.AuthorizationID, sealed []byte) (identity.Asking, error) {
	var a identity.Asking
	if len(sealed) != headLen+askingLen+16 || sealed[0] != version {
		return a, identity.ErrNoAuthorization
	}
	number := binary.BigEndian.Uint32(sealed[1:])
	for _, k := range s.keys {
		if k.id != number {
			continue
		}
		plain, err := k.aead.Open(nil, sealed[5:headLen], sealed[headLen:], askingData(sealed, id))
		if err != nil {
			return a, identity.ErrNoAuthorization
		}
		return a, json.Unmarshal(plain, &a)
	}
	return a, identity.ErrNoAuthorization
}

func askingData(head []byte, id identity.AuthorizationID) []byte {
	data := append([]byte(askingLabel), head[:5]...)
	return append(data, id[:]...)
}
