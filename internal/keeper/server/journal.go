package server

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// ErrJournal is returned for a journal that was altered where it should not end.
var ErrJournal = fault.New(fault.Unavailable, "the journal is broken before its end: restore the keeper's folder from its standby or backup, and do not cut the file")

// Types of journal records.
const (
	recStart   = 1 + iota // the keeper began
	recPeople             // persons registered
	recWrites             // heads moved
	recSettled            // heads confirmed
	recColours            // colours sealed: versions moved
	recIntent             // an intent, before its keys
	recGate               // a gate session opened
	recDay                // a day's key made: its hash
	recDestroy            // a day's key destroyed
	recService            // service keys made
)

const maxRecord = 8 << 20

// journal is the keeper's append-only record. A record is its length, its type,
// its payload and the chain: SHA-256 over the chain before, the type and the
// payload. append returns when the record is on disk; callers that come together
// share one fsync.
type journal struct {
	f     *os.File
	mu    sync.Mutex
	buf   []byte   // written by callers, not yet in the file
	seq   uint64   // of the last record appended
	chain [32]byte // after it
	size  int64
	group *flush // what the next fsync makes durable
	work  chan struct{}
	quit  chan struct{}
	ended sync.WaitGroup
	dead  error // a failed write: nothing is acknowledged any more
}

type flush struct {
	done chan struct{}
	err  error
}

// openJournal replays the journal into apply and opens it for appending. A torn
// last record, which nobody was told of, is cut off; any other damage is
// ErrJournal.
func openJournal(dir string, apply func(seq uint64, kind byte, payload []byte) error) (*journal, error) {
	name := filepath.Join(dir, "journal")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &journal{f: f, work: make(chan struct{}, 1), quit: make(chan struct{}), group: &flush{done: make(chan struct{})}}
	if err := j.replay(apply); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := syncDir(dir); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	j.ended.Go(j.flusher)
	return j, nil
}

func (j *journal) replay(apply func(uint64, byte, []byte) error) error {
	info, err := j.f.Stat()
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(j.f, 1<<20)
	for {
		kind, payload, n, err := readRecord(r, j.chain)
		if err == io.EOF {
			break
		}
		if errors.Is(err, errTorn) {
			// Only the end may be torn: what follows a damaged record must be nothing.
			if j.size+n < info.Size() {
				return ErrJournal
			}
			if err := j.f.Truncate(j.size); err != nil {
				return err
			}
			if err := j.f.Sync(); err != nil {
				return err
			}
			break
		}
		if err != nil {
			return err
		}
		j.seq++
		j.chain = next(j.chain, kind, payload)
		j.size += n
		if err := apply(j.seq, kind, payload); err != nil {
			return fmt.Errorf("journal record %d: %w", j.seq, err)
		}
	}
	_, err = j.f.Seek(j.size, io.SeekStart)
	return err
}

var errTorn = errors.New("torn record")

// readRecord reads one record and its length in the file. A record that does not
// end or does not fit its chain is torn.
func readRecord(r io.Reader, chain [32]byte) (kind byte, payload []byte, n int64, err error) {
	var head [5]byte
	if m, err := io.ReadFull(r, head[:]); err != nil {
		if err == io.EOF {
			return 0, nil, 0, io.EOF
		}
		return 0, nil, int64(m), errTorn
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxRecord {
		return 0, nil, 1 << 40, errTorn
	}
	body := make([]byte, size+32)
	if m, err := io.ReadFull(r, body); err != nil {
		return 0, nil, int64(5 + m), errTorn
	}
	payload = body[:size]
	if next(chain, head[4], payload) != [32]byte(body[size:]) {
		return 0, nil, int64(5 + len(body)), errTorn
	}
	return head[4], payload, int64(5 + len(body)), nil
}

func next(chain [32]byte, kind byte, payload []byte) [32]byte {
	h := sha256.New()
	h.Write(chain[:])
	h.Write([]byte{kind})
	h.Write(payload)
	return [32]byte(h.Sum(nil))
}

// put adds a record to what the next fsync makes durable. The order of puts is the
// order of the journal; the caller holds whatever lock makes its own state agree
// with that order.
func (j *journal) put(kind byte, payload []byte) (seq uint64, chain [32]byte, wait func() error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.chain = next(j.chain, kind, payload)
	j.seq++
	j.buf = binary.BigEndian.AppendUint32(j.buf, uint32(len(payload)))
	j.buf = append(j.buf, kind)
	j.buf = append(j.buf, payload...)
	j.buf = append(j.buf, j.chain[:]...)
	g := j.group
	select {
	case j.work <- struct{}{}:
	default:
	}
	return j.seq, j.chain, func() error {
		<-g.done
		return g.err
	}
}

// append puts a record and waits until it is on disk.
func (j *journal) append(kind byte, payload []byte) (uint64, [32]byte, error) {
	seq, chain, wait := j.put(kind, payload)
	return seq, chain, wait()
}

func (j *journal) flusher() {
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

func (j *journal) flush() {
	j.mu.Lock()
	buf, g := j.buf, j.group
	j.buf, j.group = nil, &flush{done: make(chan struct{})}
	err := j.dead
	j.mu.Unlock()
	if err == nil && len(buf) > 0 {
		if _, err = j.f.Write(buf); err == nil {
			err = j.f.Sync()
		}
		if err != nil {
			err = fmt.Errorf("%w: the journal cannot be written: %v", keeper.ErrUnavailable, err)
			j.mu.Lock()
			j.dead = err // what reached the disk is not known: only a restart tells
			j.mu.Unlock()
		}
	}
	g.err = err
	close(g.done)
}

func (j *journal) failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dead
}

func (j *journal) close() error {
	close(j.quit)
	j.ended.Wait()
	return j.f.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeFile replaces a small file so that a crash leaves the old or the new one.
func writeFile(dir, name string, raw []byte) error {
	tmp := filepath.Join(dir, name+".new")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}
