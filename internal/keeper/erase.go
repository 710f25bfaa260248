package keeper

import (
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrErase: nobody's key is destroyed by this.
var ErrErase = fault.New(fault.Denied, "this erasure is not asked and approved by two officers' passkeys, or is over")

// Erase is an approved erasure: the keeper believes the passkeys of the officer who asks
// and of another, over all of the request, and nobody else. Whether a legal hold or the
// duty to retain forbids it is for the caller to decide; there is no way back.
type Erase struct {
	Request   staff.Request
	Approvals []staff.Approval
}

// Erased states that a person's key is destroyed: nothing that was sealed to them
// opens again.
type Erased struct {
	Person  identity.PersonID
	Reason  string
	At      time.Time // when it was journaled, to the second
	KeyHash [32]byte  // SHA-256 over a domain string and the key, journaled when the key was made
	// Unreadable is when neither an older state of the keeper's files nor a backup
	// opens the key any more: those are under keys that are destroyed by then.
	Unreadable time.Time
	Seq        uint64   // of the journal record
	Signature  [64]byte // by the log key
}

// Bytes are what the signature covers.
func (c Erased) Bytes() []byte {
	b := append([]byte("amanah certificate of erasure v1\x00"), c.KeyHash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Person))
	b = binary.BigEndian.AppendUint64(b, uint64(c.At.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Unreadable.Unix()))
	b = binary.BigEndian.AppendUint64(b, c.Seq)
	return append(b, c.Reason...)
}

// Sign signs the certificate with the log key.
func (c *Erased) Sign(key ed25519.PrivateKey) { copy(c.Signature[:], ed25519.Sign(key, c.Bytes())) }

// Holds reports whether the log key signed the certificate.
func (c Erased) Holds(public ed25519.PublicKey) bool {
	return ed25519.Verify(public, c.Bytes(), c.Signature[:])
}
