// Package journal keeps an append-only record of what a process did: each entry is
// chained to all before it, and is on disk before anybody is told that it is there.
package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// ErrBroken is returned for a journal that was altered where it should not end.
var ErrBroken = fault.New(fault.Unavailable, "the journal is broken before its end: restore the keeper's folder from its standby or backup, and do not cut the file")

// MaxRecord bounds a payload in bytes.
const MaxRecord = 8 << 20

// Journal is an open journal. A record is its length, its type, its payload and the
// chain: SHA-256 over the chain before, the type and the payload. Append returns when the record is on disk; callers that come together
// share one fsync.
type Journal struct {
	f     durable.File
	mu    sync.Mutex
	buf   []byte // written by callers, not yet in the file
	last  Mark   // the last record put
	safe  Mark   // the last record on disk
	size  int64
	group *flush // what the next fsync makes durable
	work  chan struct{}
	quit  chan struct{}
	ended sync.WaitGroup
	dead  error // a failed write: nothing is acknowledged any more
	over  bool  // closed: what comes now would wait for ever
}

// Mark is a place in the journal: a record's number and the chain after it.
type Mark struct {
	Seq   uint64
	Chain [32]byte
}

type flush struct {
	done chan struct{}
	err  error
}

// Open replays the folder's file "journal" into apply and opens it for appending. A
// torn end, which nobody was told of, is cut off; any other damage is ErrBroken, and
// so is a journal that does not reach the mark it is known to have passed.
func Open(d durable.FS, known Mark, apply func(seq uint64, kind byte, payload []byte) error) (*Journal, error) {
	f, err := d.Open("journal", durable.Append)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{f: f, work: make(chan struct{}, 1), quit: make(chan struct{}), group: &flush{done: make(chan struct{})}}
	if err := j.replay(known, apply); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// Whatever was read may only be in the page cache, and a name not on disk.
	if err := errors.Join(f.Sync(), d.SyncDir("")); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	j.safe = j.last
	j.ended.Go(j.flusher)
	return j, nil
}

func (j *Journal) replay(known Mark, apply func(uint64, byte, []byte) error) error {
	size, err := j.f.Size()
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(j.f, 0, size), 1<<20)
	for j.size < size {
		kind, payload, err := readRecord(r, size-j.size, j.last.Chain)
		if errors.Is(err, errTorn) {
			break
		}
		if err != nil {
			return err
		}
		j.last = Mark{j.last.Seq + 1, next(j.last.Chain, kind, payload)}
		j.size += Len(len(payload))
		if err := apply(j.last.Seq, kind, payload); err != nil {
			return fmt.Errorf("journal record %d: %w", j.last.Seq, err)
		}
		if j.last.Seq == known.Seq && j.last != known {
			return ErrBroken
		}
	}
	if j.last.Seq < known.Seq {
		return ErrBroken
	}
	if j.size == size {
		return nil
	}
	if err := j.checkTorn(size - j.size); err != nil {
		return err
	}
	return j.f.Truncate(j.size)
}

var errTorn = errors.New("torn record")

// Len is how long a record of so long a payload is in the file.
func Len(payload int) int64 { return 5 + int64(payload) + 32 }

// readRecord reads one record of a file that has left bytes more. A record that
// does not end or does not fit its chain is torn.
func readRecord(r io.Reader, left int64, chain [32]byte) (kind byte, payload []byte, err error) {
	var head [5]byte
	if left < Len(0) {
		return 0, nil, errTorn
	}
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > MaxRecord || Len(int(size)) > left {
		return 0, nil, errTorn
	}
	body := make([]byte, size+32)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, err
	}
	payload = body[:size]
	if next(chain, head[4], payload) != [32]byte(body[size:]) {
		return 0, nil, errTorn
	}
	return head[4], payload, nil
}

// checkTorn returns ErrBroken unless the left bytes at the end can be what an
// interrupted write leaves: the beginning of a record, then nothing or zeros. A
// whole record whose length alone was altered is no such thing, nor is one with
// others after it.
func (j *Journal) checkTorn(left int64) error {
	rest := make([]byte, min(left, Len(MaxRecord)+1))
	if n, err := j.f.ReadAt(rest, j.size); n < len(rest) {
		return err
	}
	if int64(len(rest)) < left {
		return ErrBroken // more than one record may hold
	}
	if len(rest) < 5 {
		return nil
	}
	h := sha256.New()
	h.Write(j.last.Chain[:])
	h.Write(rest[4:5])
	var sum [32]byte
	for i := 5; i+32 <= len(rest); i++ {
		if [32]byte(h.Sum(sum[:0])) == [32]byte(rest[i:]) {
			return ErrBroken
		}
		h.Write(rest[i : i+1])
	}
	size := binary.BigEndian.Uint32(rest)
	if size <= MaxRecord && Len(int(size)) < left && len(bytes.TrimLeft(rest[Len(int(size)):], "\x00")) > 0 {
		return ErrBroken
	}
	return nil
}

