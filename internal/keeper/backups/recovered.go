package backups

import (
	"crypto/ed25519"
	"encoding/json"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// ErrRecovery: what the root's file beside it does not open.
var ErrRecovery = fault.New(fault.Invalid, "the recovery file does not open: give the credential of the root key beside it, or recover that from its shares")

// ErrWeek: the keys of a week die with its backups.
var ErrWeek = fault.New(fault.NotFound, "the key of this backup's week is destroyed: its people's keys are gone; give a newer backup, and the newest recovery file")

// AsTheyAre are the files that the root wraps: a backup takes them, and a keeper's folder
// made of one gets them, as they are.
func AsTheyAre() []string { return []string{"fixed", "service"} }

// recovery is what the recovery file holds.
type recovery struct {
	Keys Keys
	Last keeper.Backed
	Log  ed25519.PublicKey
}

// Recovered is an opened recovery file: what reads backups without a keeper.
type Recovered struct {
	Data, Name keeper.Secret
	Last       keeper.Backed // the last backup when the file was written
	Log        ed25519.PublicKey
	keys       Keys
}

// Recover reads the content of a recovery file, unwrapped.
func Recover(plain []byte) (*Recovered, error) {
	var r recovery
	if err := json.Unmarshal(plain, &r); err != nil || len(r.Log) != ed25519.PublicKeySize {
		return nil, ErrRecovery
	}
	return &Recovered{r.Keys.Data, r.Keys.Name, r.Last, r.Log, r.Keys}, nil
}

// Keys are those of backups, for a keeper's folder that is made of one.
func (r *Recovered) Keys() Keys { return r.keys }

// Chunk opens people's keys of a backup; Days those of days. ErrWeek when no week's key is
// left under which they are.
func (r *Recovered) Chunk(chunk uint64, sealed []byte) ([]byte, error) {
	return r.open(wrapsLabel(chunk), sealed)
}

// Days opens the keys of days.
func (r *Recovered) Days(sealed []byte) ([]byte, error) { return r.open("days", sealed) }

func (r *Recovered) open(label string, sealed []byte) ([]byte, error) {
	for _, w := range r.keys.Weeks {
		if plain, err := weekOpen(w.Key, label, sealed); err == nil {
			return plain, nil
		}
	}
	return nil, ErrWeek
}
