package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrAltered: a row is not what was written. Nobody goes by it.
var ErrAltered = fault.New(fault.Unavailable, "what is stored about this was changed by somebody else and is not gone by: the operator finds it with `amanah check`")

// Sealed is a MAC that a row carries in a column of its own. Tables that every check-in
// writes, that of health records, and those of whose a NIK or a telephone number is, have it in the place of the ledger: it costs a microsecond, and who has not the
// ledger's key can neither change a row, nor put one in another's place, nor make one.
// That a row was removed, or is as it once was, it does not tell: counts have a version
// for that (VenueCount).
type Sealed struct {
	Table  string
	Column string   // where the MAC is
	Of     []string // the columns that it covers, in this order
	// Unless names the column that leaves the MAC empty while it is zero, and all others but
	// the first with it; empty for none.
	Unless string
	// Later names the last of them when it came later than the MAC: while it is zero it is not
	// covered, so that rows from before stay whole. Empty for none.
	Later string
}

// Covered are the columns that a MAC covers, of a row in which Later is zero or not.
func (s Sealed) Covered(later bool) []string {
	if s.Later != "" && !later {
		return s.Of[:len(s.Of)-1]
	}
	return s.Of
}

// Seals are the MACs that rows carry, by name.
func Seals() map[string]Sealed {
	return map[string]Sealed{
		SealVisit: {Table: "venue_visit", Column: "mac", Of: []string{
			"id", "venue_id", "door", "day", "who", "entered", "leaves_by", "party", "decision", "gate", "seq", "event",
		}},
		SealLeft:      {Table: "venue_visit", Column: "left_mac", Of: []string{"id", "left_at"}, Unless: "left_at"},
		SealAsk:       {Table: "venue_ask", Column: "mac", Of: []string{"day", "who", "id", "at", "outcome", "times", "gate", "seq", "event"}},
		SealPass:      {Table: "venue_pass", Column: "mac", Of: []string{"serial", "id", "day", "who", "category", "level", "issued", "expires", "party", "decision", "gate", "seq", "event"}},
		SealUse:       {Table: "venue_pass", Column: "used_mac", Of: []string{"serial", "used_venue", "used_door", "used_at"}, Unless: "used_venue"},
		SealLeaf:      {Table: "accesslog_leaf", Column: "mac", Of: []string{"gate", "seq", "signature", "voided", "asks", "passes"}},
		SealOccupancy: {Table: "venue_occupancy", Column: "mac", Of: []string{"venue_id", "inside", "entered", "version"}, Later: "version"},
		SealNIK:       {Table: "identity_nik", Column: "mac", Of: []string{"tag", "person_id"}},
		SealPhone:     {Table: "identity_phone", Column: "mac", Of: []string{"tag", "person_id"}},
		SealPlace:     {Table: "record_version", Column: "mac", Of: []string{"seq", "person_id", "number", "version"}},
	}
}

// The names of seals.
const (
	SealVisit     = "visit"
	SealLeft      = "left"
	SealAsk       = "ask"
	SealPass      = "pass"
	SealUse       = "use"
	SealLeaf      = "leaf"
	SealOccupancy = "occupancy"
	SealPlace     = "place"
	SealNIK       = "nik"
	SealPhone     = "phone"
)

// Sealer makes the MACs that rows carry. It is safe for concurrent use.
type Sealer struct{ free sync.Pool }

// NewSealer makes one under a ledger's key.
func NewSealer(key LedgerKey) *Sealer {
	s := &Sealer{}
	s.free.New = func() any { return &sealing{mac: hmac.New(sha256.New, key)} }
	return s
}

// sealing is one MAC on its way.
type sealing struct {
	mac hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

// MAC is of a seal's values, n of them in its order: 16 bytes. Bytes and texts count
// alike.
func (s *Sealer) MAC(name string, n int, value func(i int) (v Value, number bool)) []byte {
	w := s.free.Get().(*sealing)
	defer s.free.Put(w)
	w.mac.Reset()
	w.buf = append(append(w.buf[:0], "amanah seal v1\x00"...), name...)
	w.buf = append(w.buf, 0)
	for i := range n {
		v, number := value(i)
		if number {
			w.buf = binary.AppendVarint(append(w.buf, 1), v.Int)
			continue
		}
		w.buf = append(binary.AppendUvarint(append(w.buf, 2), uint64(len(v.Bytes))), v.Bytes...)
	}
	w.mac.Write(w.buf)
	return append([]byte(nil), w.mac.Sum(w.sum[:0])[:16]...)
}

// Ledger is the MAC of a whole row in the ledger. Columns that are zero or empty are left out,
// so that a migration that adds one changes no MAC.
func (s *Sealer) Ledger(t Table, row []Value) [16]byte {
	w := s.free.Get().(*sealing)
	defer s.free.Put(w)
	w.mac.Reset()
	w.buf = appendRow(w.buf[:0], t, row)
	w.mac.Write(w.buf)
	return [16]byte(w.mac.Sum(w.sum[:0])[:16])
}

// Row is the MAC that a row should carry, and the one that it does: at returns a
// column's value and whether it is a number.
func (s *Sealer) Row(name string, seal Sealed, at func(column string) (Value, bool)) (want, have []byte) {
	v, _ := at(seal.Column)
	if seal.Unless != "" {
		set := false
		for _, column := range seal.Of[1:] {
			one, _ := at(column)
			set = set || one.Int != 0
		}
		if !set {
			return nil, v.Bytes
		}
	}
	var later Value
	if seal.Later != "" {
		later, _ = at(seal.Later)
	}
	of := seal.Covered(later.Int != 0)
	return s.MAC(name, len(of), func(i int) (Value, bool) { return at(of[i]) }), v.Bytes
}
