package venue

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of reading a check-in.
var (
	ErrClock  = fault.New(fault.Invalid, "the nonce's time is more than 10 minutes off: take the platform's time from the last answer")
	ErrDetail = fault.New(fault.Invalid, "the event's detail is malformed")
)

// Skew is how far a nonce's time may be off.
const Skew = 10 * time.Minute

// Nonce makes a check-in idempotent: 48 bits of Unix milliseconds, then 80
// random bits, chosen by the device once for all retries of one check-in.
type Nonce [16]byte

// Time returns the nonce's time.
func (n Nonce) Time() time.Time {
	var b [8]byte
	copy(b[2:], n[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:])))
}

// Check returns ErrClock unless the nonce's time is near now.
func (n Nonce) Check(now time.Time) error {
	if d := now.Sub(n.Time()); d > Skew || d < -Skew {
		return ErrClock
	}
	return nil
}

// Name returns the id of the visit that link makes to v with this nonce.
func (n Nonce) Name(link identity.LinkID, v ID) VisitID {
	var b [16 + 8 + 16]byte
	copy(b[:], link[:])
	binary.BigEndian.PutUint64(b[16:], uint64(v))
	copy(b[24:], n[:])
	sum := sha256.Sum256(append([]byte("amanah visit v1\x00"), b[:]...))
	var id VisitID
	copy(id[:6], n[:6])
	copy(id[6:], sum[:10])
	return id
}

// Act is what a device asked of the gate.
type Act uint8

// Acts.
const (
	ActVoid    Act = 1 + iota // a request that could not be served; its intent is kept all the same
	ActCheckIn                // enter
	ActLeave                  // check out
	ActLook                   // see one's own colour
	ActCover                  // a check-out that does nothing, so that a missing one tells nothing
	ActLookup                 // enter without a phone: staff asked, by card or by NIK and PIN
	ActDecide                 // a partner's server asked whether a journey may be made
	ActPass                   // a ticket was fetched for a door without network
)

// Enters reports whether the act makes a visit when it is decided.
func (a Act) Enters() bool { return a == ActCheckIn || a == ActLookup }

// Names reports whether the act's nonce names a visit: one that is made when the act
// is decided, or one that a pass becomes.
func (a Act) Names() bool { return a.Enters() || a == ActPass }

// Detail is what an event at the gate says, sealed with the person and their
// colour under the day's key: enough for the person to read what happened, by
// which link and partner.
type Detail struct {
	Act     Act
	Partner partner.ID
	Link    identity.LinkID
	Visit   VisitID
	Venue   ID
	Door    Door
	Party   int
	At      time.Time // milliseconds
}

const detailFormat, detailLen = 1, 1 + 1 + 4 + 16 + 16 + 8 + 2 + 2 + 8

// AppendBinary appends the form in which a detail is sealed.
func (d Detail) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, detailFormat, byte(d.Act))
	b = binary.BigEndian.AppendUint32(b, uint32(d.Partner))
	b = append(b, d.Link[:]...)
	b = append(b, d.Visit[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(d.Venue))
	b = binary.BigEndian.AppendUint16(b, uint16(d.Door))
	b = binary.BigEndian.AppendUint16(b, uint16(d.Party))
	return binary.BigEndian.AppendUint64(b, uint64(d.At.UnixMilli())), nil
}

// ParseDetail reads what AppendBinary wrote; ErrDetail for anything else.
func ParseDetail(b []byte) (Detail, error) {
	if len(b) != detailLen || b[0] != detailFormat || b[1] < byte(ActVoid) || b[1] > byte(ActPass) {
		return Detail{}, ErrDetail
	}
	return Detail{
		Act:     Act(b[1]),
		Partner: partner.ID(binary.BigEndian.Uint32(b[2:])),
		Link:    identity.LinkID(b[6:22]),
		Visit:   VisitID(b[22:38]),
		Venue:   ID(binary.BigEndian.Uint64(b[38:])),
		Door:    Door(binary.BigEndian.Uint16(b[46:])),
		Party:   int(binary.BigEndian.Uint16(b[48:])),
		At:      time.UnixMilli(int64(binary.BigEndian.Uint64(b[50:]))),
	}, nil
}

// CheckParty returns ErrParty unless a party of n may check in with one scan.
func CheckParty(n int) error {
	if n < 1 || n > MaxParty {
		return ErrParty
	}
	return nil
}

// Fits reports whether a party of n may still enter a venue that holds at most
// limit people.
func Fits(inside, n, limit int) bool { return inside+n <= limit }

// Asks reports whether the act asks for the colours of those it is for.
func (a Act) Asks() bool { return a.Names() || a == ActLook || a == ActDecide }

// String names the act as metrics and commands show it.
func (a Act) String() string {
	switch a {
	case ActVoid:
		return "void"
	case ActCheckIn:
		return "check-in"
	case ActLeave:
		return "leave"
	case ActLook:
		return "look"
	case ActCover:
		return "cover"
	case ActLookup:
		return "look-up"
	case ActDecide:
		return "decide"
	case ActPass:
		return "pass"
	}
	return "none"
}

// Codes of outcomes that no policy gives.
const (
	CodeFull     Code = "full"     // the venue holds as many people as it may
	CodeAgain    Code = "again"    // a retry of a check-in decided before
	CodeUnproved Code = "unproved" // nothing shows who it is, or their colour could not be read
	CodeWithheld Code = "withheld" // stands for a reason that would name a colour which may not be told
)

// Full is the outcome when a party no longer fits.
func Full() Outcome {
	return Outcome{Refuse, CodeFull, Text{
		ID: "Tempat ini sudah penuh. Silakan tunggu sampai ada yang keluar.",
		EN: "This place is full. Please wait until somebody leaves.",
	}}
}

// Withheld is the outcome as it is told where the person's colour may not be: what
// was decided, and no reason that would name the colour.
func (o Outcome) Withheld() Outcome {
	if o.Code == CodeFull || o.Code == CodeAgain {
		return o
	}
	return Outcome{o.Decision, CodeWithheld, Text{
		ID: "Aplikasi ini tidak boleh menampilkan warna Anda. Alasannya ada di aplikasi lain yang Anda tautkan.",
		EN: "This app may not show your colour. The reason is in another app that you linked.",
	}}
}

// Again is the outcome of a retry: what was decided the first time.
func Again(d Decision) Outcome {
	return Outcome{d, CodeAgain, Text{
		ID: "Kunjungan ini sudah tercatat.",
		EN: "This visit has been recorded already.",
	}}
}

// Unproved is the outcome for somebody of whom nothing shows who they are, or whose
// colour could not be read: staff look at what else they bring.
func Unproved() Outcome {
	return Outcome{Check, CodeUnproved, Text{
		ID: "Petugas memeriksa bukti lain.",
		EN: "Staff look at other proof.",
	}}
}
