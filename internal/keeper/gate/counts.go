package gate

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

// Counts are the colours that people were told on one day, the keeper's own.
//
// Across a restart a file for each day remembers them, with the number of every person
// told, in the order of telling. It is written behind the answers, twice a second, so a
// crash forgets at most half a second of counts; it holds no colour, and is removed when
// its day is over.
type Counts struct {
	limit int
	now   func() time.Time
	disk  durable.FS

	mu    sync.Mutex
	day   day.Day
	used  []uint8 // by person
	fresh map[day.Day][]byte
	dead  error // writing failed: restarts would forget, so the keeper must not go on

	writing sync.Mutex
	files   map[day.Day]durable.File
	quit    chan struct{}
	ended   sync.WaitGroup
}

// Every is how often counts are written.
const Every = 500 * time.Millisecond

const askPrefix = "asked-"

// OpenCounts counts again what the newest file holds of people who are known, if its day is
// not over, and removes the files of days that are. A person may be told limit colours a
// day.
func OpenCounts(disk durable.FS, now func() time.Time, every time.Duration, limit int, known func(identity.PersonID) error) (*Counts, error) {
	c := &Counts{
		limit: limit, now: now, disk: disk,
		fresh: map[day.Day][]byte{}, files: map[day.Day]durable.File{}, quit: make(chan struct{}),
	}
	names, err := disk.List("")
	if err != nil {
		return nil, err
	}
	today := day.Of(now())
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
			if err := disk.Remove(name); err != nil {
				return nil, err
			}
			continue
		}
		c.day, c.used = d, nil // names ascend: the last is the newest day
		raw, err := durable.ReadFile(disk, name)
		if err != nil {
			return nil, err
		}
		for ; len(raw) >= 8; raw = raw[8:] {
			if p := identity.PersonID(binary.BigEndian.Uint64(raw)); known(p) == nil {
				c.count(p)
			}
		}
	}
	c.ended.Go(func() { c.writer(every) })
	return c, nil
}

// today begins with the keeper's day. A clock that is set back goes on with the counts of
// the later day, which gives nobody more. The caller holds mu.
func (c *Counts) today() {
	if d := day.Of(c.now()); d > c.day {
		c.day, c.used = d, nil
	}
}

// Used is how many colours a person was told today.
func (c *Counts) Used(p identity.PersonID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked(p)
}

func (c *Counts) asked(p identity.PersonID) int {
	if c.today(); uint64(p) < uint64(len(c.used)) {
		return int(c.used[p])
	}
	return 0
}

// take counts one colour of somebody who asks and has one, and returns the day's number of
// them, unless the day's are all told.
func (c *Counts) take(p identity.PersonID, asks, there bool) (used int, limited bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	used = c.asked(p)
	limited = limitsColours && asks && used >= c.limit
	if asks && there && !limited {
		used = c.count(p)
		c.fresh[c.day] = binary.BigEndian.AppendUint64(c.fresh[c.day], uint64(p))
	}
	return used, limited
}

// count adds one colour of somebody who is known.
func (c *Counts) count(p identity.PersonID) int {
	c.today()
	if need := int(p) + 1; len(c.used) < need {
		c.used = append(c.used, make([]uint8, need-len(c.used))...)
	}
	if c.used[p] < 255 {
		c.used[p]++
	}
	return int(c.used[p])
}

func (c *Counts) writer(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.quit:
			c.Write()
			return
		}
		c.Write()
	}
}

// Write writes what is not written yet, and removes the files of days that are over.
func (c *Counts) Write() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	fresh, dead := c.fresh, c.dead
	c.fresh = make(map[day.Day][]byte, len(fresh))
	c.mu.Unlock()
	if dead != nil {
		return
	}
	var err error
	for d, raw := range fresh {
		err = errors.Join(err, c.put(d, raw))
	}
	today := day.Of(c.now())
	for d, f := range c.files {
		if d < today {
			err = errors.Join(err, f.Close(), c.disk.Remove(askPrefix+d.String()))
			delete(c.files, d)
		}
	}
	if err != nil {
		c.mu.Lock()
		c.dead = fmt.Errorf("%w: the day's counts cannot be written: %v", keeper.ErrUnavailable, err)
		c.mu.Unlock()
	}
}

func (c *Counts) put(d day.Day, raw []byte) error {
	f := c.files[d]
	if f == nil {
		var err error
		if f, err = c.open(d); err != nil {
			return err
		}
		c.files[d] = f
	}
	if _, err := f.Write(raw); err != nil {
		return err
	}
	return f.Sync()
}

// open opens a day's file at the end of its last whole entry.
func (c *Counts) open(d day.Day) (durable.File, error) {
	f, err := c.disk.Open(askPrefix+d.String(), durable.Append)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil && size%8 != 0 {
		err = f.Truncate(size - size%8)
	}
	if err == nil {
		err = c.disk.SyncDir("")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Failed is why nobody may be told anything any more; nil while all is well.
func (c *Counts) Failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// Close writes what is not written yet.
func (c *Counts) Close() error {
	close(c.quit)
	c.ended.Wait()
	errs := []error{c.Failed()}
	for _, f := range c.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
