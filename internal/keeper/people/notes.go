package people

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// maxNotes bounds the notes of one call.
const maxNotes = 64

// notePlain is the length at which every note is sealed: what a note says must not
// be told by how long it is.
const notePlain = 2 + keeper.MaxNote

// noteKey is the key of one note. Notes and record versions never share one: their
// labels differ.
func (p *People) noteKey(n *keeper.Note) (cipher.AEAD, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.person(n.Person)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Expand(sha256.New, s.key[:], string(noteAD(n)), 32)
	if err != nil {
		return nil, err
	}
	return seal.New(key)
}

func noteAD(n *keeper.Note) []byte {
	b := append(make([]byte, 0, 48), "amanah note v1\x00"...)
	b = binary.BigEndian.AppendUint64(b, uint64(n.Person))
	return append(append(b, n.Matter[:]...), byte(n.Part))
}

// SealNotes seals texts to their people. It opens nothing and moves no head, so it
// takes no intent.
func (p *People) SealNotes(notes []keeper.Note) ([][]byte, error) {
	if len(notes) > maxNotes {
		return nil, keeper.ErrTooMany
	}
	if err := p.failed(); err != nil {
		return nil, err
	}
	out := make([][]byte, len(notes))
	for i := range notes {
		n := &notes[i]
		if len(n.Text) > keeper.MaxNote {
			return nil, keeper.ErrTooMany
		}
		aead, err := p.noteKey(n)
		if err != nil {
			return nil, err
		}
		plain := make([]byte, notePlain)
		binary.BigEndian.PutUint16(plain, uint16(len(n.Text)))
		copy(plain[2:], n.Text)
		out[i] = seal.Seal(aead, plain, noteAD(n))
	}
	return out, nil
}

// ReadsOf is what an intent to open texts names: their people and matters.
func ReadsOf(notes []keeper.Note) ([]keeper.Read, error) {
	if len(notes) > maxNotes {
		return nil, keeper.ErrTooMany
	}
	reads := make([]keeper.Read, len(notes))
	for n := range notes {
		reads[n] = keeper.Read{Person: notes[n].Person, Want: []keeper.Version{
			{Record: keeper.RecordNote, Version: binary.BigEndian.Uint64(notes[n].Matter[:])},
		}}
	}
	return reads, nil
}

// OpenNotes opens texts, for an intent on disk that names their people and matters.
func (p *People) OpenNotes(e journal.Entry, notes []keeper.Note) ([][]byte, error) {
	if !e.Opens() {
		return nil, keeper.ErrUnavailable
	}
	out := make([][]byte, len(notes))
	for n := range notes {
		aead, err := p.noteKey(&notes[n])
		if err != nil {
			return nil, err
		}
		plain, err := seal.Open(aead, notes[n].Text, noteAD(&notes[n]))
		if err != nil || len(plain) != notePlain || int(binary.BigEndian.Uint16(plain)) > keeper.MaxNote {
			return nil, keeper.ErrSealed
		}
		out[n] = plain[2:][:binary.BigEndian.Uint16(plain)]
	}
	return out, nil
}
