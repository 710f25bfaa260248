package disk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
)

// blobs is how many names a trial uses: few, so that they meet each other's fate.
const blobs = 6

// nameOf is the name of the n-th blob; every second one shares its folder.
func nameOf(n int) store.BlobName {
	name := store.BlobName(sha256.Sum256(fmt.Append(nil, n)))
	if n%2 == 0 {
		name[0], name[1] = 0xab, 0xcd
	}
	return name
}

// contentOf is what the n-th blob holds, the same in every trial. The last is
// longer than a Put holds in memory.
func contentOf(n int) []byte {
	size := n * n * 50
	if n == blobs-1 {
		size = 135_000
	}
	return bytes.Repeat([]byte{byte(n + 1)}, size)
}

// fate is what must be found of a blob after a crash.
type fate uint8

const (
	absent fate = iota
	whole
	either // the call about it failed
)

// rig is a store on a disk that crashes, with what was promised of each blob.
type rig struct {
	disk  *durabletest.Disk
	wrap  func(durable.FS) durable.FS // nil for the disk as it is
	store *disk.Store
	fates [blobs]fate
}

func (r *rig) open() error {
	var f durable.FS = r.disk
	if r.wrap != nil {
		f = r.wrap(f)
	}
	s, err := disk.Open(f)
	r.store = s
	return err
}

// errBroken is a reader's own failure.
var errBroken = errors.New("the reader broke")

// put stores blob n and notes what was promised. An error must be the disk's own,
// in the port's words.
func (r *rig) put(n int) error {
	return r.note(n, whole, r.store.Put(context.Background(), nameOf(n), bytes.NewReader(contentOf(n))))
}

func (r *rig) delete(n int) error {
	err := r.store.Delete(context.Background(), nameOf(n))
	if errors.Is(err, store.ErrNoBlob) {
		if r.fates[n] == whole {
			return fmt.Errorf("blob %d was acknowledged and is not there", n)
		}
		err = nil
	}
	return r.note(n, absent, err)
}

func (r *rig) note(n int, done fate, err error) error {
	switch {
	case err == nil:
		r.fates[n] = done
	case !errors.Is(err, durabletest.ErrInjected) || fault.KindOf(err) != fault.Unavailable:
		return fmt.Errorf("blob %d: error is not the disk's: %w", n, err)
	case r.fates[n] != done: // what was so already stays so
		r.fates[n] = either
	}
	return nil
}

// breakOff puts blob n from a reader that fails: nobody's fate changes.
func (r *rig) breakOff(n int) error {
	half := io.MultiReader(bytes.NewReader(contentOf(n)), iotest.ErrReader(errBroken))
	err := r.store.Put(context.Background(), nameOf(n), half)
	if !errors.Is(err, errBroken) && !errors.Is(err, durabletest.ErrInjected) {
		return fmt.Errorf("blob %d from a broken reader: %w", n, err)
	}
	return nil
}

// check is compare, and looks for unfinished files.
func (r *rig) check() error { return errors.Join(r.compare(), r.noTemps()) }

// compare holds every blob against what was promised of it, and settles the open
// ones.
func (r *rig) compare() error {
	listed, err := r.store.List(context.Background(), store.BlobName{}, store.MaxBlobPage)
	if err != nil {
		return err
	}
	there := 0
	for n := range r.fates {
		found, err := r.find(n)
		if err != nil {
			return err
		}
		if r.fates[n] != either && r.fates[n] != found {
			return fmt.Errorf("blob %d: fate %d was promised and %d found", n, r.fates[n], found)
		}
		r.fates[n] = found
		if found == whole {
			there++
		}
	}
	if len(listed) != there {
		return fmt.Errorf("%d blobs listed, %d there", len(listed), there)
	}
	return nil
}

