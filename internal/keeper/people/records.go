package people

import (
	"encoding/binary"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
)

const (
	// writingFor is how long a write that is not settled keeps others of the same
	// person's waiting.
	writingFor = 2 * time.Second
	// maxOpen bounds the writes of one person of which it is not known whether they
	// came to be.
	maxOpen = 4
	// openFor is longer than any transaction of a database's lives: a write of which
	// nothing was heard for so long may give way to another.
	openFor = time.Minute
)

// health is the head of a person's health records. The database is at base, or at
// the head of one of the open writes: each stores only over exactly base, so that at
// most one of them comes to be.
type health struct {
	counter uint64 // versions given so far, also those that never came to be
	base    [16]byte
	open    []openWrite
}

type openWrite struct {
	version uint64
	head    [16]byte
	at      int64 // Unix milliseconds
}

// healths are the heads of those who have health records, in chunks that are made
// with the first of them: with millions of people, who has none must cost nothing.
type healths struct{ chunks []*[healthChunk]health }

const healthChunk = 256

// of returns a person's head, or nil when nothing was ever written.
func (s *healths) of(id identity.PersonID) *health {
	chunk, i := uint64(id-1)/healthChunk, uint64(id-1)%healthChunk
	if id == 0 || chunk >= uint64(len(s.chunks)) || s.chunks[chunk] == nil || s.chunks[chunk][i].counter == 0 {
		return nil
	}
	return &s.chunks[chunk][i]
}

// make returns a person's head, of no versions when there was none.
func (s *healths) make(id identity.PersonID) *health {
	chunk, i := int(uint64(id-1)/healthChunk), uint64(id-1)%healthChunk
	if need := chunk + 1 - len(s.chunks); need > 0 {
		s.chunks = append(s.chunks, make([]*[healthChunk]health, need)...)
	}
	if s.chunks[chunk] == nil {
		s.chunks[chunk] = new([healthChunk]health)
	}
	h := &s.chunks[chunk][i]
	if h.counter == 0 {
		h.base = noRecords
	}
	return h
}

var noRecords = keeper.RecordsHead(nil)

// agrees reports whether a database of that head may be what it is, and whether it
// may yet move on.
func (h *health) agrees(have [16]byte) (ok, behind bool) {
	if h == nil {
		return have == noRecords, false
	}
	if h.became(have) {
		return true, false
	}
	return have == h.base, len(h.open) > 0
}

// became reports whether have is what one of the open writes makes.
func (h *health) became(have [16]byte) bool {
	return slices.ContainsFunc(h.open, func(o openWrite) bool { return o.head == have })
}

// may returns why no write may begin over what a database holds.
func (h *health) may(have [16]byte, now time.Time) error {
	switch {
	case h == nil:
		if have != noRecords {
			return keeper.ErrHead
		}
		return nil
	case h.became(have):
		return nil // an open write came to be, and so none of the others can
	case have != h.base:
		return keeper.ErrHead
	case slices.ContainsFunc(h.open, func(o openWrite) bool { return o.younger(now, writingFor) }),
		len(h.open) == maxOpen && h.open[0].younger(now, openFor):
		return keeper.ErrWriting
	}
	return nil
}

// younger is false of what a clock that was set back has put into the future: it
// must keep nobody waiting until then.
func (o openWrite) younger(now time.Time, than time.Duration) bool {
	age := now.UnixMilli() - o.at
	return age >= 0 && age < than.Milliseconds()
}

// begin notes a write over have.
func (h *health) begin(have [16]byte, w openWrite) {
	if have != h.base {
		h.base, h.open = have, nil
	}
	if len(h.open) == maxOpen {
		h.open = slices.Delete(h.open, 0, 1)
	}
	h.open = append(h.open, w)
	h.counter = w.version
}

// settle notes that a write came to be; of one that is not open nothing is to note.
func (h *health) settle(version uint64) bool {
	if h == nil {
		return false
	}
	i := slices.IndexFunc(h.open, func(o openWrite) bool { return o.version == version })
	if i < 0 {
		return false
	}
	h.base, h.open = h.open[i].head, nil
	return true
}

// with returns have with a new version of each of records, ascending.
func with(have []keeper.Version, records []keeper.Record, version uint64) []keeper.Version {
	out := make([]keeper.Version, 0, len(have)+len(records))
	for _, v := range have {
		for len(records) > 0 && records[0] < v.Record {
			out, records = append(out, keeper.Version{Record: records[0], Version: version}), records[1:]
		}
		out = append(out, v)
	}
	for _, r := range records {
		out = append(out, keeper.Version{Record: r, Version: version})
	}
	return out
}

