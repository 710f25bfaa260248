package permit

import (
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// What the journal keeps of what is opened. Integers are big-endian, moments Unix
// milliseconds, texts a byte of length before them.

// Version is one that was opened.
type Version struct {
	Person  identity.PersonID
	Record  keeper.Record
	Version uint64
}

// intent is a record of journal.KindIntent.
type intent struct {
	id             [16]byte
	budget         keeper.Budget
	at             time.Time
	actor, purpose string
	n              int      // people, whatever versions there are
	versions       versions // none of one that is to be encoded
}

func (i intent) encode(reads []keeper.Read) []byte {
	b := append(make([]byte, 0, 128+24*len(reads)), i.id[:]...)
	b = append(b, byte(i.budget))
	b = binary.BigEndian.AppendUint64(b, uint64(i.at.UnixMilli()))
	b = append(append(b, byte(len(i.actor))), i.actor...)
	b = append(append(b, byte(len(i.purpose))), i.purpose...)
	b = binary.BigEndian.AppendUint32(b, uint32(i.n))
	return appendVersions(b, reads)
}

func parseIntent(b []byte) (i intent, ok bool) {
	const head = 16 + 1 + 8
	if len(b) < head {
		return i, false
	}
	i.id, i.budget, i.at = [16]byte(b), keeper.Budget(b[16]), moment(b[17:])
	var ok1, ok2 bool
	i.actor, b, ok1 = text(b[head:])
	i.purpose, b, ok2 = text(b)
	if !ok1 || !ok2 || len(b) < 4 {
		return i, false
	}
	i.n, i.versions = int(binary.BigEndian.Uint32(b)), b[4:]
	return i, true
}

// signed is a record of journal.KindOpened.
type signed struct {
	id keeper.Proof
	desk.Opened
	versions []byte // of the one person: a record's number and a version each
}

const signedHead = 16 + 8 + 2 + 8 + 1

func (s signed) encode(reads []keeper.Read) []byte {
	b := append(make([]byte, 0, 128), s.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.At.UnixMilli()))
	again := byte(0)
	if s.Again {
		again = 1
	}
	b = append(b, byte(s.Class), again)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Who))
	b = append(append(b, byte(len(s.Actor))), s.Actor...)
	for _, r := range reads {
		for _, v := range r.Want {
			b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
			b = binary.BigEndian.AppendUint64(b, v.Version)
		}
	}
	return b
}

func parseSigned(b []byte) (s signed, ok bool) {
	if len(b) < signedHead {
		return s, false
	}
	s.id = keeper.Proof(b)
	s.At, s.Class, s.Again = moment(b[16:]), desk.Class(b[24]), b[25] == 1
	s.Who = identity.PersonID(binary.BigEndian.Uint64(b[26:]))
	actor, rest, ok := text(b[signedHead-1:])
	s.Actor, s.versions = staff.ActorID(actor), rest
	return s, ok
}

// exporting is a record of journal.KindExported.
type exporting struct {
	id       staff.RequestID
	at       time.Time
	people   []identity.PersonID
	versions versions
}

func (x exporting) encode(reads []keeper.Read) []byte {
	b := append(make([]byte, 0, 64+24*len(x.people)), x.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(x.at.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, uint32(len(x.people)))
	for _, p := range x.people {
		b = binary.BigEndian.AppendUint64(b, uint64(p))
	}
	return appendVersions(b, reads)
}

func parseExporting(b []byte) (x exporting, ok bool) {
	const head = 32 + 8 + 4
	if len(b) < head {
		return x, false
	}
	n := int(binary.BigEndian.Uint32(b[40:]))
	if n > keeper.MaxBatch || len(b) < head+8*n {
		return x, false
	}
	x.id, x.at = staff.RequestID(b[:32]), moment(b[32:])
	for b = b[head:]; n > 0; n, b = n-1, b[8:] {
		x.people = append(x.people, identity.PersonID(binary.BigEndian.Uint64(b)))
	}
	x.versions = b
	return x, true
}

func appendVersions(b []byte, reads []keeper.Read) []byte {
	for _, r := range reads {
		for _, v := range r.Want {
			b = binary.BigEndian.AppendUint64(b, uint64(r.Person))
			b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
			b = binary.BigEndian.AppendUint64(b, v.Version)
		}
	}
	return b
}

// versions are as many as a record has bytes for, read one by one: a record is looked at twice
// when the journal is replayed, and under the lock of permits, and most need none of them.
type versions []byte

func (b versions) n() int { return len(b) / 24 }

func (b versions) at(i int) Version {
	b = b[24*i:]
	return Version{
		identity.PersonID(binary.BigEndian.Uint64(b)), keeper.Record(binary.BigEndian.Uint64(b[8:])), binary.BigEndian.Uint64(b[16:]),
	}
}

func (b versions) all() []Version {
	out := make([]Version, b.n())
	for i := range out {
		out[i] = b.at(i)
	}
	return out
}

func moment(b []byte) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(b))) }

func text(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 1 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	return string(b[1 : 1+int(b[0])]), b[1+int(b[0]):], true
}

// Opening is what a record of the journal says was opened.
type Opening struct {
	ID       [16]byte // of a signed request; zero otherwise
	At       time.Time
	Who      string
	Door     string          // the purpose, the ground, or "export"
	Request  staff.RequestID // an export's
	Versions []Version
}

// Read reads a record of the journal, if it says that something was opened.
func Read(kind byte, payload []byte) (o Opening, ok bool) {
	switch kind {
	case journal.KindIntent:
		i, ok := parseIntent(payload)
		return Opening{At: i.at, Who: i.actor, Door: i.purpose, Versions: i.versions.all()}, ok
	case journal.KindOpened:
		s, ok := parseSigned(payload)
		o = Opening{ID: s.id, At: s.At, Who: string(s.Actor), Door: s.Class.String()}
		for b := s.versions; len(b) >= 16; b = b[16:] {
			o.Versions = append(o.Versions, Version{s.Who, keeper.Record(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:])})
		}
		return o, ok
	case journal.KindExported:
		x, ok := parseExporting(payload)
		return Opening{At: x.at, Door: "export", Request: x.id, Versions: x.versions.all()}, ok
	}
	return o, false
}
