package token

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

// System is what the token of a facility's system says. With a zero Key it is bound
// to none: who has it may enter records and open none.
type System struct {
	Actor    staff.ActorID
	Facility staff.FacilityID
	Key      identity.Thumbprint
	Expires  time.Time // seconds
}

const (
	systemLabel = "amanah system token v1\x00"
	maxName     = 40 // of an actor and a facility
	systemLen   = 2*maxName + 32 + 8
)

// SealSystem returns a token. All have one length.
func (s *Sealer) SealSystem(t System, now time.Time) (string, error) {
	if len(t.Actor) > maxName || len(t.Facility) > maxName {
		return "", staff.ErrActor
	}
	b := make([]byte, 2*maxName, systemLen)
	copy(b, t.Actor)
	copy(b[maxName:], t.Facility)
	b = append(b, t.Key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.Unix()))
	return s.sealText(systemLabel, b, now)
}

// OpenSystem returns what a token says: ErrToken unless it is one of ours, ErrExpired
// when its time is over.
func (s *Sealer) OpenSystem(text string, now time.Time) (System, error) {
	b, err := s.openText(systemLabel, text, systemLen)
	if err != nil {
		return System{}, err
	}
	t := System{
		Actor:    staff.ActorID(bytes.TrimRight(b[:maxName], "\x00")),
		Facility: staff.FacilityID(bytes.TrimRight(b[maxName:2*maxName], "\x00")),
		Key:      identity.Thumbprint(b[2*maxName : 2*maxName+32]),
		Expires:  time.Unix(int64(binary.BigEndian.Uint64(b[2*maxName+32:])), 0),
	}
	if now.After(t.Expires) {
		return System{}, ErrExpired
	}
	return t, nil
}
