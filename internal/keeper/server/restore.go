package server

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// Errors of restoring.
var (
	ErrRecovery = fault.New(fault.Invalid, "the recovery file does not open: give the credential of the root key beside it, or recover that from its shares")
	ErrWeek     = fault.New(fault.NotFound, "the key of this backup's week is destroyed: its people's keys are gone; give a newer backup, and the newest recovery file")
	ErrNotEmpty = fault.New(fault.Conflict, "the keeper's folder is not empty: restore into an empty one")
)

// recovery is what the recovery file holds.
type recovery struct {
	Keys backupKeys
	Last keeper.Backed
	Log  ed25519.PublicKey
}

// Recovered is an opened recovery file: what reads backups without a keeper.
type Recovered struct {
	Data, Name keeper.Secret
	Last       keeper.Backed // the last backup when the file was written
	Log        ed25519.PublicKey
	inner      recovery
	root       *fileRoot
	raw        []byte // the root's file
}

// OpenRecovery opens the recovery file with the credential of the root's file beside
// it.
func OpenRecovery(r keeper.Recovery, c Credential) (*Recovered, error) {
	root, err := openRoot(r.Root, c)
	if err != nil {
		return nil, err
	}
	raw, err := root.Unwrap("recovery", r.Keys)
	if err != nil {
		return nil, ErrRecovery
	}
	out := &Recovered{root: root, raw: r.Root}
	if err := json.Unmarshal(raw, &out.inner); err != nil || len(out.inner.Log) != ed25519.PublicKeySize {
		return nil, ErrRecovery
	}
	out.Data, out.Name, out.Last, out.Log = out.inner.Keys.Data, out.inner.Keys.Name, out.inner.Last, out.inner.Log
	return out, nil
}

// open opens a piece under whichever week's key it is; ErrWeek when under none that
// is left.
func (r *Recovered) open(label string, sealed []byte) ([]byte, error) {
	for _, w := range r.inner.Keys.Weeks {
		if plain, err := weekOpen(w.Key, label, sealed); err == nil {
			return plain, nil
		}
	}
	return nil, ErrWeek
}

// Copied is what a backup holds of a keeper.
type Copied struct {
	Held    keeper.Held // Tail is not looked at
	Number  uint64      // of the backup
	Digest  [32]byte    // of its manifest
	Journal io.Reader   // Held.Journal bytes
	Files   map[string][]byte
	Wraps   func(chunk uint64) ([]byte, error)
}

// Restore makes a keeper's folder of a backup, in an empty one, and opens it once, so
// that whatever does not fit is found.
func Restore(opt Options, r *Recovered, c Copied) error {
	disk := opt.Disk
	if err := disk.MkdirAll(""); err != nil {
		return err
	}
	if names, err := disk.List(""); err != nil || slices.ContainsFunc(names, func(n string) bool { return n != "lock" }) {
		return errors.Join(err, ErrNotEmpty)
	}
	k := &Keeper{disk: disk, root: r.root, now: opt.Now}
	if k.now == nil {
		k.now = time.Now
	}
	if err := k.restoreWraps(r, c); err != nil {
		return err
	}
	if err := k.restoreFiles(r, c); err != nil {
		return err
	}
	if err := durable.Replace(disk, "journal", func(w io.Writer) error {
		n, err := io.Copy(w, c.Journal)
		if err == nil && n != c.Held.Journal {
			err = journal.ErrBroken
		}
		return err
	}); err != nil {
		return err
	}
	if err := k.storeWrapped("mark", journal.Mark{Seq: c.Held.Seq, Chain: c.Held.Chain}); err != nil {
		return err
	}
	// The root last: a folder without one is refused, not taken for whole.
	if err := durable.WriteFile(disk, "root", r.raw); err != nil {
		return err
	}
	whole, err := Open(opt)
	if err != nil {
		return err
	}
	_, _, err = whole.journal.Append(recRestored, append(binary.BigEndian.AppendUint64(nil, c.Number), c.Digest[:]...))
	return errors.Join(err, whole.Close())
}

func (k *Keeper) restoreWraps(r *Recovered, c Copied) error {
	if err := k.disk.MkdirAll(wrapDir); err != nil {
		return err
	}
	key := k.freshWrapKey(c.Held.WrapGen + 1)
	aead, err := newAEAD(key.Key)
	if err != nil {
		return err
	}
	for chunk := uint64(0); chunk*keeper.WrapChunk < c.Held.People; chunk++ {
		sealed, err := c.Wraps(chunk)
		if err != nil {
			return err
		}
		plain, err := r.open(wrapsLabel(chunk), sealed)
		if err != nil {
			return err
		}
		raw := make([]byte, len(plain)/32*wrapLen)
		for i := range len(plain) / 32 {
			if one := plain[i*32:][:32]; [32]byte(one) != ([32]byte{}) {
				id := identity.PersonID(chunk*keeper.WrapChunk + uint64(i) + 1)
				copy(raw[i*wrapLen:], sealWith(aead, one, wrapAD(id)))
			}
		}
		clear(plain)
		if err := durable.WriteFile(k.disk, wrapFile(int(chunk), key.Gen), raw); err != nil {
			return err
		}
	}
	return k.storeWrapped("wrapkey", key)
}

func (k *Keeper) restoreFiles(r *Recovered, c Copied) error {
	for _, name := range []string{"fixed", "service"} {
		if raw, ok := c.Files[name]; ok {
			if err := durable.WriteFile(k.disk, name, raw); err != nil {
				return err
			}
		}
	}
	if err := k.storeWrapped(backupFile, r.inner.Keys); err != nil {
		return err
	}
	plain, err := r.open("days", c.Files["days"])
	if err != nil {
		return err
	}
	days, wrapped := map[string][]byte{}, map[string][]byte{}
	if err := json.Unmarshal(plain, &days); err != nil {
		return err
	}
	for d, key := range days {
		if wrapped[d], err = k.root.Wrap("day "+d, key); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(wrapped)
	if err != nil {
		return err
	}
	return durable.WriteFile(k.disk, "days", raw)
}