func next(chain [32]byte, kind byte, payload []byte) [32]byte {
	h := sha256.New()
	h.Write(chain[:])
	h.Write([]byte{kind})
	h.Write(payload)
	return [32]byte(h.Sum(nil))
}

// Put adds a record to what the next fsync makes durable. The order of puts is the
// order of the journal; the caller holds whatever lock makes its own state agree
// with that order.
func (j *Journal) Put(kind byte, payload []byte) (seq uint64, chain [32]byte, wait func() error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead != nil || j.over {
		err := errors.Join(keeper.ErrUnavailable, j.dead)
		return 0, chain, func() error { return err }
	}
	j.last = Mark{j.last.Seq + 1, next(j.last.Chain, kind, payload)}
	j.buf = binary.BigEndian.AppendUint32(j.buf, uint32(len(payload)))
	j.buf = append(j.buf, kind)
	j.buf = append(j.buf, payload...)
	j.buf = append(j.buf, j.last.Chain[:]...)
	g := j.group
	select {
	case j.work <- struct{}{}:
	default:
	}
	return j.last.Seq, j.last.Chain, func() error {
		<-g.done
		return g.err
	}
}

// Entry is a record on disk. Nothing but a journal makes one: to be given one is to know
// that what it says is written.
type Entry struct {
	Mark
	kind byte
}

// Opens reports whether the record says who opens something.
func (e Entry) Opens() bool {
	return e.Seq > 0 && (e.kind == KindIntent || e.kind == KindOpened || e.kind == KindExported)
}

// Enter is Put of a record for which somebody is given something, once it is on disk.
func (j *Journal) Enter(kind byte, payload []byte) (seq uint64, wait func() (Entry, error)) {
	seq, chain, durable := j.Put(kind, payload)
	return seq, func() (Entry, error) {
		if err := durable(); err != nil {
			return Entry{}, err
		}
		return Entry{Mark{seq, chain}, kind}, nil
	}
}

// Append puts a record and waits until it is on disk.
func (j *Journal) Append(kind byte, payload []byte) (uint64, [32]byte, error) {
	seq, chain, wait := j.Put(kind, payload)
	return seq, chain, wait()
}

func (j *Journal) flusher() {
	for {
		select {
		case <-j.work:
		case <-j.quit:
			j.flush()
			return
		}
		j.flush()
	}
}

func (j *Journal) flush() {
	j.mu.Lock()
	buf, g, last := j.buf, j.group, j.last
	j.buf, j.group = nil, &flush{done: make(chan struct{})}
	err := j.dead
	j.mu.Unlock()
	if err == nil && len(buf) > 0 {
		if _, err = j.f.Write(buf); err == nil {
			err = j.f.Sync()
		}
		j.mu.Lock()
		if err != nil {
			err = fmt.Errorf("%w: the journal cannot be written: %v", keeper.ErrUnavailable, err)
			j.dead = err // what reached the disk is not known: only a restart tells
		} else {
			j.safe, j.size = last, j.size+int64(len(buf))
		}
		j.mu.Unlock()
	}
	g.err = err
	close(g.done)
}

// Failed is why nothing is acknowledged any more; nil while all is well.
func (j *Journal) Failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dead
}

// End is the last record on disk, and where it ends in the file.
func (j *Journal) End() (Mark, int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.safe, j.size
}

// ReadAt reads the file, up to End.
func (j *Journal) ReadAt(b []byte, at int64) (int, error) { return j.f.ReadAt(b, at) }

// Scan shows records on disk from a place in the file on, of at most so many bytes in all
// but one record at least, and returns where it stopped; End's size when there is no more.
// The place is one that Scan returned, or zero.
func (j *Journal) Scan(from, most int64, show func(kind byte, payload []byte)) (int64, error) {
	_, end := j.End()
	for first := true; from < end; first = false {
		raw := make([]byte, min(end-from, most))
		if n, err := j.f.ReadAt(raw, from); n < len(raw) {
			return from, fmt.Errorf("%w: the journal cannot be read: %v", keeper.ErrUnavailable, err)
		}
		had := from
		for len(raw) >= 5 {
			n := Len(int(binary.BigEndian.Uint32(raw)))
			if int64(len(raw)) < n {
				most = max(most, n)
				break
			}
			show(raw[4], raw[5:n-32])
			raw, from = raw[n:], from+n
		}
		if from > had || !first {
			break
		}
	}
	return from, nil
}

// Die ends the keeper's work until it is started again.
func (j *Journal) Die(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dead = err
}

// Durable is the last record on disk.
func (j *Journal) Durable() Mark {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.safe
}

// Close writes what was put and closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	j.over = true
	j.mu.Unlock()
	close(j.quit)
	j.ended.Wait()
	return errors.Join(j.Failed(), j.f.Close())
}
