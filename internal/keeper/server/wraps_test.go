package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/people"
	"github.com/amanah-project/amanah/internal/keeper/root"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// files are a disk's files with what they hold, those of one folder below included.
func files(t testing.TB, d durable.FS, dir string) map[string][]byte {
	t.Helper()
	names, err := d.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, n := range names {
		full := path.Join(dir, n)
		if strings.HasSuffix(n, "/") {
			for name, raw := range files(t, d, full) {
				out[name] = raw
			}
			continue
		}
		if out[full], err = durable.ReadFile(d, full); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// thief has a copy of a keeper's folder and its credential: every key that the files
// give. It looks for a person's key at every byte of every file.
func thief(t testing.TB, now map[string][]byte, look map[string][]byte, c root.Credential, p identity.PersonID, key []byte) (found []string) {
	t.Helper()
	under := root.Only(rootOf(t, now["root"], c), "person ")
	raw, err := root.Only(rootOf(t, now["root"], c), "wrapkey").Unwrap("", now["wrapkey"])
	if err != nil {
		t.Fatal(err)
	}
	var w wrapKey
	if err := json.Unmarshal(raw, &w); err != nil {
		t.Fatal(err)
	}
	aead, err := seal.New(w.Key)
	if err != nil {
		t.Fatal(err)
	}
	opens := map[string]func(sealed []byte) ([]byte, error){
		"root":     func(sealed []byte) ([]byte, error) { return under.Unwrap(fmt.Sprint(p), sealed) },
		"wrap key": func(sealed []byte) ([]byte, error) { return seal.Open(aead, sealed, wrapAD(p)) },
	}
	for name, raw := range look {
		if bytes.Contains(raw, key) {
			found = append(found, name+" in clear")
		}
		for at := 0; at+wrapLen <= len(raw); at++ {
			for by, open := range opens {
				if got, err := open(raw[at : at+wrapLen]); err == nil && bytes.Equal(got, key) {
					found = append(found, fmt.Sprint(name, " by the ", by))
				}
			}
		}
	}
	return found
}

// TestOldFilesOfWrapsOpenNothingAfterAWeek: whoever keeps old states of the files of
// wraps and the whole journal, and steals root and wrap key later, finds nothing of
// who was erased meanwhile; before the change they find it.
func TestOldFilesOfWrapsOpenNothingAfterAWeek(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, 3)
	key, other := keyNow(t, k, 2), keyNow(t, k, 3)
	old := files(t, d, wrapDir)
	cred := options(d, c).Credential
	if got := thief(t, files(t, d, ""), old, cred, 2, key); len(got) != 1 {
		t.Fatalf("the control: before anything is erased the key is found in %v, want one place", got)
	}
	erase(t, k, 2)
	if got := thief(t, files(t, d, ""), files(t, d, ""), cred, 2, key); len(got) != 0 {
		t.Errorf("the folder holds the erased key: %v", got)
	}
	if got := thief(t, files(t, d, ""), old, cred, 2, key); len(got) != 1 {
		t.Errorf("the control: until the wrap key changes, an old file of wraps opens: %v", got)
	}
	c.pass(wrapLife)
	if err := k.Tend(); err != nil {
		t.Fatal(err)
	}
	now := files(t, d, "")
	if got := thief(t, now, old, cred, 2, key); len(got) != 0 {
		t.Errorf("an old file of wraps opens: %v", got)
	}
	if got := thief(t, now, now, cred, 2, key); len(got) != 0 {
		t.Errorf("the folder holds the erased key: %v", got)
	}
	if got := thief(t, now, now, cred, 3, other); len(got) != 1 {
		t.Errorf("the control: a living person's key is found in %v, want one place", got)
	}
	for _, name := range []string{"journal", "mark", "fixed"} {
		if got := thief(t, now, map[string][]byte{name: now[name]}, cred, 3, other); len(got) != 0 {
			t.Errorf("%s holds a key: %v", name, got)
		}
	}
}

func TestKeysStayOverAChangeOfTheWrapKey(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	const people = slotChunk + 5 // two files
	first := register(t, k, people)
	for round := range 3 {
		if err := k.Tend(); err != nil { // a week is not over: nothing
			t.Fatal(err)
		}
		gen := wrapKeyOf(t, k).Gen
		c.pass(wrapLife)
		if err := k.Tend(); err != nil {
			t.Fatal(err)
		}
		if wrapKeyOf(t, k).Gen != gen+1 {
			t.Fatalf("wrap key %d after %d", wrapKeyOf(t, k).Gen, gen)
		}
		register(t, k, 1)
		k = restart(t, k, c)
		for _, p := range []identity.PersonID{1, slotChunk, slotChunk + 1, people} {
			got, err := read(k, p, person1())
			if err != nil || got.Err != nil || !bytes.Equal(got.Keys[0], first[p-1].Key) {
				t.Errorf("round %d, person %d: %v %v", round, p, err, got.Err)
			}
		}
		if names, _ := d.List(wrapDir); len(names) != 2 {
			t.Errorf("files of wraps: %v", names)
		}
	}
}

func TestLostAndAlteredWrapsAreFound(t *testing.T) {
	c := newClock()
	base := durabletest.New(1)
	k := start(t, base, c)
	register(t, k, 3)
	erase(t, k, 2)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	name := wrapFile(0, 1)
	before, err := durable.ReadFile(base, name)
	if err != nil {
		t.Fatal(err)
	}
	for what, tc := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"nothing":           {func(b []byte) []byte { return b }, nil},
		"a bit of person 1": {func(b []byte) []byte { b[20] ^= 1; return b }, people.ErrWraps},
		"the last byte":     {func(b []byte) []byte { return b[:len(b)-1] }, people.ErrWraps},
		"all":               {func([]byte) []byte { return nil }, people.ErrWraps},
		"person 1's as 3's": {func(b []byte) []byte { copy(b[2*wrapLen:], b[:wrapLen]); return b }, people.ErrWraps},
		"1 and 3 swapped": {func(b []byte) []byte {
			return append(append(bytes.Clone(b[2*wrapLen:]), b[wrapLen:2*wrapLen]...), b[:wrapLen]...)
		}, people.ErrWraps},
		"person 1 as if erased":  {func(b []byte) []byte { clear(b[:wrapLen]); return b }, people.ErrWraps},
		"rubbish for the erased": {func(b []byte) []byte { copy(b[wrapLen:], b[:wrapLen]); return b }, nil},
	} {
		d := base.Clone()
		d.Corrupt(name, func(b []byte) []byte { return tc.change(b) })
		k, err := Open(options(d, c))
		wants(t, what, err, tc.want)
		if err != nil {
			continue
		}
		if got, err := read(k, 3, person1()); err != nil || got.Err != nil {
			t.Errorf("%s: person 3: %v %v", what, err, got.Err)
		}
		if raw, _ := durable.ReadFile(d, name); !bytes.Equal(raw[wrapLen:2*wrapLen], make([]byte, wrapLen)) || len(raw) != len(before) {
			t.Errorf("%s: the place of who is erased is not empty", what)
		}
		k.Close()
	}
	d := base.Clone()
	if err := errors.Join(d.Remove("wrapkey"), d.SyncDir("")); err != nil {
		t.Fatal(err)
	}
	_, err = Open(options(d, c))
	wants(t, "no wrap key, or a folder of the time before it", err, people.ErrWrapKey)
}

