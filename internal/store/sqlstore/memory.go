package sqlstore

import (
	"encoding/binary"
	"hash/maphash"
	"sync"

	"github.com/amanah-project/amanah/internal/store"
)

// memory is what a server knows of the ledger by itself, about 30 bytes for each row that
// is there: what each row was last, up to the entry to which the server has followed, and
// the entries that it made since. So an entry that is taken out of the database, or altered
// in it, deceives nobody who has seen it.
type memory struct {
	follows sync.Mutex // one walk at a time

	mu     sync.Mutex
	seed   maphash.Seed
	ready  bool // followed to an end at least once
	broken bool // the ledger is not what it was; so it stays until the server is started anew
	end    store.LedgerMark
	rows   map[uint64]uint64 // by rowHash: the beginning of its newest entry's MAC
	count  map[string]int64  // of rows, by table
	own    map[uint64]entryOf
	ownMax uint64
	late   map[uint64]uint64 // entries that rows got lately, for transactions that began before
	ring   []noticed         // what is in late, and what was, oldest overwritten
	at     int
	noted  uint64 // the newest entry of venue_counted
}

// noticed is an entry that a row got: one that is written often has many. When the row came
// by it or went, its table has by rows more than before.
type noticed struct {
	row, seq, table uint64
	by              int64
}

// entryOf is a row's entry: none when the row was removed by it.
type entryOf struct {
	seq, mac uint64
	there    bool
	spent    bool // a bridge stands in its place
}

const (
	// remembered bounds the entries of its own that a server which does not follow the
	// ledger remembers.
	remembered = 1 << 18
	// lately bounds the rows of which a transaction that reads an older state is not
	// mistaken.
	lately = 1 << 16
)

func newMemory() *memory {
	m := &memory{seed: maphash.MakeSeed(), own: map[uint64]entryOf{}}
	m.forget()
	return m
}

func (m *memory) forget() {
	m.end, m.rows, m.count = store.LedgerMark{}, map[uint64]uint64{}, map[string]int64{}
	m.late, m.ring, m.at = map[uint64]uint64{}, nil, 0
}

func (m *memory) rowHash(table string, key []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	h.WriteString(table)
	h.WriteByte(0)
	h.Write(key)
	return h.Sum64()
}

func short(mac []byte) uint64 {
	if len(mac) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(mac)
}

// since is how far the memory had come when a transaction began: what was written later,
// the transaction may not see yet.
type since struct {
	end, own uint64
	ready    bool
}

func (m *memory) now() since {
	m.mu.Lock()
	defer m.mu.Unlock()
	return since{m.end.Seq, m.ownMax, m.ready}
}

// judgement is what the memory says of a row as it was read.
type judgement uint8

const (
	unsure judgement = iota // the ledger in the database has to say
	whole
	altered
)

// judge compares a row, or that there is none, with what it was last.
func (m *memory) judge(row uint64, mac []byte, began since) judgement {
	there, sum := len(mac) > 0, short(mac)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch own, ours := m.own[row]; {
	case m.broken:
		return altered
	case ours && own.seq <= began.own:
		if own.there == there && own.mac == sum {
			return whole
		}
		return unsure
	case !began.ready:
		return unsure
	}
	if known, is := m.rows[row]; is == there && known == sum {
		return whole
	}
	return unsure
}

// newest reports whether an entry, which a row agrees with, may be its newest for all that
// the memory knows; zero is none.
func (m *memory) newest(row uint64, seq uint64, began since) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if own, ours := m.own[row]; ours && own.seq <= began.own && own.seq > seq {
		return false
	}
	return !began.ready || seq > began.end || m.late[row] > began.end || m.own[row].seq > began.own
}

// mark is the entry to which the server has followed.
func (m *memory) mark() store.LedgerMark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.end
}

// lost reports whether no row of the ledger is gone by any more.
func (m *memory) lost() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.broken
}

// counted returns how many rows a table had at an entry, of which those that came after the
// memory's end are given: not ok when the memory goes by nothing any more, or is too far
// beyond that entry to know.
func (m *memory) counted(table string, at uint64, later []store.LedgerEntry) (n int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return 0, false
	}
	n = m.count[table]
	if m.end.Seq > at {
		by, known := m.grown(table, at)
		return n - by, known
	}
	there := map[uint64]bool{}
	for i := range later {
		e := &later[i]
		if e.Seq <= m.end.Seq || e.Table != table { // it was followed meanwhile
			continue
		}
		row := m.rowHash(table, e.Row)
		was, again := there[row]
		if !again {
			_, was = m.rows[row]
		}
		there[row] = len(e.MAC) > 0
		n += bit(there[row]) - bit(was)
	}
	return n, true
}

// grown is by how many rows a table has grown after an entry.
func (m *memory) grown(table string, at uint64) (by int64, known bool) {
	of := m.rowHash(table, nil)
	for i := range m.ring {
		one := &m.ring[(m.at-1-i+2*len(m.ring))%len(m.ring)] // the newest first
		if one.seq <= at {
			return by, true
		}
		if one.table == of {
			by += one.by
		}
	}
	return by, len(m.ring) < lately
}

