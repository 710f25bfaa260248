// Package durabletest is a disk in memory that forgets.
//
// Crash leaves of every file what was synced, and perhaps a part of what was not;
// of every name either the synced state or the newer one, each by its own coin.
// That is harsher than the file systems in use, which keep more order. Fail makes
// one numbered call fail, with its effect or without, so that a test can walk
// through every point at which a disk may refuse.
//
// It models no reordering within one file: what survives of unsynced bytes is
// their beginning, which may be followed by zeros.
package durabletest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/amanah-project/amanah/internal/durable"
)

// ErrInjected is what a failed call returns.
var ErrInjected = errors.New("durabletest: injected failure")

// Failure names the call that fails.
type Failure struct {
	N      int  // from 1, counting the calls that change something; 0 is none
	Effect bool // the call has its effect and reports failure all the same
	Stop   bool // every later call fails, too, until Crash: the power went
}

// Disk is a durable.FS in memory.
type Disk struct {
	mu     sync.Mutex
	rng    *rand.Rand
	life   int // files opened before a crash are dead after it
	now    map[string]*node
	kept   map[string]*node // names as synced
	dirs   map[string]bool
	locks  map[string]bool
	calls  int
	fail   Failure
	broken bool
}

type node struct {
	data []byte
	kept []byte // as of the last Sync
	base int    // so much of kept is still the beginning of data
}

// New returns an empty disk whose coins are thrown by the seed.
func New(seed uint64) *Disk {
	return &Disk{
		rng: rand.New(rand.NewPCG(seed, 1)), now: map[string]*node{}, kept: map[string]*node{},
		dirs: map[string]bool{"": true}, locks: map[string]bool{},
	}
}

// Fail arms a failure and starts counting calls anew.
func (d *Disk) Fail(f Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail, d.calls = f, 0
}

// Calls returns how many calls that change something were made since Fail.
func (d *Disk) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// Crash cuts the power: open files and locks are gone, what was not synced is old,
// new or torn. No failure is armed afterwards.
func (d *Disk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life++
	d.locks, d.fail, d.broken = map[string]bool{}, Failure{}, false
	names := slices.Sorted(maps.Keys(d.now))
	for name := range d.kept {
		if _, ok := d.now[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names) // the coins must fall the same for the same seed
	after := map[string]*node{}
	for _, name := range names {
		n := d.kept[name]
		if d.now[name] != n && d.coin() {
			n = d.now[name]
		}
		if n != nil {
			after[name] = n
		}
	}
	done := map[*node]bool{}
	for _, name := range names {
		if n := after[name]; n != nil && !done[n] {
			d.tear(n)
			done[n] = true
		}
	}
	d.now, d.kept = after, maps.Clone(after)
}

func (d *Disk) coin() bool { return d.rng.IntN(2) == 0 }

// tear settles what a file holds after a crash.
func (d *Disk) tear(n *node) {
	out := n.kept
	if fresh := len(n.data) - n.base; (n.base < len(n.kept) || fresh > 0) && d.coin() {
		size := n.base + d.rng.IntN(fresh+1)
		out = slices.Clone(n.data[:size])
		if d.rng.IntN(4) == 0 { // the length was written before the bytes
			out = append(out, make([]byte, d.rng.IntN(len(n.data)-size+1))...)
		}
	}
	n.data, n.kept, n.base = slices.Clone(out), slices.Clone(out), len(out)
}

// Corrupt changes a file behind everybody's back, durably.
func (d *Disk) Corrupt(name string, change func([]byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	raw := change(slices.Clone(d.now[name].data))
	n := &node{data: raw, kept: slices.Clone(raw), base: len(raw)}
	d.now[name], d.kept[name] = n, n
}

// Clone copies a disk that no one has open, as a backup would.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := New(d.rng.Uint64())
	c.dirs = maps.Clone(d.dirs)
	for name, n := range d.now {
		m := &node{data: slices.Clone(n.data), kept: slices.Clone(n.data), base: len(n.data)}
		c.now[name], c.kept[name] = m, m
	}
	return c
}

// change runs one call that changes something, or makes it fail as armed. The
// caller holds mu.
func (d *Disk) change(effect func() error) error {
	if d.broken {
		return ErrInjected
	}
	d.calls++
	if d.fail.N == 0 || d.calls != d.fail.N {
		return effect()
	}
	d.broken = d.fail.Stop
	if d.fail.Effect {
		if err := effect(); err != nil {
			return err
		}
	}
	return ErrInjected
}

func dirOf(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}

func missing(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

// Open implements durable.FS.
func (d *Disk) Open(name string, mode durable.Mode) (durable.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !fs.ValidPath(name) || !d.dirs[dirOf(name)] {
		return nil, missing("open", name)
	}
	f := &file{disk: d, life: d.life, node: d.now[name], write: mode != durable.Read}
	switch {
	case mode == durable.Create && f.node != nil:
		return f, d.change(func() error { f.node.data, f.node.base = nil, 0; return nil })
	case f.node != nil:
		if d.broken {
			return nil, ErrInjected
		}
		return f, nil
	case mode == durable.Read:
		return nil, missing("open", name)
	}
	err := d.change(func() error { f.node = &node{}; d.now[name] = f.node; return nil })
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename implements durable.FS.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.now[from]
	if n == nil || !d.dirs[dirOf(to)] {
		return missing("rename", from)
	}
	return d.change(func() error { delete(d.now, from); d.now[to] = n; return nil })
}

// Remove implements durable.FS.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now[name] == nil {
		return missing("remove", name)
	}
	return d.change(func() error { delete(d.now, name); return nil })
}

// MkdirAll implements durable.FS.
func (d *Disk) MkdirAll(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirs[dir] {
		return nil
	}
	return d.change(func() error {
		for ; dir != ""; dir = dirOf(dir) {
			d.dirs[dir] = true
		}
		return nil
	})
}

// List implements durable.FS.
func (d *Disk) List(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dirs[dir] {
		return nil, missing("list", dir)
	}
	var out []string
	for name := range d.now {
		if dirOf(name) == dir {
			out = append(out, path.Base(name))
		}
	}
	for sub := range d.dirs {
		if sub != "" && dirOf(sub) == dir {
			out = append(out, path.Base(sub)+"/")
		}
	}
	slices.Sort(out)
	return out, nil
}

// SyncDir implements durable.FS.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dirs[dir] {
		return missing("sync", dir)
	}
	return d.change(func() error {
		maps.DeleteFunc(d.kept, func(name string, _ *node) bool { return dirOf(name) == dir && d.now[name] == nil })
		for name, n := range d.now {
			if dirOf(name) == dir {
				d.kept[name] = n
			}
		}
		return nil
	})
}

// Lock implements durable.FS.
func (d *Disk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return nil, ErrInjected
	}
	if d.locks[name] {
		return nil, durable.ErrLocked
	}
	d.locks[name] = true
	return unlock{d, d.life, name}, nil
}

type unlock struct {
	disk *Disk
	life int
	name string
}

func (u unlock) Close() error {
	u.disk.mu.Lock()
	defer u.disk.mu.Unlock()
	if u.disk.life == u.life {
		delete(u.disk.locks, u.name)
	}
	return nil
}

// Contains reports whether any file, as it is now, contains the bytes.
func (d *Disk) Contains(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.now {
		if strings.Contains(string(n.data), what) {
			return true
		}
	}
	return false
}
