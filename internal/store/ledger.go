package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrLedger: a table of the ledger does not hold what a ledger does.
var ErrLedger = fault.New(fault.Conflict, "the ledger of rows is not what was written: run `amanah check`")

// The ledger notes each change of the rows that say who may do what: links, partners,
// venues, staff. An entry names the row and holds a MAC of it as it then was, or none
// when it was removed; entries make a chain. Who writes the database and has not the
// key, which the keeper gives to servers alone, can make neither: a row that differs
// from its newest entry was altered, rolled back, added or removed by somebody else.
// Entries cut off the end are found by the keeper's mark of how far the chain had come.
//
// Each time a row is read it is held against its newest entry, and a row that is asked
// for by its primary key and is not there against there being none: nobody goes by one
// that differs (ErrAltered). A server that follows the ledger (FollowLedger) remembers
// what each row was last, so that it asks nothing of the database for it, and that
// entries taken out or altered later deceive it no more.

// LedgerTables are the tables whose rows are noted. Those that every check-in writes
// are not among them: their rows are sealed (Seals).
func LedgerTables() []string {
	return append([]string{
		"accesslog_end", "dispute_count", "dispute_dispute", "identity_binding", "identity_card", "identity_guardian", "identity_link",
		"identity_pin", "identity_progress", "identity_quarantine", "notice_waiting",
		"partner_agreement", "partner_linked", "partner_partner", "partner_step", "record_aside", "record_aside_step", "record_follow",
		"record_sent", "staff_approval", "staff_facility", "staff_invitation", "staff_member", "staff_request", "staff_session",
		"venue_counted", "venue_venue",
	}, Watched()...)
}

// Watched are those of them that use something up: their rows live for a day or so, the
// ledger names them by a keyed hash, and entries that later ones took the place of are
// taken out of it (PruneLedger).
func Watched() []string {
	return []string{
		"identity_authorization", "identity_guess", "identity_pin_try", "identity_refresh", "partner_decision", "venue_journey", "venue_lookup",
	}
}

// Pruned are those of whose entries only a row's newest is kept (PruneLedger).
func Pruned() []string { return append([]string{"venue_counted"}, Watched()...) }

// LedgerKey makes entries. It never leaves the processes that write the database.
type LedgerKey []byte

// LedgerEntry is one change.
type LedgerEntry struct {
	Seq   uint64 // from 1
	Table string // empty for a bridge
	Row   []byte // LedgerKey.Row of its primary key
	MAC   []byte // of the row as it then is; empty when it was removed
	Chain [32]byte
}

// LedgerMark is how far the ledger has come.
type LedgerMark struct {
	Seq   uint64
	Chain [32]byte
}

// Ledgered is a database that keeps a ledger, beside DB.
type Ledgered interface {
	// KeepLedger notes changes from now on under this key. When the ledger is empty and
	// adopt says so, it begins with every row that is there.
	KeepLedger(ctx context.Context, key LedgerKey, adopt bool) error
	// AdoptLater takes in, once, rows that a ledger of an earlier version did not cover. A
	// ledger that is not whole, or not the one of the keeper's mark, takes nothing in.
	AdoptLater(ctx context.Context, mark LedgerMark) error
	// LedgerAt returns the ledger's entry of a number, zero when there is none; of zero
	// the newest.
	LedgerAt(ctx context.Context, seq uint64) (LedgerMark, error)
	// NoteLeaves notes how far each gate's chain has come, so that leaves cut off its end
	// are found, and the counts of the venues that this server knows to have changed, so that
	// other servers, and this one when it is started anew, miss one that is put back.
	NoteLeaves(ctx context.Context) error
	// FollowLedger goes over the ledger's entries since it was last called, all of them at
	// first, and remembers what each row is by them, and how far each venue's count has come.
	// ErrLedger when one does not follow the
	// one before, or the last is gone: from then on no row of the ledger's is gone by.
	FollowLedger(ctx context.Context) error
	// Bare is the same database, whose rows are read as they lie there: for who looks for
	// what was altered.
	Bare() DB
	// PruneLedger puts bridges in the place of entries that later ones took the place of,
	// among some after a number and below another, and returns where to go on; zero when
	// there are no more.
	PruneLedger(ctx context.Context, after, below uint64) (next uint64, err error)
}

