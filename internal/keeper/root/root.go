// Package root holds the root key, under which all other keys of the keeper lie on disk.
//
// It never gives the key away: who is given a Scope wraps and unwraps for one purpose, who
// is given a File reads and writes one file, and shares are made and joined in here. Only
// the keeper's wiring and the commands about its credential import it (internal/arch_test.go).
package root

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"

	"golang.org/x/crypto/argon2"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Errors of the root key.
var (
	ErrCredential = fault.New(fault.Invalid, "the credential does not open the root key: give the file or passphrase it was made with")
	ErrFile       = fault.New(fault.Invalid, "the root key's file is damaged: restore it from its shares or backup; nothing else opens without it")
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

// Root wraps all other keys. A file stands behind it here; an HSM or a key service may.
type Root interface {
	// Wrap seals a key for a purpose.
	Wrap(purpose string, key []byte) ([]byte, error)
	// Unwrap opens what Wrap sealed for the same purpose.
	Unwrap(purpose string, sealed []byte) ([]byte, error)
	// Close forgets the key.
	Close() error
}

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

// Make makes the file content of a new root key.
func Make(c Credential) ([]byte, error) {
	root := make([]byte, 32)
	rand.Read(root)
	return sealKey(root, c)
}

func sealKey(root []byte, c Credential) ([]byte, error) {
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
	aead, err := seal.New(kek)
	if err != nil {
		return nil, err
	}
	return append(head, seal.Seal(aead, root, head)...), nil
}

// Open opens the root key's file content.
func Open(raw []byte, c Credential) (Root, error) {
	key, err := openKey(raw, c)
	if err != nil {
		return nil, err
	}
	aead, err := seal.New(key)
	if err != nil {
		return nil, err
	}
	return &fileRoot{aead}, nil
}

func openKey(raw []byte, c Credential) ([]byte, error) {
	n := len(rootMagic) + 1 + saltLen
	if len(raw) != n+12+32+16 || string(raw[:len(rootMagic)]) != rootMagic {
		return nil, ErrFile
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
	aead, err := seal.New(kek)
	if err != nil {
		return nil, err
	}
	key, err := seal.Open(aead, raw[n:], raw[:n])
	if err != nil {
		return nil, ErrCredential
	}
	return key, nil
}

func (r *fileRoot) Wrap(purpose string, key []byte) ([]byte, error) {
	return seal.Seal(r.aead, key, []byte("amanah wrap v1\x00"+purpose)), nil
}

func (r *fileRoot) Unwrap(purpose string, sealed []byte) ([]byte, error) {
	return seal.Open(r.aead, sealed, []byte("amanah wrap v1\x00"+purpose))
}

func (r *fileRoot) Close() error {
	r.aead = nil
	return nil
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
