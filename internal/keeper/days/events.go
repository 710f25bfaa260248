package days

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

const eventPlain = 8 + status.TimelineSize + 1 + keeper.MaxDetail

func eventAD(d day.Day, id [16]byte) []byte {
	b := append(make([]byte, 0, 40), "amanah event v1\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(d))
	return append(b, id[:]...)
}

// Seal names the person for the day, seals the event and commits to it.
func (ks *Keys) Seal(it *keeper.GateItem, res *keeper.GateResult, e *accesslog.Event, d day.Day) {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(it.Colour.Person))
	res.Who = venue.Pseudonym(seal.MAC(ks.name, id[:]))
	plain := make([]byte, eventPlain)
	copy(plain, id[:])
	copy(plain[8:], res.Timeline[:])
	plain[8+status.TimelineSize] = byte(len(it.Detail))
	copy(plain[9+status.TimelineSize:], it.Detail)
	blind := seal.MAC(ks.blind, it.Event[:])
	e.ID, e.Tag = it.Event, [16]byte(res.Who)
	h := sha256.New()
	h.Write([]byte("amanah commitment v1\x00"))
	h.Write(blind)
	h.Write(plain)
	h.Sum(e.Commitment[:0])
	e.Sealed = seal.Seal(ks.aead, plain, eventAD(d, it.Event))
}

// Open opens events of the day, for an intent on disk that names how many.
func (ks *Keys) Open(entry journal.Entry, d day.Day, events []keeper.SealedEvent) ([]keeper.Event, error) {
	if !entry.Opens() {
		return nil, keeper.ErrUnavailable
	}
	out := make([]keeper.Event, len(events))
	for n, e := range events {
		plain, err := seal.Open(ks.aead, e.Sealed, eventAD(d, e.ID))
		if err != nil || len(plain) != eventPlain {
			return nil, keeper.ErrSealed
		}
		size := int(plain[8+status.TimelineSize])
		if size > keeper.MaxDetail {
			return nil, keeper.ErrSealed
		}
		out[n].Person = identity.PersonID(binary.BigEndian.Uint64(plain))
		copy(out[n].Timeline[:], plain[8:])
		out[n].Detail = plain[9+status.TimelineSize:][:size]
	}
	return out, nil
}

// Pseudonyms names a person on each day; zero for a day without a key.
func (a *Days) Pseudonyms(who identity.PersonID, days []day.Day) ([]venue.Pseudonym, error) {
	if len(days) > 400 {
		return nil, keeper.ErrTooMany
	}
	out := make([]venue.Pseudonym, len(days))
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(who))
	for i, d := range days {
		if ks, ok := a.Held(d); ok {
			out[i] = venue.Pseudonym(seal.MAC(ks.name, id[:]))
		}
	}
	return out, nil
}
