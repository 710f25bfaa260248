package server

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/backups"
	"github.com/amanah-project/amanah/internal/keeper/days"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/people"
	"github.com/amanah-project/amanah/internal/keeper/root"
)

// ErrNotEmpty keeps a keeper that is there from being written over.
var ErrNotEmpty = fault.New(fault.Conflict, "the keeper's folder is not empty: restore into an empty one")

// Recovered is an opened recovery file, and the root key beside it.
type Recovered struct {
	*backups.Recovered
	root root.Root
	raw  []byte // the root's file
}

// OpenRecovery opens the recovery file with the credential of the root's file beside
// it.
func OpenRecovery(r keeper.Recovery, c root.Credential) (*Recovered, error) {
	key, err := root.Open(r.Root, c)
	if err != nil {
		return nil, err
	}
	plain, err := root.Only(key, "recovery").Unwrap("", r.Keys)
	if err != nil {
		return nil, backups.ErrRecovery
	}
	out, err := backups.Recover(plain)
	if err != nil {
		return nil, err
	}
	return &Recovered{out, key, r.Root}, nil
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
	file := func(name string) root.File { return root.FileOf(r.root, disk, name) }
	now := time.Now
	if opt.Now != nil {
		now = opt.Now
	}
	chunk := func(n uint64) ([]byte, error) {
		sealed, err := c.Wraps(n)
		if err != nil {
			return nil, err
		}
		return r.Chunk(n, sealed)
	}
	if err := people.Restore(disk, file("wrapkey"), c.Held.WrapGen+1, now(), c.Held.People, chunk); err != nil {
		return err
	}
	if err := r.restoreFiles(disk, c.Files); err != nil {
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
	if err := file("mark").Store(journal.Mark{Seq: c.Held.Seq, Chain: c.Held.Chain}); err != nil {
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
	_, _, err = whole.journal.Append(journal.KindRestored, append(binary.BigEndian.AppendUint64(nil, c.Number), c.Digest[:]...))
	return errors.Join(err, whole.Close())
}

// restoreFiles makes the small files.
func (r *Recovered) restoreFiles(disk durable.FS, files map[string][]byte) error {
	for _, name := range backups.AsTheyAre() {
		if raw, ok := files[name]; ok {
			if err := durable.WriteFile(disk, name, raw); err != nil {
				return err
			}
		}
	}
	if err := root.FileOf(r.root, disk, backups.File).Store(r.Keys()); err != nil {
		return err
	}
	plain, err := r.Days(files["days"])
	if err != nil {
		return err
	}
	return days.Restore(disk, root.Only(r.root, "day "), plain)
}
