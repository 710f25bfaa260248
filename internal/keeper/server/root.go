package server

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/argon2"

	"github.com/amanah-project/amanah/internal/fault"
)

// Root wraps all other keys. A file stands behind it here; an HSM or a key service
// may.
type Root interface {
	// Wrap seals a key for a purpose.
	Wrap(purpose string, key []byte) ([]byte, error)
	// Unwrap opens what Wrap sealed for the same purpose.
	Unwrap(purpose string, sealed []byte) ([]byte, error)
	// Close forgets the key.
	Close() error
}

// Errors of the root key.
var (
	ErrCredential = fault.New(fault.Invalid, "the credential does not open the root key: give the file or passphrase it was made with")
	ErrRootFile   = fault.New(fault.Invalid, "the root key's file is damaged: restore it from its shares or backup; nothing else opens without it")
)

// Credential opens the root key's file.
type Credential struct {
	Secret     []byte // a file of random bytes, or
	Passphrase []byte // words that a person types
}

const (
	rootMagic  = "amanah-root-v1\n"
	saltLen    = 16
	byFile     = 1
	byPhrase   = 2
	argonTime  = 3
	argonMiB   = 64
	argonLanes = 2
)

// fileRoot is a root key held in memory, read from a sealed file.
type fileRoot struct{ aead cipher.AEAD }

func (c Credential) kek(mode byte, salt []byte) ([]byte, error) {
	if mode == byPhrase {
		return argon2.IDKey(c.Passphrase, salt, argonTime, argonMiB<<10, argonLanes, 32), nil
	}
	return hkdf.Key(sha256.New, c.Secret, salt, "amanah root credential v1", 32)
}

func (c Credential) mode() (byte, error) {
	switch {
	case len(c.Secret) >= 32 && len(c.Passphrase) == 0:
		return byFile, nil
	case len(c.Passphrase) >= 12 && len(c.Secret) == 0:
		return byPhrase, nil
	}
	return 0, fault.New(fault.Invalid, "the credential is a file of at least 32 bytes or a passphrase of at least 12 characters")
}

// sealRoot makes the file content of a new root key.
func sealRoot(c Credential) ([]byte, error) {
	root := make([]byte, 32)
	rand.Read(root)
	return sealRootKey(root, c)
}

func sealRootKey(root []byte, c Credential) ([]byte, error) {
	mode, err := c.mode()
	if err != nil {
		return nil, err
	}
	head := append([]byte(rootMagic), mode)
	salt := make([]byte, saltLen)
	rand.Read(salt)
	head = append(head, salt...)
	kek, err := c.kek(mode, salt)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(kek)
	if err != nil {
		return nil, err
	}
	return append(head, sealWith(aead, root, head)...), nil
}

// openRoot opens the root key's file content.
func openRoot(raw []byte, c Credential) (*fileRoot, error) {
	key, err := openRootKey(raw, c)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return &fileRoot{aead}, nil
}

func openRootKey(raw []byte, c Credential) ([]byte, error) {
	n := len(rootMagic) + 1 + saltLen
	if len(raw) != n+12+32+16 || string(raw[:len(rootMagic)]) != rootMagic {
		return nil, ErrRootFile
	}
	mode, err := c.mode()
	if err != nil {
		return nil, err
	}
	if raw[len(rootMagic)] != mode {
		return nil, ErrCredential
	}
	kek, err := c.kek(mode, raw[len(rootMagic)+1:n])
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(kek)
	if err != nil {
		return nil, err
	}
	key, err := openWith(aead, raw[n:], raw[:n])
	if err != nil {
		return nil, ErrCredential
	}
	return key, nil
}

func (r *fileRoot) Wrap(purpose string, key []byte) ([]byte, error) {
	return sealWith(r.aead, key, []byte("amanah wrap v1\x00"+purpose)), nil
}

func (r *fileRoot) Unwrap(purpose string, sealed []byte) ([]byte, error) {
	return openWith(r.aead, sealed, []byte("amanah wrap v1\x00"+purpose))
}

func (r *fileRoot) Close() error {
	r.aead = nil
	return nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

var errOpen = errors.New("keeper: a sealed value does not open")

// sealWith seals under a random nonce, which goes before the ciphertext.
func sealWith(aead cipher.AEAD, plain, ad []byte) []byte {
	if !binds {
		ad = nil
	}
	out := make([]byte, 12, 12+len(plain)+16)
	rand.Read(out)
	return aead.Seal(out, out[:12], plain, ad)
}

func openWith(aead cipher.AEAD, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < 12+16 {
		return nil, errOpen
	}
	if !binds {
		ad = nil
	}
	plain, err := aead.Open(nil, sealed[:12], sealed[12:], ad)
	if err != nil {
		return nil, errOpen
	}
	return plain, nil
}

// versionKey derives the key of one version of one record.
func versionKey(person []byte, record, version uint64) ([]byte, error) {
	if !binds {
		record, version = 0, 0
	}
	info := append([]byte("amanah record version v1\x00"), make([]byte, 16)...)
	binary.BigEndian.PutUint64(info[len(info)-16:], record)
	binary.BigEndian.PutUint64(info[len(info)-8:], version)
	return hkdf.Expand(sha256.New, person, string(info), 32)
}

// ReadCredential reads a credential file, which only its owner may read.
func ReadCredential(name string) (Credential, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Credential{}, fault.New(fault.Invalid, "the credential file cannot be read")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Credential{}, fault.New(fault.Invalid, "the credential file may be read by others: chmod 600 it")
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return Credential{}, fmt.Errorf("read the credential: %w", err)
	}
	return Credential{Secret: raw}, nil
}