// TestAnOlderWrapKeyIsNotTakenAgain: a thief of the disk puts back last week's wrap
// key with its files, in which who was erased is still there.
func TestAnOlderWrapKeyIsNotTakenAgain(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	register(t, k, 2)
	old := files(t, d, "")
	erase(t, k, 1)
	c.pass(wrapLife)
	if err := k.Tend(); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"wrapkey", wrapFile(0, 1)} {
		if err := durable.WriteFile(d, name, old[name]); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(options(d, c))
	wants(t, "last week's wrap key", err, people.ErrWraps)
}

// TestTheWrapKeyChangesWhole lets every call of the change fail, in four ways, and
// the power go: either key is in force afterwards, and everybody's key is there.
func TestTheWrapKeyChangesWhole(t *testing.T) {
	failed := 0
	for n := 1; ; n++ {
		done := false
		for mode := range 4 {
			c, d := newClock(), durabletest.New(uint64(n))
			k := start(t, d, c)
			people := register(t, k, 3)
			erase(t, k, 2)
			c.pass(wrapLife)
			d.Fail(durabletest.Failure{N: n, Effect: mode&1 == 1, Stop: mode&2 == 2})
			err := k.Tend()
			done = err == nil
			if err != nil {
				failed++
				if !errors.Is(err, keeper.ErrUnavailable) && !errors.Is(err, durabletest.ErrInjected) {
					t.Errorf("call %d: %v", n, err)
				}
			}
			if err != nil && mode&2 == 0 && k.failed() == nil { // it is due again
				if err := k.Tend(); err != nil {
					t.Errorf("call %d mode %d, again: %v", n, mode, err)
				}
			}
			cut(d, k)
			if k, err = Open(options(d, c)); err != nil {
				t.Fatalf("call %d mode %d: %v", n, mode, err)
			}
			if err := k.Tend(); err != nil {
				t.Errorf("call %d mode %d, after the restart: %v", n, mode, err)
			}
			if got, err := read(k, 3, person1()); err != nil || got.Err != nil || !bytes.Equal(got.Keys[0], people[2].Key) {
				t.Errorf("call %d mode %d: %v %v", n, mode, err, got.Err)
			}
			err = k.people.Known(2)
			wants(t, "the erased", err, keeper.ErrErased)
			if names, _ := d.List(wrapDir); len(names) != 1 {
				t.Errorf("call %d mode %d: files %v", n, mode, names)
			}
			if age := c.now().Sub(wrapKeyOf(t, k).Made); age >= wrapLife {
				t.Errorf("call %d mode %d: the wrap key is %s old", n, mode, age)
			}
			k.Close()
		}
		if done {
			break
		}
	}
	if failed < 40 {
		t.Errorf("only %d calls failed: a change journals, writes, names, replaces the key and removes", failed)
	}
	t.Logf("%d failures", failed)
}

