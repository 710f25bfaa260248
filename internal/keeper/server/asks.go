package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
)

// counts are the colours asked on one day, by person.
type counts struct {
	day  day.Day
	used []uint8
}

// today returns the counts of the keeper's day. A clock that is set back goes on
// with those of the later day, which gives nobody more.
func (k *Keeper) today() *counts {
	if d := day.Of(k.now()); d > k.counts.day {
		k.counts = counts{day: d}
	}
	return &k.counts
}

// asked returns how many colours a person was told today.
func (k *Keeper) asked(p identity.PersonID) int {
	if c := k.today(); uint64(p) < uint64(len(c.used)) {
		return int(c.used[p])
	}
	return 0
}

// count adds one colour and returns the day's number of them.
func (k *Keeper) count(p identity.PersonID) int {
	c := k.today()
	if need := k.people.n + 1; len(c.used) < need {
		c.used = append(c.used, make([]uint8, need-len(c.used))...)
	}
	if c.used[p] < 255 {
		c.used[p]++
	}
	return int(c.used[p])
}

// askFile remembers the counts across a restart: a file for each day, with the
// number of every person told, in the order of telling. It is written behind the
// answers, twice a second, so a crash forgets at most half a second of counts; it
// holds no colour, and is removed when its day is over.
type askFile struct {
	mu    sync.Mutex
	disk  durable.FS
	fresh map[day.Day][]byte
	files map[day.Day]durable.File
	quit  chan struct{}
	ended sync.WaitGroup
	dead  error // writing failed: restarts would forget, so the keeper must not go on
}

const (
	askPrefix = "asked-"
	askEvery  = 500 * time.Millisecond
)

func (a *askFile) add(d day.Day, p identity.PersonID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fresh[d] = binary.BigEndian.AppendUint64(a.fresh[d], uint64(p))
}

// openAsks counts again what the newest file holds, if its day is not over, and
// removes those of days that are.
func (k *Keeper) openAsks() error {
	k.asks = askFile{disk: k.disk, fresh: map[day.Day][]byte{}, files: map[day.Day]durable.File{}, quit: make(chan struct{})}
	names, err := k.disk.List("")
	if err != nil {
		return err
	}
	today := day.Of(k.now())
	for _, name := range names {
		text, ok := strings.CutPrefix(name, askPrefix)
		if !ok {
			continue
		}
		d, err := day.Parse(text)
		if err != nil {
			continue
		}
		if d < today || d > today.Add(1) { // over, or of a clock that was far wrong
			if err := k.disk.Remove(name); err != nil {
				return err
			}
			continue
		}
		k.counts = counts{day: d} // names ascend: the last is the newest day
		raw, err := durable.ReadFile(k.disk, name)
		if err != nil {
			return err
		}
		for ; len(raw) >= 8; raw = raw[8:] {
			p := identity.PersonID(binary.BigEndian.Uint64(raw))
			if _, err := k.person(p); err == nil {
				k.count(p)
			}
		}
	}
	k.asks.ended.Go(func() { k.asks.writer(func() day.Day { return day.Of(k.now()) }) })
	return nil
}

func (a *askFile) writer(today func() day.Day) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-a.quit:
			a.write(today())
			return
		}
		a.write(today())
	}
}

func (a *askFile) write(today day.Day) {
	a.mu.Lock()
	fresh := a.fresh
	a.fresh = make(map[day.Day][]byte, len(fresh))
	dead := a.dead
	a.mu.Unlock()
	if dead != nil {
		return
	}
	var err error
	for d, raw := range fresh {
		err = errors.Join(err, a.put(d, raw))
	}
	for d, f := range a.files {
		if d < today {
			err = errors.Join(err, f.Close(), a.disk.Remove(askPrefix+d.String()))
			delete(a.files, d)
		}
	}
	if err != nil {
		a.mu.Lock()
		a.dead = fmt.Errorf("%w: the day's counts cannot be written: %v", keeper.ErrUnavailable, err)
		a.mu.Unlock()
	}
}

func (a *askFile) put(d day.Day, raw []byte) error {
	f := a.files[d]
	if f == nil {
		var err error
		if f, err = a.open(d); err != nil {
			return err
		}
		a.files[d] = f
	}
	if _, err := f.Write(raw); err != nil {
		return err
	}
	return f.Sync()
}

// open opens a day's file at the end of its last whole entry.
func (a *askFile) open(d day.Day) (durable.File, error) {
	f, err := a.disk.Open(askPrefix+d.String(), durable.Append)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil && size%8 != 0 {
		err = f.Truncate(size - size%8)
	}
	if err == nil {
		err = a.disk.SyncDir("")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (a *askFile) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dead
}

func (a *askFile) close() error {
	close(a.quit)
	a.ended.Wait()
	errs := []error{a.failed()}
	for _, f := range a.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
