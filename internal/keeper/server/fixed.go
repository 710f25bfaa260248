package server

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io/fs"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper/root"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// fixed are the keys that do not rotate here, by name.
type fixed map[string][]byte

func (f fixed) make(names ...string) {
	for _, n := range names {
		f[n] = make([]byte, 32)
		rand.Read(f[n])
	}
}

func (f fixed) aead() (cipher.AEAD, error) { return seal.New(f["epoch"]) }
func (f fixed) pin() ed25519.PrivateKey    { return ed25519.NewKeyFromSeed(f["pin"]) }

// openFixed reads or makes the keys that do not rotate here.
func (k *Keeper) openFixed() (fixed, error) {
	keys := fixed{}
	names := []string{"index", "epoch", "log", "pin"}
	err := k.file("fixed").Load(&keys)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := durable.ReadFile(k.disk, "mark"); !errors.Is(err, fs.ErrNotExist) {
			return nil, root.ErrFile
		}
		keys.make(append(names, "tags", "marks")...)
		err = k.file("fixed").Store(keys)
	}
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if len(keys[n]) != 32 {
			return nil, root.ErrFile
		}
	}
	k.index, k.logKey = keys["index"], ed25519.NewKeyFromSeed(keys["log"])
	k.ledger.key, err = hkdf.Expand(sha256.New, k.index, "amanah ledger key v1", 32)
	return keys, err
}

// openTraceKeys makes the keys of tags and marks in a folder from before there were such,
// unless the journal knows some.
func (k *Keeper) openTraceKeys(keys fixed) error {
	if (len(keys["tags"]) != 32 || len(keys["marks"]) != 32) && !k.Traces.Made() {
		keys.make("tags", "marks")
		if err := k.file("fixed").Store(keys); err != nil {
			return err
		}
	}
	return k.Traces.Begin(k.journal, k.logKey, keys["tags"], keys["marks"])
}