// checkEnters bounds a call.
func checkEnters(enters []keeper.Enter) error {
	records := 0
	for _, e := range enters {
		records += len(e.Records)
		last := keeper.FirstRecord - 1
		for _, r := range e.Records {
			if r <= last {
				return keeper.ErrRecords
			}
			last = r
		}
		if len(e.Records) == 0 {
			return keeper.ErrRecords
		}
	}
	if len(enters) > keeper.MaxBulk || records > keeper.MaxBulk {
		return keeper.ErrTooMany
	}
	return nil
}

const enterLen = 8 + 8 + 8 + 16 + 16

// Enter begins writes of health records and gives the keys of their versions, which are
// for nobody until wait has returned nil.
func (p *People) Enter(enters []keeper.Enter) (out []keeper.Entered, wait func() error, err error) {
	if err := checkEnters(enters); err != nil {
		return nil, nil, err
	}
	bases := make([][16]byte, len(enters)) // long lists are hashed before anybody waits
	for i, e := range enters {
		bases[i] = keeper.RecordsHead(e.Have)
	}
	out = make([]keeper.Entered, len(enters))
	payload := make([]byte, 0, len(enters)*enterLen)
	p.mu.Lock()
	now := p.now()
	for i, e := range enters {
		head, err := p.enter(&out[i], e, bases[i], now)
		if err != nil {
			out[i] = keeper.Entered{Err: err}
			continue
		}
		w := openWrite{out[i].Version, head, now.UnixMilli()}
		p.health.make(e.Person).begin(bases[i], w)
		payload = binary.BigEndian.AppendUint64(payload, uint64(e.Person))
		payload = binary.BigEndian.AppendUint64(payload, w.version)
		payload = binary.BigEndian.AppendUint64(payload, uint64(w.at))
		payload = append(payload, bases[i][:]...)
		payload = append(payload, w.head[:]...)
	}
	_, _, wait = p.journal.Put(journal.KindEnters, payload)
	p.mu.Unlock()
	return out, wait, nil
}

// enter fills in what one write is answered, or says why it may not be. It changes
// nothing.
func (p *People) enter(out *keeper.Entered, e keeper.Enter, base [16]byte, now time.Time) (head [16]byte, err error) {
	s, err := p.person(e.Person)
	if err != nil {
		return head, err
	}
	h := p.health.of(e.Person)
	if err := h.may(base, now); err != nil {
		return head, err
	}
	if len(e.Have)+len(e.Records) > keeper.MaxVersions {
		return head, keeper.ErrTooMany
	}
	out.Version = 1
	if h != nil {
		out.Version = h.counter + 1
	}
	for _, r := range e.Records {
		key, err := versionKey(s.key[:], r, out.Version)
		if err != nil {
			return head, err
		}
		out.Keys = append(out.Keys, key)
	}
	return keeper.RecordsHead(with(e.Have, e.Records, out.Version)), nil
}

func (p *People) replayEnters(payload []byte) error {
	if len(payload)%enterLen != 0 {
		return journal.ErrBroken
	}
	for ; len(payload) > 0; payload = payload[enterLen:] {
		id := identity.PersonID(binary.BigEndian.Uint64(payload))
		if _, err := p.person(id); err != nil {
			return journal.ErrBroken
		}
		p.health.make(id).begin([16]byte(payload[24:]), openWrite{
			binary.BigEndian.Uint64(payload[8:]), [16]byte(payload[40:]), int64(binary.BigEndian.Uint64(payload[16:])),
		})
	}
	return nil
}

// SettleRecords confirms writes of health records that the database holds durably:
// from then on what was before them is a roll-back.
func (p *People) SettleRecords(settled []keeper.Settled) error {
	if len(settled) > keeper.MaxBulk {
		return keeper.ErrTooMany
	}
	p.mu.Lock()
	payload := make([]byte, 0, 16*len(settled))
	for _, c := range settled {
		if p.health.of(c.Person).settle(c.Version) {
			payload = binary.BigEndian.AppendUint64(payload, uint64(c.Person))
			payload = binary.BigEndian.AppendUint64(payload, c.Version)
		}
	}
	_, _, wait := p.journal.Put(journal.KindEntered, payload)
	p.mu.Unlock()
	return wait()
}

func (p *People) replayEntered(payload []byte) error {
	for ; len(payload) >= 16; payload = payload[16:] {
		p.health.of(identity.PersonID(binary.BigEndian.Uint64(payload))).settle(binary.BigEndian.Uint64(payload[8:]))
	}
	return nil
}
