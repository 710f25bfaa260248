// Package backup copies an installation to a place that its thief cannot delete, and
// makes one of such a copy.
//
// A backup is the state of one moment: the keeper stands still while the database's
// snapshot is taken. It is put piece by piece under names that say nothing, each
// sealed under a key of its own derived from its content, so that what did not change
// is not put again and an interrupted backup goes on where it stopped. A manifest
// lists the pieces; the keeper signs and journals its digest, and each names the one
// before: a backup cut off, swapped or altered is found.
//
// People's and days' keys are sealed by the keeper under the week's key, which is
// destroyed after 30 days. That key and the root are in neither place: they go to a
// recovery folder of their own. It is not a replica: what was acknowledged after the
// moment of the last backup is lost with the machine, and a restore says from when.
package backup

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of backups.
var (
	ErrPiece = fault.New(fault.Conflict, "a piece of the backup is missing, cut or altered")
	ErrChain = fault.New(fault.Conflict, "the chain of backups does not hold: one is missing, swapped or not the keeper's")
	ErrNone  = fault.New(fault.NotFound, "there is no backup yet")
)

// Target is where backups are put: part of store.Blobs, so any of its engines, under
// credentials that may put and read. Put leaves what is there as it is.
type Target interface {
	Put(ctx context.Context, name store.BlobName, r io.Reader) error
	Open(ctx context.Context, name store.BlobName) (store.Blob, error)
}

// Keeper is what a backup asks of the keeper, on its admin socket.
type Keeper interface {
	Backup(ctx context.Context, ask keeper.BackupAsk) (keeper.BackupGiven, error)
}

// Manifest lists one backup's pieces.
type Manifest struct {
	Format  int       `json:"format"`
	N       uint64    `json:"n"`
	Before  []byte    `json:"before"` // digest of the manifest before it; zeros for none
	Held    time.Time `json:"held"`   // the moment that it is the state of
	Tables  []Table   `json:"tables"`
	Blobs   []Piece   `json:"blobs"` // of the list of documents
	Seq     uint64    `json:"seq"`   // of the keeper's journal
	Chain   []byte    `json:"chain"`
	Journal []Piece   `json:"journal"`
	Size    int64     `json:"size"` // of the journal
	People  uint64    `json:"people"`
	WrapGen uint32    `json:"wrap_gen"`
	Week    uint32    `json:"week"`
	Wraps   []Piece   `json:"wraps"`
	Files   []File    `json:"files"`
}

// Table is one table's pieces.
type Table struct {
	store.Table
	Pieces []Piece `json:"pieces"`
}

// File is one small file of the keeper's.
type File struct {
	Name  string `json:"name"`
	Piece Piece  `json:"piece"`
}

// Piece is something that was put.
type Piece struct {
	Name string `json:"name"` // 64 hex digits
	Size int    `json:"size"` // of its content, in bytes
	Rows int    `json:"rows,omitempty"`
}

const format = 1

// Keys seal and name what is put.
type Keys struct{ Data, Name keeper.Secret }

func (k Keys) mac(label string, what []byte) store.BlobName {
	m := hmac.New(sha256.New, k.Name)
	m.Write([]byte("amanah backup " + label + " v1\x00"))
	m.Write(what)
	return store.BlobName(m.Sum(nil))
}

// aead is a key of one piece's own: content-named pieces of one name are the same.
func (k Keys) aead(name store.BlobName) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.Data, "amanah backup piece v1\x00"+string(name[:]), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// named is the name of a piece of that content.
func (k Keys) named(content []byte) store.BlobName {
	sum := sha256.Sum256(content)
	return k.mac("piece", sum[:])
}

// put seals a piece and puts it, unless it is there.
func (k Keys) put(ctx context.Context, t Target, name store.BlobName, content []byte) error {
	if there(ctx, t, name, int64(len(content)+16)) {
		return nil
	}
	aead, err := k.aead(name)
	if err != nil {
		return err
	}
	return t.Put(ctx, name, bytes.NewReader(aead.Seal(nil, make([]byte, 12), content, name[:])))
}

// there reports whether a piece of that length was put.
func there(ctx context.Context, t Target, name store.BlobName, size int64) bool {
	b, err := t.Open(ctx, name)
	if err != nil {
		return false
	}
	defer b.Close()
	return b.Size() == size
}

// maxPiece bounds a piece, in bytes.
const maxPiece = 16 << 20

// get opens a piece.
func (k Keys) get(ctx context.Context, t Target, name store.BlobName) ([]byte, error) {
	b, err := t.Open(ctx, name)
	if errors.Is(err, store.ErrNoBlob) {
		return nil, ErrPiece
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if b.Size() > maxPiece {
		return nil, ErrPiece
	}
	raw := make([]byte, b.Size())
	if n, err := b.ReadAt(raw, 0); n < len(raw) {
		return nil, err
	}
	aead, err := k.aead(name)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, make([]byte, 12), raw, name[:])
	if err != nil || k.named(plain) != name {
		return nil, ErrPiece
	}
	return plain, nil
}

// piece puts content under its own name.
func (k Keys) piece(ctx context.Context, t Target, content []byte, rows int) (Piece, error) {
	name := k.named(content)
	return Piece{name.String(), len(content), rows}, k.put(ctx, t, name, content)
}

// open opens a piece of a manifest.
func (k Keys) open(ctx context.Context, t Target, p Piece) ([]byte, error) {
	name, err := store.ParseBlobName(p.Name)
	if err != nil {
		return nil, ErrPiece
	}
	raw, err := k.get(ctx, t, name)
	if err == nil && len(raw) != p.Size {
		err = ErrPiece
	}
	return raw, err
}

// signatureName is where the keeper's word for a digest is put.
func (k Keys) signatureName(digest [32]byte) store.BlobName { return k.mac("signature", digest[:]) }

// putManifest puts a manifest, and returns its digest.
func (k Keys) putManifest(ctx context.Context, t Target, m Manifest) ([32]byte, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(raw), k.put(ctx, t, k.named(raw), raw)
}

// Manifest opens the manifest of a digest.
func (k Keys) Manifest(ctx context.Context, t Target, digest [32]byte) (m Manifest, err error) {
	raw, err := k.get(ctx, t, k.mac("piece", digest[:]))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Format != format || len(m.Before) != 32 || len(m.Chain) != 32 {
		return m, ErrChain
	}
	return m, nil
}
