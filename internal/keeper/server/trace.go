package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
)

// ErrTraceKeys: copies that are out there could never be told apart again.
var ErrTraceKeys = fault.New(fault.Invalid, "the keys of the trace index and of copies' marks are not those that the journal knows: restore the file fixed of the keeper's folder from its backup")

// traceKeys are the index's and the marks', of the fixed keys. Neither is made of the
// other, so that who is given the index's key can draw no mark.
var traceKeys = []string{"tags", "marks"}

// marks are the keys of tags and marks, and what is known of copies and traces.
type marks struct {
	tags, secret []byte // nil in a folder from before there were such keys
	hash         [32]byte
	base         leak.Base
	views        leak.ViewKey
	people       *meter // who the server has tagged

	mu   sync.Mutex
	book *copies.Book
}

func newMarks() marks {
	return marks{book: copies.New(), people: identifierMeter()}
}

func (m *marks) keys(fixed map[string][]byte) {
	if m.tags, m.secret = fixed[traceKeys[0]], fixed[traceKeys[1]]; len(m.tags) != 32 || len(m.secret) != 32 {
		m.tags, m.secret = nil, nil
		return
	}
	m.base = leak.Base(mac(m.secret, []byte("amanah mark base v1\x00")))
	m.views = leak.ViewKey(mac(m.secret, []byte("amanah mark views v1\x00")))
}

// sum is what the journal knows the keys by.
func (m *marks) sum() [32]byte {
	return sha256.Sum256(slices.Concat([]byte("amanah trace keys v1\x00"), m.tags, m.secret))
}

func (m *marks) seed(c leak.Copy) leak.Seed {
	return leak.Seed(mac(m.secret, append([]byte("amanah mark seed v1\x00"), c[:]...)))
}

// openMarks makes the keys in a folder that has none yet, and refuses others than those
// that copies were made with.
func (k *Keeper) openMarks() error {
	m := &k.marks
	known := m.hash != [32]byte{}
	if m.tags == nil && !known {
		raw, err := durable.ReadFile(k.disk, "fixed")
		if err != nil {
			return err
		}
		fixed := map[string][]byte{}
		if err := k.loadWrapped("fixed", raw, &fixed); err != nil {
			return err
		}
		for _, n := range traceKeys {
			fixed[n] = make([]byte, 32)
			rand.Read(fixed[n])
		}
		if err := k.storeWrapped("fixed", fixed); err != nil {
			return err
		}
		m.keys(fixed)
	}
	switch {
	case m.tags == nil, known && m.sum() != m.hash:
		return ErrTraceKeys
	case !known:
		m.hash = m.sum()
		_, _, err := k.journal.Append(recTraceKeys, m.hash[:])
		return err
	}
	return nil
}

func (k *Keeper) replayMarks(seq uint64, kind byte, payload []byte) error {
	if kind == recTraceKeys {
		if len(payload) != 32 {
			return ErrJournal
		}
		k.marks.hash = [32]byte(payload)
		return nil
	}
	var made copies.Made
	if err := json.Unmarshal(payload, &made); err != nil || !k.marks.book.Know(made, seq) {
		return ErrJournal
	}
	return nil
}

// note journals what is so and returns what waits until that is durable. The caller holds
// marks.mu.
func (k *Keeper) note(made copies.Made) (seq uint64, wait func() error, err error) {
	payload, err := json.Marshal(made)
	if err != nil {
		return 0, nil, err
	}
	seq, _, wait = k.journal.Put(recCopies, payload)
	if !k.marks.book.Know(made, seq) {
		k.journal.Die(ErrJournal) // it says what cannot be
		return 0, nil, ErrJournal
	}
	return seq, wait, nil
}

// Seeds gives the keys of an approved export's marks, after its copy is among those that
// every trace counts.
func (k *Keeper) Seeds(e keeper.Export) (keeper.CopyKeys, error) {
	now := k.now().Truncate(time.Millisecond)
	if err := k.approvedExport(e, now); err != nil {
		return keeper.CopyKeys{}, err
	}
	c, m := copies.CopyOf(e.Request.ID()), &k.marks
	m.mu.Lock()
	wait, err := k.code(c, now)
	m.mu.Unlock()
	if err == nil {
		err = wait()
	}
	if err != nil {
		return keeper.CopyKeys{}, err
	}
	return keeper.CopyKeys{Copy: c, Base: m.base, Seed: m.seed(c), Vacant: k.vacantNear(e)}, nil
}

// code counts a copy, once. The caller holds marks.mu.
func (k *Keeper) code(c leak.Copy, now time.Time) (wait func() error, err error) {
	if k.marks.book.Coded(c) {
		return k.durable, nil
	}
	_, wait, err = k.note(copies.Made{At: now, Coded: &c})
	return wait, err
}

// durable returns nil while whatever was journaled before can be relied on: what another
// call put may still be on its way, and nothing is told before it.
func (k *Keeper) durable() error {
	_, _, err := k.journal.Append(recStill, nil)
	return err
}

// Deliver commits to what the marks of an approved export are and which records it is of,
// before any of them is opened. The same manifest is committed to once; another is an
// export that goes on with what there is by then.
func (k *Keeper) Deliver(e keeper.Export, manifest [32]byte, n int) (keeper.Delivery, error) {
	now := k.now().Truncate(time.Millisecond)
	if err := k.approvedExport(e, now); err != nil {
		return keeper.Delivery{}, err
	}
	c, m := copies.CopyOf(e.Request.ID()), &k.marks
	m.mu.Lock()
	_, err := k.code(c, now)
	var d keeper.Delivery
	var known bool
	wait := k.durable
	if err == nil {
		d, known, err = m.book.Delivered(c, manifest)
	}
	if err == nil && !known {
		seed := m.seed(c)
		d = keeper.Delivery{Copy: c, Manifest: manifest, Records: n, Commitment: leak.Commit(c, &seed, manifest), Canaries: canariesOf(e), At: now}
		d.Seq, wait, err = k.note(copies.Made{At: now, Delivery: &d})
	}
	m.mu.Unlock()
	if err == nil {
		err = wait()
	}
	if err != nil {
		return keeper.Delivery{}, err
	}
	d.Sign(k.logKey)
	return d, nil
}

// committed returns ErrUncommitted for an export of whose copy nothing says what its
// marks are. The journal keeps the order: what is opened after, is written after.
func (k *Keeper) committed(e keeper.Export) error {
	k.marks.mu.Lock()
	defer k.marks.mu.Unlock()
	return k.marks.book.Committed(copies.CopyOf(e.Request.ID()))
}
