package server

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/root"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// What the keeper promises of its files and times, written down a second time: what a thief
// of them knows, and a database that obeys.
const (
	wrapDir   = "wraps"
	wrapLen   = 12 + 32 + 16
	wrapLife  = 7 * 24 * time.Hour
	tendLate  = 24 * time.Hour
	slotChunk = keeper.WrapChunk
	askPrefix = "asked-"

	writingFor  = 2 * time.Second
	openFor     = time.Minute
	maxOpen     = 4
	healthChunk = 256
	maxWants    = journal.MaxRecord / 64
)

type wrapKey struct {
	Gen  uint32
	Key  []byte
	Made time.Time
}

func wrapKeyOf(t testing.TB, k *Keeper) (w wrapKey) {
	t.Helper()
	if err := k.file("wrapkey").Load(&w); err != nil {
		t.Fatal(err)
	}
	return w
}

func wrapAD(id identity.PersonID) []byte { return fmt.Append(nil, "amanah wrap v1\x00person ", id) }

func wrapFile(chunk int, gen uint32) string { return fmt.Sprintf("%s/%06d-%d", wrapDir, chunk, gen) }

// keyNow is a person's key, as it would go into a backup.
func keyNow(t testing.TB, k *Keeper, p identity.PersonID) []byte {
	t.Helper()
	chunk, err := k.people.Chunk(uint64(p-1)/keeper.WrapChunk, func(plain []byte) ([]byte, error) { return slices.Clone(plain), nil })
	if err != nil {
		t.Fatal(err)
	}
	return chunk[uint64(p-1)%keeper.WrapChunk*32:][:32]
}

func personHash(key []byte) [32]byte {
	return sha256.Sum256(append([]byte("amanah person key v1\x00"), key...))
}

// dayHash is the hash of a day's key, as the journal has it.
func dayHash(t testing.TB, k *Keeper, day uint32) [32]byte {
	t.Helper()
	for _, b := range records(k, journal.KindDay) {
		if binary.BigEndian.Uint32(b) == day {
			return [32]byte(b[4:])
		}
	}
	t.Fatalf("no key of day %d was made", day)
	return [32]byte{}
}

func traceKeys(t testing.TB, k *Keeper) (tags []byte, base leak.Base) {
	t.Helper()
	keys := fixed{}
	if err := k.file("fixed").Load(&keys); err != nil {
		t.Fatal(err)
	}
	return keys["tags"], leak.Base(seal.MAC(keys["marks"], []byte("amanah mark base v1\x00")))
}

// after returns have with one record at a new version; with, with a new version of each of
// records beside the old ones.
func after(have []keeper.Version, r keeper.Record, version uint64) []keeper.Version {
	have = slices.DeleteFunc(slices.Clone(have), func(v keeper.Version) bool { return v.Record == r })
	return with(have, []keeper.Record{r}, version)
}

func with(have []keeper.Version, records []keeper.Record, version uint64) []keeper.Version {
	out := slices.Clone(have)
	for _, r := range records {
		out = append(out, keeper.Version{Record: r, Version: version})
	}
	slices.SortFunc(out, func(a, b keeper.Version) int {
		return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Version, b.Version))
	})
	return out
}

// rootOf opens the root key of a folder's files.
func rootOf(t testing.TB, raw []byte, c root.Credential) root.Root {
	t.Helper()
	key, err := root.Open(raw, c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// changed opens a keeper's folder anew, with other options.
func (h *house) changed(t testing.TB, change func(*Options)) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	opt := options(h.disk, h.c)
	change(&opt)
	k, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	h.Keeper = k
}