func (r *rig) find(n int) (fate, error) {
	b, err := r.store.Open(context.Background(), nameOf(n))
	if errors.Is(err, store.ErrNoBlob) {
		return absent, nil
	}
	if err != nil {
		return 0, err
	}
	defer b.Close()
	got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if err != nil || !bytes.Equal(got, contentOf(n)) {
		return 0, fmt.Errorf("blob %d is neither whole nor absent: %d of %d bytes, %w", n, len(got), len(contentOf(n)), err)
	}
	return whole, nil
}

// noTemps looks at every folder of the disk itself for unfinished files.
func (r *rig) noTemps() error {
	dirs := []string{""}
	for len(dirs) > 0 {
		dir := dirs[0]
		dirs = dirs[1:]
		names, err := r.disk.List(dir)
		if err != nil {
			return err
		}
		for _, n := range names {
			if sub, ok := strings.CutSuffix(n, "/"); ok {
				dirs = append(dirs, strings.TrimPrefix(dir+"/"+sub, "/"))
			} else if strings.HasSuffix(n, durable.TempSuffix) {
				return fmt.Errorf("%s is left in %q", n, dir)
			}
		}
	}
	return nil
}

// trial runs a few lives of a disk, each with calls and perhaps a failure, and
// ending in a crash. It returns the first broken promise.
func trial(seed uint64, wrap func(durable.FS) durable.FS) error {
	rng := rand.New(rand.NewPCG(seed, 2))
	r := &rig{disk: durabletest.New(seed), wrap: wrap}
	for life := range 4 {
		if err := r.open(); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		if err := r.check(); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		if rng.IntN(3) > 0 {
			r.disk.Fail(durabletest.Failure{N: 1 + rng.IntN(60), Effect: rng.IntN(2) == 0, Stop: rng.IntN(2) == 0})
		}
		for range rng.IntN(12) {
			n, err := rng.IntN(blobs), error(nil)
			switch rng.IntN(6) {
			case 0:
				err = r.breakOff(n)
			case 1, 2:
				err = r.delete(n)
			default:
				err = r.put(n)
			}
			if err != nil {
				return fmt.Errorf("life %d: %w", life, err)
			}
		}
		r.midway(rng)
		r.disk.Crash()
	}
	if err := r.open(); err != nil {
		return err
	}
	return r.check()
}

// midway lets the power fail while a blob is being read, in some lives.
func (r *rig) midway(rng *rand.Rand) {
	n := rng.IntN(blobs)
	if rng.IntN(2) == 0 || r.fates[n] != absent {
		return
	}
	power := readerOnce(r.disk.Crash)
	_ = r.store.Put(context.Background(), nameOf(n), io.MultiReader(bytes.NewReader(contentOf(n)), power))
}

type readerOnce func()

func (f readerOnce) Read([]byte) (int, error) {
	f()
	return 0, errBroken
}

func TestCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		if err := trial(seed, nil); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// careless is a disk under a store that forgets to do something.
type careless struct {
	durable.FS
	noSync, noSyncDir, noSweep bool
}

func (c careless) Open(name string, mode durable.Mode) (durable.File, error) {
	f, err := c.FS.Open(name, mode)
	if err == nil && c.noSync {
		f = unsynced{f}
	}
	return f, err
}

func (c careless) SyncDir(dir string) error {
	if c.noSyncDir {
		return nil
	}
	return c.FS.SyncDir(dir)
}

func (c careless) List(dir string) ([]string, error) {
	names, err := c.FS.List(dir)
	if c.noSweep {
		names = slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, durable.TempSuffix) })
	}
	return names, err
}

type unsynced struct{ durable.File }

func (unsynced) Sync() error { return nil }

// TestACarelessStoreIsFoundOut shows that the trial would notice.
func TestACarelessStoreIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]careless{
		"bytes not synced": {noSync: true}, "names not synced": {noSyncDir: true}, "not swept": {noSweep: true},
	} {
		t.Run(name, func(t *testing.T) {
			caught := 0
			for seed := range uint64(300) {
				if trial(seed, func(f durable.FS) durable.FS { c.FS = f; return c }) != nil {
					caught++
				}
			}
			t.Logf("caught in %d of 300 trials", caught)
			if caught < 30 {
				t.Errorf("caught in %d of 300 trials only", caught)
			}
		})
	}
}

