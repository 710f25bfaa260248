package export

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrCommitted: the keeper's word is of something else.
var ErrCommitted = fault.New(fault.Unavailable, "the keeper did not commit to this copy: nothing of it was written")

// Manifest is SHA-256 over a name of the purpose and each record with its version, in
// their order: what a copy is committed to before anything of it is opened.
func Manifest(of []Line) [32]byte {
	b := append(make([]byte, 0, 32+24*len(of)), "amanah copy manifest v1\x00"...)
	for _, l := range of {
		b = binary.BigEndian.AppendUint64(b, uint64(l.Person))
		b = binary.BigEndian.AppendUint64(b, uint64(l.Number))
		b = binary.BigEndian.AppendUint64(b, l.Version.Version)
	}
	return sha256.Sum256(b)
}

// Line is one record of a manifest, as it stands.
type Line struct {
	Person identity.PersonID
	record.Version
}

// commit has the keeper journal what the marks of a copy are and which records it is of,
// of these people, and returns the marks' keys. Without it the keeper opens nothing.
func (f *Flow) commit(ctx context.Context, e keeper.Export, people []identity.PersonID) (keeper.CopyKeys, error) {
	var lines []Line
	err := f.DB.View(ctx, func(s store.Stores) error {
		lines = lines[:0]
		for _, who := range people {
			have, err := s.Records.Versions(who)
			if err != nil {
				return err
			}
			for i, v := range have { // ascending: the last of a number is current
				if i+1 == len(have) || have[i+1].Number != v.Number {
					lines = append(lines, Line{who, v})
				}
			}
		}
		return nil
	})
	if err != nil {
		return keeper.CopyKeys{}, err
	}
	keys, err := f.Keeper.Seeds(ctx, e)
	if err != nil {
		return keys, err
	}
	manifest := Manifest(lines)
	d, err := f.Keeper.Deliver(ctx, e, manifest, len(lines))
	if err == nil && d.Commitment != leak.Commit(keys.Copy, &keys.Seed, manifest) {
		err = ErrCommitted
	}
	return keys, err
}
