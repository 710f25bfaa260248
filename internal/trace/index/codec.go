package index

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrDamaged: an index's file is not what was written.
var ErrDamaged = fault.New(fault.Internal, "the trace index is damaged: remove its folder and feed it again")

const (
	identityLen = 9*8 + Parts*4 + 8 + 4 + 4 + 1 + 4 // 109: and how many versions of records follow
	versionLen  = 16
	decoyLen    = 8

	// since is from when versions of records are timed: 1 January 2020 as a norm.Minute.
	since = 10_519_200
	last  = 1<<24 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (id *Identity) tags() [9]*Tag {
	return [...]*Tag{&id.Full, &id.Bind, &id.Short, &id.Ref, &id.Born, &id.Call, &id.Name, &id.Phone, &id.Address}
}

func appendIdentity(b []byte, id *Identity, versions uint32) []byte {
	for _, t := range id.tags() {
		b = binary.LittleEndian.AppendUint64(b, uint64(*t))
	}
	for _, w := range id.Words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(id.Row))
	b = binary.LittleEndian.AppendUint32(b, uint32(id.From))
	b = binary.LittleEndian.AppendUint32(b, id.N)
	return binary.LittleEndian.AppendUint32(append(b, id.Kind), versions)
}

func readIdentity(b []byte) (id Identity, versions uint32) {
	_ = b[identityLen-1]
	for i, t := range id.tags() {
		*t = Tag(binary.LittleEndian.Uint64(b[8*i:]))
	}
	b = b[9*8:]
	for i := range id.Words {
		id.Words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	b = b[4*Parts:]
	id.Row = leak.Row(binary.LittleEndian.Uint64(b))
	id.From = norm.Minute(binary.LittleEndian.Uint32(b[8:]))
	id.N = binary.LittleEndian.Uint32(b[12:])
	id.Kind = b[16]
	return id, binary.LittleEndian.Uint32(b[17:])
}

// appendVersion writes row, time, record and visit in 8, 3, 3 and 2 bytes. Of what Ends all
// bits of record and visit are zero and of no other the record's top ones may be: a zero
// visit with a zero record is taken for the end, which one live record in 2^39 would be.
func appendVersion(b []byte, v *Version) []byte {
	from := min(max(v.From, since)-since, last)
	tail := uint64(from) | uint64(v.Record&last)<<24 | uint64(v.Visit)<<48
	if v.Ends {
		tail = uint64(from)
	} else if tail>>24 == 0 {
		tail |= 1 << 24
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(v.Row))
	return binary.LittleEndian.AppendUint64(b, tail)
}

func readVersion(b []byte) Version {
	_ = b[versionLen-1]
	tail := binary.LittleEndian.Uint64(b[8:])
	return Version{
		Row: leak.Row(binary.LittleEndian.Uint64(b)), From: norm.Minute(tail&last) + since,
		Record: uint32(tail>>24) & last, Visit: uint16(tail >> 48), Ends: tail>>24 == 0,
	}
}

// Batch is what is appended at once.
type Batch struct {
	People  []Identity
	Records []Records
}

// Records are versions of one person's records, and the documents among them.
type Records struct {
	Of        Tag // Full
	Versions  []Version
	Documents []Document
}

// documentsFollow is set in the count of versions where documents are behind them.
const documentsFollow = 1 << 31

// appendBatch writes a batch as one frame: its length, its check, itself.
func appendBatch(b []byte, batch Batch) []byte {
	at := len(b)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(batch.People)))
	for i := range batch.People {
		b = appendIdentity(b, &batch.People[i], 0)
	}
	for i := range batch.Records {
		r := &batch.Records[i]
		b = binary.LittleEndian.AppendUint64(b, uint64(r.Of))
		count := uint32(len(r.Versions))
		if len(r.Documents) > 0 {
			count |= documentsFollow
		}
		b = binary.LittleEndian.AppendUint32(b, count)
		for k := range r.Versions {
			b = appendVersion(b, &r.Versions[k])
		}
		if len(r.Documents) == 0 {
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Documents)))
		for k := range r.Documents {
			b = appendDocument(b, &r.Documents[k])
			for _, w := range r.Documents[k].Words {
				b = binary.LittleEndian.AppendUint32(b, w)
			}
		}
	}
	body := b[at+8:]
	binary.LittleEndian.PutUint32(b[at:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[at+4:], crc32.Checksum(body, castagnoli))
	return b
}

// readBatch reads one frame and returns what is behind it; false at a torn end.
func readBatch(b []byte) (batch Batch, rest []byte, ok bool) {
	if len(b) < 12 {
		return batch, b, false
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-8) || n < 4 {
		return batch, b, false
	}
	body := b[8 : 8+n]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return batch, b, false
	}
	people := binary.LittleEndian.Uint32(body)
	body = body[4:]
	if uint64(people)*identityLen > uint64(len(body)) {
		return batch, b, false
	}
	for range people {
		id, _ := readIdentity(body)
		batch.People = append(batch.People, id)
		body = body[identityLen:]
	}
	for len(body) >= 12 {
		r := Records{Of: Tag(binary.LittleEndian.Uint64(body))}
		count := binary.LittleEndian.Uint32(body[8:])
		documents := count&documentsFollow != 0
		count &^= documentsFollow
		body = body[12:]
		if uint64(count)*versionLen > uint64(len(body)) {
			return Batch{}, b, false
		}
		for range count {
			r.Versions = append(r.Versions, readVersion(body))
			body = body[versionLen:]
		}
		if documents {
			if len(body) < 4 {
				return Batch{}, b, false
			}
			var whole bool
			if r.Documents, body, whole = readDocuments(body[4:], binary.LittleEndian.Uint32(body)); !whole {
				return Batch{}, b, false
			}
			for i := range r.Documents {
				r.Documents[i].Of = r.Of
			}
		}
		batch.Records = append(batch.Records, r)
	}
	return batch, b[8+n:], len(body) == 0
}
