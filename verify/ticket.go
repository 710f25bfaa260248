package verify

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Decision is what a ticket lets its party do.
type Decision uint8

// The decisions. A refused party gets no ticket.
const (
	Admit Decision = 1 + iota // enter
	Check                     // staff look first
)

// String returns the decision's word.
func (d Decision) String() string {
	switch d {
	case Admit:
		return "admit"
	case Check:
		return "check"
	}
	return "none"
}

// Ticket says that a party may come through a door. It names nobody and has no
// colour.
type Ticket struct {
	Venue    uint64    // 0, with Offline only, for any venue
	Door     uint16    // 0, with Offline only, for any door
	Issued   time.Time // whole minutes
	Expires  time.Time // whole minutes, exclusive
	Serial   [16]byte  // random; a guard's memory of it stops a second use
	Party    uint16    // people, from 1, the holder included
	Decision Decision
	Offline  bool      // fetched beforehand, for a device without network
	Holder   PublicKey // of the device, made for this visit
}

// TicketSize is the length of every signed ticket, version 1:
//
//	version 1 | flags 1 | key id 4 | venue 8 | door 2 | issued 4 | expires 4 |
//	serial 16 | party 2 | decision 1 | holder 34 | Ed25519 signature 64
//
// Integers are big-endian; times count minutes since 1970.
const TicketSize = ticketBody + signatureSize

const (
	ticketBody    = 77
	ticketVersion = 1
	flagOffline   = 1
)

// Age returns how long ago the ticket was issued, to the minute. A guard's page
// shows it for tickets with Offline.
func (t Ticket) Age(now time.Time) time.Duration {
	return max(now.Sub(t.Issued), 0).Truncate(time.Minute)
}

// At returns ErrWrongVenue or ErrWrongDoor unless the ticket is for that door.
func (t Ticket) At(venue uint64, door uint16) error {
	if t.Venue != venue && t.Venue != 0 {
		return ErrWrongVenue
	}
	if t.Door != door && t.Door != 0 {
		return ErrWrongDoor
	}
	return nil
}

// check returns ErrOutOfBounds for a ticket that nobody may issue.
func (t Ticket) check() error {
	life := t.Expires.Sub(t.Issued)
	switch {
	case !t.Offline && (t.Venue == 0 || t.Door == 0),
		t.Venue == 0 && t.Door != 0,
		t.Issued.Unix() <= 0,
		life <= 0 || life > MaxLife,
		t.Offline && life > MaxOffline,
		t.Party == 0,
		t.Decision != Admit && t.Decision != Check,
		t.Holder.alg == 0:
		return ErrOutOfBounds
	}
	return nil
}

// minutes converts a time of whole minutes.
func minutes(t time.Time) (uint32, error) {
	s := t.Unix()
	if s <= 0 || s%60 != 0 || t.Nanosecond() != 0 || s/60 > math.MaxUint32 {
		return 0, fmt.Errorf("a ticket's time is not a whole minute: %w", ErrOutOfBounds)
	}
	return uint32(s / 60), nil
}

func fromMinutes(m uint32) time.Time { return time.Unix(int64(m)*60, 0).UTC() }

func ticketMessage(body []byte) []byte {
	return append([]byte(domainTicket), body...)
}

// SignTicket returns the signed ticket, TicketSize bytes. It returns
// ErrOutOfBounds for times that are not whole minutes or further apart than
// MaxLife (MaxOffline with Offline), for a party of nobody, for venue or door
// zero without Offline, and for no decision or holder.
func SignTicket(priv ed25519.PrivateKey, t Ticket) ([]byte, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return nil, ErrUnsupported
	}
	issued, err := minutes(t.Issued)
	if err != nil {
		return nil, err
	}
	expires, err := minutes(t.Expires)
	if err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	id := IDOf(priv.Public().(ed25519.PublicKey))
	var flags byte
	if t.Offline {
		flags = flagOffline
	}
	b := make([]byte, 0, TicketSize)
	b = append(b, ticketVersion, flags)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, t.Venue)
	b = binary.BigEndian.AppendUint16(b, t.Door)
	b = binary.BigEndian.AppendUint32(b, issued)
	b = binary.BigEndian.AppendUint32(b, expires)
	b = append(b, t.Serial[:]...)
	b = binary.BigEndian.AppendUint16(b, t.Party)
	b = append(b, byte(t.Decision))
	b = t.Holder.append(b)
	return append(b, ed25519.Sign(priv, ticketMessage(b))...), nil
}

// Ticket verifies a signed ticket. It says who may enter where and until when;
// that whoever shows it is its holder is for Presentation to say, and that this is
// the door, for Ticket.At.
func (ks Keys) Ticket(raw []byte, now time.Time) (Ticket, error) {
	t, err := parseTicket(raw)
	if err != nil {
		return Ticket{}, err
	}
	k, err := ks.verify(ForTickets, KeyID(raw[2:6]), ticketMessage(raw[:ticketBody]), raw[ticketBody:])
	if err != nil {
		return Ticket{}, err
	}
	// Issue is rounded down to the minute, a key's times are not.
	if err := k.inForce(t.Issued, time.Minute); err != nil {
		return Ticket{}, err
	}
	if !now.Before(t.Expires) {
		return Ticket{}, ErrExpired
	}
	if now.Before(t.Issued.Add(-ClockSkew)) {
		return Ticket{}, ErrNotYet
	}
	return t, nil
}

// parseTicket reads the fields and believes none of them.
func parseTicket(raw []byte) (Ticket, error) {
	if len(raw) != TicketSize || raw[0] != ticketVersion || raw[1]&^flagOffline != 0 {
		return Ticket{}, ErrMalformed
	}
	t := Ticket{
		Venue:    binary.BigEndian.Uint64(raw[6:]),
		Door:     binary.BigEndian.Uint16(raw[14:]),
		Issued:   fromMinutes(binary.BigEndian.Uint32(raw[16:])),
		Expires:  fromMinutes(binary.BigEndian.Uint32(raw[20:])),
		Serial:   [16]byte(raw[24:40]),
		Party:    binary.BigEndian.Uint16(raw[40:]),
		Decision: Decision(raw[42]),
		Offline:  raw[1]&flagOffline != 0,
	}
	if err := t.Holder.UnmarshalBinary(raw[43:ticketBody]); err != nil {
		return Ticket{}, fmt.Errorf("holder: %w: %w", err, ErrMalformed)
	}
	if err := t.check(); err != nil {
		return Ticket{}, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return t, nil
}
