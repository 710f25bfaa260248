package response

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

// beside is what is kept with a result.
type beside struct {
	Report  *dump.Report
	Indexes int
}

// keep keeps what was observed, streamed into an age file whose key the trace's key seals: of
// millions of rows no second copy is in memory.
func (d folder) keep(name string, o *observed) error {
	return durable.Replace(d.FS, name, func(w io.Writer) error {
		sealed, err := age.Encrypt(w, d.stanza())
		if err != nil {
			return err
		}
		if err := o.Result.Pack(sealed, beside{o.Report, o.Indexes}); err != nil {
			return err
		}
		return sealed.Close()
	})
}

// kept reads what was observed, as keep writes it, or as tools before version 2 of the format
// did, in one piece and as JSON; fs.ErrNotExist when nothing is kept, ErrKept when it does not open.
func (d folder) kept(name string) (o observed, err error) {
	file, err := d.Open(name, durable.Read)
	if err != nil {
		return o, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return o, err
	}
	begin := make([]byte, min(size, int64(len(ageBegins))))
	if _, err := file.ReadAt(begin, 0); err != nil && !errors.Is(err, io.EOF) {
		return o, err
	}
	if string(begin) != ageBegins {
		plain, err := d.read(name)
		if err != nil {
			return o, err
		}
		if json.Unmarshal(plain, &o) != nil || o.Result == nil || o.Report == nil {
			return observed{}, ErrKept
		}
		return o, nil
	}
	plain, err := age.Decrypt(io.NewSectionReader(file, 0, size), d.stanza())
	if err != nil {
		return o, ErrKept
	}
	var with beside
	if o.Result, err = trace.Unpack(plain, &with); err != nil || with.Report == nil {
		return observed{}, ErrKept
	}
	o.Report, o.Indexes = with.Report, with.Indexes
	return o, nil
}

// ageBegins is how an age file begins (age-encryption.org/v1); a file sealed in one piece
// begins with a random nonce.
const ageBegins = "age-encryption.org/v1\n"

// stanza seals and opens the key of an age file by the trace's key. It is an age.Recipient and
// an age.Identity.
type stanza struct{ seal cipher.AEAD }

func (d folder) stanza() stanza { return stanza{d.seal} }

const stanzaType = "amanah-trace"

// Wrap implements age.Recipient. The label sets it apart from files that are sealed in one piece.
func (s stanza) Wrap(key []byte) ([]*age.Stanza, error) {
	nonce := make([]byte, s.seal.NonceSize())
	rand.Read(nonce)
	return []*age.Stanza{{Type: stanzaType, Body: s.seal.Seal(nonce, nonce, key, []byte(stanzaType))}}, nil
}

// Unwrap implements age.Identity.
func (s stanza) Unwrap(all []*age.Stanza) ([]byte, error) {
	n := s.seal.NonceSize()
	for _, one := range all {
		if one.Type == stanzaType && len(one.Body) > n {
			if key, err := s.seal.Open(nil, one.Body[:n], one.Body[n:], []byte(stanzaType)); err == nil {
				return key, nil
			}
		}
	}
	return nil, age.ErrIncorrectIdentity
}