// Bridge is an entry in the place of those from one after a mark to its own: that nothing
// of them is any row's newest entry. Only who has the key can build one, and one that was
// true stays so.
func (k LedgerKey) Bridge(from LedgerMark, to LedgerMark) LedgerEntry {
	m := hmac.New(sha256.New, k)
	m.Write([]byte("amanah ledger bridge v1\x00"))
	for _, at := range []LedgerMark{from, to} {
		m.Write(binary.BigEndian.AppendUint64(nil, at.Seq))
		m.Write(at.Chain[:])
	}
	return LedgerEntry{Seq: to.Seq, Row: binary.BigEndian.AppendUint64(nil, from.Seq), MAC: m.Sum(nil)[:16], Chain: to.Chain}
}

// Follows reports whether an entry, a bridge among them, follows a mark.
func (k LedgerKey) Follows(last LedgerMark, e LedgerEntry) bool {
	if e.Table == "" {
		want := k.Bridge(last, LedgerMark{e.Seq, e.Chain})
		return e.Seq > last.Seq && hmac.Equal(want.MAC, e.MAC) && string(want.Row) == string(e.Row)
	}
	want := k.Chain(last.Chain, e)
	return e.Seq == last.Seq+1 && hmac.Equal(want[:], e.Chain[:])
}

// Row names a row by its primary key; a watched one by a keyed hash of it.
func (k LedgerKey) Row(t Table, row []Value) []byte {
	name := rowKey(t, row)
	if !slices.Contains(Watched(), t.Name) {
		return name
	}
	return k.Name(t.Name, name)
}

// Name is a keyed hash of what names a row.
func (k LedgerKey) Name(table string, name []byte) []byte {
	m := hmac.New(sha256.New, k)
	m.Write([]byte("amanah ledger row v1\x00" + table + "\x00"))
	m.Write(name)
	return m.Sum(nil)[:16]
}

// rowKey are the values of a row's primary key.
func rowKey(t Table, row []Value) []byte {
	type part struct{ key, at int }
	var parts []part
	for i, c := range t.Columns {
		if c.Key > 0 {
			parts = append(parts, part{c.Key, i})
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return a.key - b.key })
	var out []byte
	for _, p := range parts {
		out = appendValue(out, t.Columns[p.at], row[p.at])
	}
	return out
}

func appendValue(b []byte, c Column, v Value) []byte {
	if c.Kind == IntValue {
		return binary.AppendVarint(b, v.Int)
	}
	return append(binary.AppendUvarint(b, uint64(len(v.Bytes))), v.Bytes...)
}

func appendRow(b []byte, t Table, row []Value) []byte {
	b = append(b, "amanah row v1\x00"...)
	b = append(binary.AppendUvarint(b, uint64(len(t.Name))), t.Name...)
	for i, c := range t.Columns {
		if row[i].Int == 0 && len(row[i].Bytes) == 0 {
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(c.Name))), c.Name...)
		b = appendValue(append(b, byte(c.Kind)), c, row[i])
	}
	return b
}

// Chain is the chain at an entry, after the one before.
func (k LedgerKey) Chain(before [32]byte, e LedgerEntry) [32]byte {
	m := hmac.New(sha256.New, k)
	m.Write([]byte("amanah ledger v1\x00"))
	m.Write(before[:])
	b := binary.BigEndian.AppendUint64(nil, e.Seq)
	for _, part := range [][]byte{[]byte(e.Table), e.Row, e.MAC} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	m.Write(b)
	return [32]byte(m.Sum(nil))
}
