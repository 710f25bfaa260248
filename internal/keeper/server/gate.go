package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
)

// session is one gate's chain of leaves.
type session struct {
	seq  uint64
	prev accesslog.Hash
}

// OpenGate begins a session; its first leaf is chained to the journal.
func (k *Keeper) OpenGate() (accesslog.GateID, accesslog.Hash, error) {
	var id accesslog.GateID
	rand.Read(id[:])
	_, chain, err := k.journal.Append(recGate, id[:])
	if err != nil {
		return id, accesslog.Hash{}, err
	}
	k.gateMu.Lock()
	defer k.gateMu.Unlock()
	k.gates[id] = &session{prev: chain}
	return id, chain, nil
}

const (
	eventPlain  = 8 + status.TimelineSize + 1 + keeper.MaxDetail
	colourTable = "status_colour"
)

func colourAD(p identity.PersonID, version uint32) []byte {
	b := append(make([]byte, 0, 40), "amanah colour v1\x00"+colourTable...)
	b = binary.BigEndian.AppendUint64(b, uint64(p))
	return binary.BigEndian.AppendUint32(b, version)
}

func eventAD(d day.Day, id [16]byte) []byte {
	b := append(make([]byte, 0, 40), "amanah event v1\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(d))
	return append(b, id[:]...)
}

// PutColours seals new timelines and moves their versions.
func (k *Keeper) PutColours(decided []keeper.Decided) ([]status.SealedColour, error) {
	if len(decided) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	k.mu.Lock()
	for _, d := range decided { // before any version moves: all of them do, or none
		if _, err := k.person(d.Person); err != nil {
			k.mu.Unlock()
			return nil, err
		}
	}
	out := make([]status.SealedColour, len(decided))
	payload := make([]byte, 0, 12*len(decided))
	for i, d := range decided {
		s := k.people.at(int(d.Person - 1))
		s.colour++
		out[i] = status.SealedColour{Person: d.Person, Version: s.colour, Sealed: sealWith(k.epoch, d.Timeline[:], colourAD(d.Person, s.colour))}
		payload = binary.BigEndian.AppendUint64(payload, uint64(d.Person))
		payload = binary.BigEndian.AppendUint32(payload, s.colour)
	}
	_, _, wait := k.journal.Put(recColours, payload)
	k.mu.Unlock()
	return out, wait()
}

// ColourVersions returns the version of each person's current colour; zero for
// none. A row of another version is a roll-back, or a write that is on its way.
func (k *Keeper) ColourVersions(people []identity.PersonID) ([]uint32, error) {
	if len(people) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if err := k.failed(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]uint32, len(people))
	for i, id := range people {
		if s, err := k.person(id); err == nil {
			out[i] = s.colour
		}
	}
	return out, nil
}

func (k *Keeper) replayColours(payload []byte) error {
	for ; len(payload) >= 12; payload = payload[12:] {
		s, err := k.person(identity.PersonID(binary.BigEndian.Uint64(payload)))
		if err != nil {
			return ErrJournal
		}
		s.colour = binary.BigEndian.Uint32(payload[8:])
	}
	return nil
}

// Gate opens colours and seals events: one leaf. The server is told only colours
// that count against their person's day; the others are for the event alone.
func (k *Keeper) Gate(role keeper.Role, id accesslog.GateID, items []keeper.GateItem) (keeper.GateReply, error) {
	s, keys, err := k.admitBatch(id, items)
	if err != nil {
		return keeper.GateReply{}, err
	}
	r := keeper.GateReply{Results: make([]keeper.GateResult, len(items)), Run: k.once.run}
	r.Leaf.Events = make([]accesslog.Event, len(items))
	for i := range items {
		it, res := &items[i], &r.Results[i]
		if it.With && i > 0 {
			res.Outcome = refusal(r.Results[i-1].Outcome)
		} else {
			res.Outcome = k.refuse(it)
		}
		if res.Outcome == 0 {
			k.tell(it, res)
		}
		keys[i].seal(it, res, &r.Leaf.Events[i], day.Of(it.Instant))
		if !it.Asks && role != keeper.RoleAdmin {
			res.Timeline = [status.TimelineSize]byte{}
		}
	}
	k.gateMu.Lock()
	defer k.gateMu.Unlock()
	r.Leaf.Gate, r.Leaf.Seq, r.Leaf.Prev, r.Leaf.At = id, s.seq, s.prev, k.now().Truncate(time.Millisecond)
	r.Leaf.Sign(k.logKey, accesslog.NewTree(r.Leaf.Events))
	s.seq, s.prev = s.seq+1, r.Leaf.Hash()
	return r, nil
}

// admitBatch checks all that may refuse a batch, before any of it is told or
// counted, and finds its session and the keys of its items' days.
func (k *Keeper) admitBatch(id accesslog.GateID, items []keeper.GateItem) (*session, []*dayKeySet, error) {
	if len(items) == 0 || len(items) > keeper.MaxBatch {
		return nil, nil, keeper.ErrTooMany
	}
	if err := k.failed(); err != nil {
		return nil, nil, err
	}
	k.gateMu.Lock()
	s, ok := k.gates[id]
	k.gateMu.Unlock()
	if !ok {
		return nil, nil, keeper.ErrSession
	}
	keys := make([]*dayKeySet, len(items))
	for i := range items {
		if len(items[i].Detail) > keeper.MaxDetail {
			return nil, nil, keeper.ErrTooMany
		}
		if _, err := items[i].Proofs.All(); err != nil {
			return nil, nil, err
		}
		var err error
		if keys[i], err = k.dayKeys(day.Of(items[i].Instant)); err != nil {
			return nil, nil, err
		}
	}
	return s, keys, nil
}