// keep remembers entries of a transaction that was committed.
func (m *memory) keep(made map[uint64]entryOf) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for row, e := range made {
		if e.seq <= m.end.Seq || m.own[row].seq > e.seq {
			continue
		}
		if len(m.own) >= remembered {
			for any := range m.own {
				delete(m.own, any)
				break
			}
		}
		m.own[row], m.ownMax = e, max(m.ownMax, e.seq)
	}
}

// take moves on to the last of some entries: store.ErrLedger when one stands where this
// server wrote another.
func (m *memory) take(entries []store.LedgerEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		before := m.end.Seq
		m.end = store.LedgerMark{Seq: e.Seq, Chain: e.Chain}
		if e.Table == "" {
			m.bridged(before, e.Seq)
			continue
		}
		row := m.rowHash(e.Table, e.Row)
		if o, ours := m.own[row]; ours && o.seq <= e.Seq {
			if !o.spent && o != (entryOf{seq: e.Seq, mac: short(e.MAC), there: len(e.MAC) > 0}) {
				return store.ErrLedger
			}
			delete(m.own, row)
		}
		if e.Table == "venue_counted" {
			m.noted = e.Seq
		}
		_, was := m.rows[row]
		is := len(e.MAC) > 0
		if is {
			m.rows[row] = short(e.MAC)
		} else {
			delete(m.rows, row)
		}
		by := bit(is) - bit(was)
		if m.count[e.Table] += by; m.ready {
			m.note(noticed{row, e.Seq, m.rowHash(e.Table, nil), by})
		}
	}
	return nil
}

// bridged says of what this server wrote in the place of a bridge that it need not be seen.
func (m *memory) bridged(after, to uint64) {
	for row, o := range m.own {
		if o.seq > after && o.seq <= to {
			o.spent = true
			m.own[row] = o
		}
	}
}

// unseen reports whether the memory went past an entry that this server wrote, and did not
// meet it: keep notes none below the end, and a walk leaves none out.
func (m *memory) unseen() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.own {
		if !o.spent && o.seq <= m.end.Seq {
			return true
		}
	}
	return false
}

// note remembers that a row got an entry, and forgets the oldest: of a row that got others
// since, the newest of those stays.
func (m *memory) note(one noticed) {
	if len(m.ring) < lately {
		m.ring = append(m.ring, one)
	} else {
		if old := m.ring[m.at]; m.late[old.row] == old.seq {
			delete(m.late, old.row)
		}
		m.ring[m.at] = one
		m.at = (m.at + 1) % lately
	}
	m.late[one.row] = one.seq
}

// Follow goes over the entries since it was last called, and learns what they say of counts;
// view runs a closure over a state of the database.
func (l *Ledger) Follow(view func(fn func(*Tx) error) error) error {
	if err := l.followAll(view); err != nil {
		return err
	}
	return l.recall(view)
}

func (l *Ledger) followAll(view func(fn func(*Tx) error) error) error {
	m := l.seen
	m.follows.Lock()
	defer m.follows.Unlock()
	var err error
	for range 3 { // entries may be pruned behind the first walk
		if err = l.follow(view); err == nil || m.now().ready {
			break
		}
		m.mu.Lock()
		m.forget()
		m.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		m.ready = true
	case err == store.ErrLedger:
		m.broken = true
	}
	if m.broken {
		return store.ErrLedger
	}
	return err
}

// follow reads what came since m.end, a page in each state of the database. So m.end must not
// lie below what is pruned, which would look as if it had been cut: servers follow every two
// seconds, and entries are pruned (Tx.Prune) when the keeper's mark passed them an hour ago.
func (l *Ledger) follow(view func(fn func(*Tx) error) error) error {
	for more := true; more; {
		var entries []store.LedgerEntry
		own := l.seen.now().own // committed before the state that is read next
		if err := view(func(t *Tx) error {
			last := l.seen.end // nobody else moves it
			if last.Seq > 0 {
				if at, err := t.LedgerAt(last.Seq); err != nil || at != last {
					return firstOf(err, store.ErrLedger)
				}
			}
			var err error
			if entries, err = t.entriesFrom(last.Seq, 4*pruneAtOnce); err != nil {
				return err
			}
			for _, e := range entries {
				if !l.key.Follows(last, e) {
					return store.ErrLedger
				}
				last = store.LedgerMark{Seq: e.Seq, Chain: e.Chain}
			}
			end, err := t.LedgerAt(0)
			if err != nil || len(entries) < 4*pruneAtOnce && end != last || end.Seq < own {
				return firstOf(err, store.ErrLedger)
			}
			return nil
		}); err != nil {
			return err
		}
		if err := l.seen.take(entries); err != nil {
			return err
		}
		more = len(entries) == 4*pruneAtOnce
	}
	if l.seen.unseen() {
		return store.ErrLedger
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
