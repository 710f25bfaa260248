package server

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/keeper"
)

// maxNotes bounds the notes of one call.
const maxNotes = 64

// notePlain is the length at which every note is sealed: what a note says must not
// be told by how long it is.
const notePlain = 2 + keeper.MaxNote

// noteKey is the key of one note. Notes and record versions never share one: their
// labels differ.
func (k *Keeper) noteKey(n *keeper.Note) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.person(n.Person)
	if err != nil {
		return nil, err
	}
	person, err := k.keyOf(n.Person, s)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Expand(sha256.New, person, string(noteAD(n)), 32)
	if err != nil {
		return nil, err
	}
	return newAEAD(key)
}

func noteAD(n *keeper.Note) []byte {
	b := append(make([]byte, 0, 48), "amanah note v1\x00"...)
	b = binary.BigEndian.AppendUint64(b, uint64(n.Person))
	return append(append(b, n.Matter[:]...), byte(n.Part))
}

// SealNotes seals texts to their people. It opens nothing and moves no head, so it
// takes no intent.
func (k *Keeper) SealNotes(notes []keeper.Note) ([][]byte, error) {
	if len(notes) > maxNotes {
		return nil, keeper.ErrTooMany
	}
	if err := k.failed(); err != nil {
		return nil, err
	}
	out := make([][]byte, len(notes))
	for i := range notes {
		n := &notes[i]
		if len(n.Text) > keeper.MaxNote {
			return nil, keeper.ErrTooMany
		}
		aead, err := k.noteKey(n)
		if err != nil {
			return nil, err
		}
		plain := make([]byte, notePlain)
		binary.BigEndian.PutUint16(plain, uint16(len(n.Text)))
		copy(plain[2:], n.Text)
		out[i] = sealWith(aead, plain, noteAD(n))
	}
	return out, nil
}

// OpenNotes opens texts, after the intent that names their people and matters is
// durable and within its budget.
func (k *Keeper) OpenNotes(role keeper.Role, i keeper.Intent, notes []keeper.Note) ([][]byte, error) {
	if len(notes) > maxNotes {
		return nil, keeper.ErrTooMany
	}
	reads := make([]keeper.Read, len(notes))
	for n := range notes {
		reads[n] = keeper.Read{Person: notes[n].Person, Want: []keeper.Version{
			{Record: keeper.RecordNote, Version: binary.BigEndian.Uint64(notes[n].Matter[:])},
		}}
	}
	if _, err := k.intend(i, reads, len(notes), role); err != nil {
		return nil, err
	}
	out := make([][]byte, len(notes))
	for n := range notes {
		aead, err := k.noteKey(&notes[n])
		if err != nil {
			return nil, err
		}
		plain, err := openWith(aead, notes[n].Text, noteAD(&notes[n]))
		if err != nil || len(plain) != notePlain || int(binary.BigEndian.Uint16(plain)) > keeper.MaxNote {
			return nil, keeper.ErrSealed
		}
		out[n] = plain[2:][:binary.BigEndian.Uint16(plain)]
	}
	return out, nil
}