// refuse notes the proofs of an item; zero when it may be served.
func (k *Keeper) refuse(it *keeper.GateItem) keeper.GateOutcome {
	switch err := k.once.use(k.now(), it.Run, it.Proofs, binary.BigEndian.Uint64(it.Event[:])); err {
	case nil:
		return 0
	case keeper.ErrRun:
		return keeper.GateRun
	case keeper.ErrUsed:
		return keeper.GateUsed
	default:
		return keeper.GateLoad
	}
}

// refusal is what an outcome means for the rest of a party.
func refusal(o keeper.GateOutcome) keeper.GateOutcome {
	switch o {
	case keeper.GateUsed, keeper.GateRun, keeper.GateLoad:
		return o
	}
	return 0
}

// tell opens one colour, if the person has one and may still be told it today. The
// day is the keeper's own: the server must not choose among days with counts left.
func (k *Keeper) tell(it *keeper.GateItem, res *keeper.GateResult) {
	k.mu.Lock()
	s, err := k.person(it.Colour.Person)
	if err == nil {
		res.Behind = it.Colour.Version < s.colour
	}
	current := uint32(0)
	if err == nil {
		current = s.colour
	}
	used := k.asked(it.Colour.Person)
	limited := limitsColours && it.Asks && used >= k.opt.ColoursPerDay
	if it.Asks && !limited && err == nil && it.Colour.Version > 0 {
		used = k.count(it.Colour.Person)
		k.asks.add(k.counts.day, it.Colour.Person)
	}
	k.mu.Unlock()
	res.Left, res.Used = max(0, k.opt.ColoursPerDay-used), used
	switch {
	case limited:
		res.Outcome = keeper.GateLimited
	case err != nil || it.Colour.Version == 0:
		res.Outcome = keeper.GateAbsent
	default:
		res.Outcome = keeper.GateCorrupt
		plain, err := openWith(k.epoch, it.Colour.Sealed, colourAD(it.Colour.Person, it.Colour.Version))
		if err == nil && len(plain) == len(res.Timeline) && it.Colour.Version <= current {
			res.Outcome = keeper.GateOpened
			copy(res.Timeline[:], plain)
			k.colours.Add(1)
		}
	}
}

// seal names the person for the day, seals the event and commits to it.
func (ks *dayKeySet) seal(it *keeper.GateItem, res *keeper.GateResult, e *accesslog.Event, d day.Day) {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(it.Colour.Person))
	res.Who = venue.Pseudonym(mac(ks.name, id[:]))
	plain := make([]byte, eventPlain)
	copy(plain, id[:])
	copy(plain[8:], res.Timeline[:])
	plain[8+status.TimelineSize] = byte(len(it.Detail))
	copy(plain[9+status.TimelineSize:], it.Detail)
	blind := mac(ks.blind, it.Event[:])
	e.ID, e.Tag = it.Event, [16]byte(res.Who)
	h := sha256.New()
	h.Write([]byte("amanah commitment v1\x00"))
	h.Write(blind)
	h.Write(plain)
	h.Sum(e.Commitment[:0])
	e.Sealed = sealWith(ks.aead, plain, eventAD(d, it.Event))
}

func mac(key, message []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(message)
	return m.Sum(nil)
}

func (k *Keeper) isErased(p identity.PersonID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, gone := k.erased[p]
	return gone
}

// Pseudonyms names a person on each day; zero for a day without a key.
func (k *Keeper) Pseudonyms(who identity.PersonID, days []day.Day) ([]venue.Pseudonym, error) {
	if len(days) > 400 {
		return nil, keeper.ErrTooMany
	}
	if k.isErased(who) {
		return nil, keeper.ErrErased
	}
	out := make([]venue.Pseudonym, len(days))
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(who))
	for i, d := range days {
		if ks, ok := k.heldDay(d); ok {
			out[i] = venue.Pseudonym(mac(ks.name, id[:]))
		}
	}
	return out, nil
}

// OpenEvents opens events of one day, after the intent is durable.
func (k *Keeper) OpenEvents(i keeper.Intent, d day.Day, events []keeper.SealedEvent) ([]keeper.Event, error) {
	if len(events) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	ks, ok := k.heldDay(d)
	if !ok {
		return nil, keeper.ErrDay
	}
	if _, err := k.intend(i, nil, len(events), keeper.RoleServe); err != nil {
		return nil, err
	}
	out := make([]keeper.Event, len(events))
	for n, e := range events {
		plain, err := openWith(ks.aead, e.Sealed, eventAD(d, e.ID))
		if err != nil || len(plain) != eventPlain {
			return nil, keeper.ErrSealed
		}
		size := int(plain[8+status.TimelineSize])
		if size > keeper.MaxDetail {
			return nil, keeper.ErrSealed
		}
		out[n].Person = identity.PersonID(binary.BigEndian.Uint64(plain))
		if k.isErased(out[n].Person) {
			return nil, keeper.ErrErased
		}
		copy(out[n].Timeline[:], plain[8:])
		out[n].Detail = plain[9+status.TimelineSize:][:size]
	}
	return out, nil
}