// story is a fixed sequence in which every kind of call occurs.
func (r *rig) story() error {
	return errors.Join(
		r.put(0), r.put(2), r.put(blobs-1), r.put(2), // empty; one folder; long; again
		r.delete(2), r.delete(2), r.put(2), // gone, asked again, anew
		r.breakOff(1), r.breakOff(2), r.put(1), r.delete(0),
	)
}

// TestEveryCallFails lets each call to the disk fail in turn.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	probe := &rig{disk: durabletest.New(0)}
	if err := errors.Join(probe.open(), probe.story(), probe.check()); err != nil {
		t.Fatal(err)
	}
	calls := probe.disk.Calls()
	t.Logf("%d calls", calls)
	if calls < 30 {
		t.Fatalf("the story makes %d calls only", calls)
	}
	for n := 1; n <= calls; n++ {
		for mode := range 4 {
			for seed := range uint64(3) {
				f := durabletest.Failure{N: n, Effect: mode&1 == 1, Stop: mode&2 == 2}
				if err := oneFailure(seed, f); err != nil {
					t.Fatalf("%+v, seed %d: %v", f, seed, err)
				}
			}
		}
	}
}

// oneFailure runs the story over a disk that fails once, or from then on.
func oneFailure(seed uint64, f durabletest.Failure) error {
	r := &rig{disk: durabletest.New(seed)}
	if err := r.open(); err != nil {
		return err
	}
	r.disk.Fail(f)
	if err := r.story(); err != nil {
		return err
	}
	if !f.Stop {
		// The disk works again: what failed can be asked again, and then counts. When
		// it was the cleaning up that failed, the next Open has something to sweep.
		if err := errors.Join(r.compare(), r.story()); err != nil {
			return fmt.Errorf("after it: %w", err)
		}
	}
	r.disk.Crash()
	if err := r.open(); err != nil {
		return err
	}
	return r.check()
}

// TestAFailedPutLeavesNothing: one failure, and the disk lets us clean up.
func TestAFailedPutLeavesNothing(t *testing.T) {
	for n := 1; ; n++ {
		for _, effect := range []bool{false, true} {
			r := &rig{disk: durabletest.New(uint64(n))}
			if err := r.open(); err != nil {
				t.Fatal(err)
			}
			r.disk.Fail(durabletest.Failure{N: n, Effect: effect})
			if err := r.put(3); err != nil {
				t.Fatal(err)
			}
			if r.fates[3] == whole {
				if n < 7 {
					t.Fatalf("call %d of a Put did not fail it", n)
				}
				return
			}
			r.fates[3] = absent
			if err := r.check(); err != nil {
				t.Fatalf("call %d, effect %v: %v", n, effect, err)
			}
		}
	}
}

// TestOpenFails lets each call fail by which Open cleans up after a crash.
func TestOpenFails(t *testing.T) {
	for _, f := range []durabletest.Failure{{N: 1}, {N: 1, Effect: true}, {N: 2}, {N: 2, Effect: true}} {
		r := &rig{disk: durabletest.New(1)}
		for _, name := range []string{"0000000000000001.new", "0000000000000002.new"} {
			if err := durable.WriteFile(r.disk, name, []byte("half")); err != nil {
				t.Fatal(err)
			}
		}
		r.disk.Fail(f)
		if err := r.open(); !errors.Is(err, store.ErrBlobsUnavailable) {
			t.Errorf("%+v: %v, want ErrBlobsUnavailable", f, err)
		}
		if err := errors.Join(r.open(), r.check()); err != nil { // the lock must be free again
			t.Errorf("%+v, then: %v", f, err)
		}
	}
}
