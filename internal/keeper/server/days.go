package server

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// ErrYoung refuses to destroy the key of a day whose retention is not over.
var ErrYoung = fault.New(fault.Denied, "the day's retention is not over: its key may not be destroyed yet")

// dayKeySet is what one day's random key gives.
type dayKeySet struct {
	key   []byte
	aead  cipher.AEAD
	name  []byte // of people on that day
	blind []byte // of commitments
}

func newDayKeys(key []byte) (*dayKeySet, error) {
	sub := func(info string) ([]byte, error) { return hkdf.Expand(sha256.New, key, "amanah day v1\x00"+info, 32) }
	seal, err := sub("seal")
	if err != nil {
		return nil, err
	}
	ks := &dayKeySet{key: key}
	if ks.aead, err = newAEAD(seal); err != nil {
		return nil, err
	}
	if ks.name, err = sub("pseudonym"); err != nil {
		return nil, err
	}
	ks.blind, err = sub("commitment")
	return ks, err
}

func keyHash(key []byte) [32]byte {
	return sha256.Sum256(append([]byte("amanah day key v1\x00"), key...))
}

func (k *Keeper) heldDay(d day.Day) (*dayKeySet, bool) {
	k.dayMu.RLock()
	defer k.dayMu.RUnlock()
	ks, ok := k.days[d]
	return ks, ok
}

// dayKeys returns the keys of a day near now, making them when there are none. The
// key of a day that was destroyed is never made again.
func (k *Keeper) dayKeys(d day.Day) (*dayKeySet, error) {
	if ks, ok := k.heldDay(d); ok {
		return ks, nil
	}
	today := day.Of(k.now())
	if d < today.Add(-1) || d > today.Add(1) {
		return nil, keeper.ErrDay
	}
	k.dayMu.Lock()
	defer k.dayMu.Unlock()
	if ks, ok := k.days[d]; ok {
		return ks, nil
	}
	if _, gone := k.certificates[d]; gone {
		return nil, keeper.ErrDay
	}
	key := make([]byte, 32)
	rand.Read(key)
	ks, err := newDayKeys(key)
	if err != nil {
		return nil, err
	}
	k.days[d] = ks
	hash := keyHash(key)
	_, _, err = k.journal.Append(recDay, append(binary.BigEndian.AppendUint32(nil, uint32(d)), hash[:]...))
	if err == nil {
		err = k.storeDays()
	}
	if err != nil {
		delete(k.days, d)
		return nil, fmt.Errorf("%w: a day's key cannot be stored: %v", keeper.ErrUnavailable, err)
	}
	return ks, nil
}

// storeDays writes the file of day keys anew, each wrapped by the root. A key that
// is no longer held is in no file of the keeper afterwards.
func (k *Keeper) storeDays() error {
	wrapped := map[string][]byte{}
	for d, ks := range k.days {
		w, err := k.root.Wrap("day "+d.String(), ks.key)
		if err != nil {
			return err
		}
		wrapped[d.String()] = w
	}
	raw, err := json.Marshal(wrapped)
	if err != nil {
		return err
	}
	return durable.WriteFile(k.disk, "days", raw)
}

func (k *Keeper) loadDays() error {
	raw, err := durable.ReadFile(k.disk, "days")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	wrapped := map[string][]byte{}
	if err := json.Unmarshal(raw, &wrapped); err != nil {
		return ErrJournal
	}
	left := false
	for text, w := range wrapped {
		d, err := day.Parse(text)
		if err != nil {
			return ErrJournal
		}
		if _, gone := k.certificates[d]; gone {
			left = true // a crash came between the certificate's record and the file
			continue
		}
		key, err := k.root.Unwrap("day "+text, w)
		if err != nil {
			return ErrJournal
		}
		if k.days[d], err = newDayKeys(key); err != nil {
			return err
		}
	}
	if left {
		return k.storeDays()
	}
	return nil
}

// DestroyDay destroys a day's key and certifies it. It may be asked again.
func (k *Keeper) DestroyDay(d day.Day) (keeper.Certificate, error) {
	if d > day.Of(k.now()).Add(-k.opt.RetentionDays) {
		return keeper.Certificate{}, ErrYoung
	}
	k.dayMu.Lock()
	defer k.dayMu.Unlock()
	if c, ok := k.certificates[d]; ok {
		return k.certify(c)
	}
	ks, ok := k.days[d]
	if !ok {
		return keeper.Certificate{}, keeper.ErrDay
	}
	c := keeper.Certificate{Day: d, Destroyed: k.now().Truncate(time.Second), KeyHash: keyHash(ks.key)}
	payload := binary.BigEndian.AppendUint32(nil, uint32(d))
	payload = binary.BigEndian.AppendUint64(payload, uint64(c.Destroyed.Unix()))
	payload = append(payload, c.KeyHash[:]...)
	seq, _, err := k.journal.Append(recDestroy, payload)
	if err != nil {
		return keeper.Certificate{}, err
	}
	delete(k.days, d)
	clear(ks.key)
	c.Seq = seq
	c.Sign(k.logKey)
	k.certificates[d], k.unpurged = c, true
	return k.certify(c)
}

// certify gives a certificate out, if no file holds the day's key.
func (k *Keeper) certify(c keeper.Certificate) (keeper.Certificate, error) {
	if err := k.purgeDays(); err != nil {
		return keeper.Certificate{}, err
	}
	return c, nil
}

// purgeDays makes sure that no file holds a destroyed day's key; until it has
// succeeded, nobody gets that day's certificate.
func (k *Keeper) purgeDays() error {
	if !k.unpurged {
		return nil
	}
	if err := k.storeDays(); err != nil {
		return fmt.Errorf("%w: the file of day keys cannot be written: %v", keeper.ErrUnavailable, err)
	}
	k.unpurged = false
	return nil
}

func (k *Keeper) replayDestroy(seq uint64, payload []byte) error {
	if len(payload) != 4+8+32 {
		return ErrJournal
	}
	d := day.Day(int32(binary.BigEndian.Uint32(payload)))
	k.certificates[d] = keeper.Certificate{
		Day: d, Destroyed: time.Unix(int64(binary.BigEndian.Uint64(payload[4:])), 0), KeyHash: [32]byte(payload[12:]), Seq: seq,
	}
	return nil
}

// Certificates lists the days destroyed, oldest first.
func (k *Keeper) Certificates() ([]keeper.Certificate, error) {
	k.dayMu.Lock()
	defer k.dayMu.Unlock()
	if err := k.purgeDays(); err != nil {
		return nil, err
	}
	out := make([]keeper.Certificate, 0, len(k.certificates))
	for _, c := range k.certificates {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b keeper.Certificate) int { return int(a.Day) - int(b.Day) })
	return out, nil
}