// TestRegisteringDuringFailures: a registration whose wraps could not be written is
// none, and the next one is whole.
func TestRegisteringDuringFailures(t *testing.T) {
	for n := 1; n <= 5; n++ {
		for _, effect := range []bool{false, true} {
			c, d := newClock(), durabletest.New(uint64(n))
			k := start(t, d, c)
			register(t, k, 1)
			d.Fail(durabletest.Failure{N: n, Effect: effect})
			_, err := k.people.Register(2)
			wants(t, fmt.Sprint("call ", n), err, keeper.ErrUnavailable)
			h, err := k.Health()
			if err != nil || h.People != 1 {
				t.Errorf("call %d: %d people, %v", n, h.People, err)
			}
			second := register(t, k, 2)
			cut(d, k)
			k = start(t, d, c)
			if got, err := read(k, 3, person1()); err != nil || got.Err != nil || !bytes.Equal(got.Keys[0], second[1].Key) {
				t.Errorf("call %d: %v %v", n, err, got.Err)
			}
			k.Close()
		}
	}
}

func BenchmarkRewrap(b *testing.B) {
	k, c := fresh(b, 0)
	const people = 16 * keeper.MaxBulk
	for range people / keeper.MaxBulk {
		register(b, k, keeper.MaxBulk)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.pass(wrapLife + time.Second)
		if err := k.Tend(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(people)*float64(b.N)/b.Elapsed().Seconds(), "people/s")
}
