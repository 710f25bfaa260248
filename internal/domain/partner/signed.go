package partner

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of agreements.
var (
	ErrNumber     = fault.New(fault.Conflict, "terms.partner: number the application with the next free number")
	ErrVersion    = fault.New(fault.Conflict, "terms.version: one more than the partner's last version is needed")
	ErrAgreement  = fault.New(fault.NotFound, "no such agreement")
	ErrSigned     = fault.New(fault.Conflict, "the platform has signed this version before")
	ErrUnsigned   = fault.New(fault.Denied, "partner has no agreement in force")
	ErrThumbprint = fault.New(fault.Denied, "the signing key of these terms is another than the one confirmed")
)

// Agreement is one version of a partner's terms, as both sides signed it. It is
// never changed: the platform's signature is added once, and that is all.
type Agreement struct {
	Partner          ID
	Version          int
	Terms            []byte    // canonical JSON
	Signature        string    // the partner's, a detached JWS over Terms
	Offered          time.Time // when the platform took it in
	Until            time.Time // as in the terms
	Countersignature Countersignature
}

// Countersignature is the platform's word for an agreement, by the keeper's log
// key. It is zero until the platform signed.
type Countersignature struct {
	Seq       uint64 // of the keeper's journal
	At        time.Time
	Signature [64]byte
}

// Digest is what the platform signs: the terms and the partner's signature of them.
func (a Agreement) Digest() [32]byte {
	b := append([]byte("amanah agreement v1\x00"), binary.BigEndian.AppendUint32(nil, uint32(len(a.Terms)))...)
	b = append(b, a.Terms...)
	return sha256.Sum256(append(b, a.Signature...))
}

// Bytes are what the platform's signature of a digest covers.
func (c Countersignature) Bytes(digest [32]byte) []byte {
	b := append([]byte("amanah attestation v1\x00"), digest[:]...)
	b = binary.BigEndian.AppendUint64(b, c.Seq)
	return binary.BigEndian.AppendUint64(b, uint64(c.At.UnixMilli()))
}

// Sign signs a digest with the log key.
func (c *Countersignature) Sign(key ed25519.PrivateKey, digest [32]byte) {
	copy(c.Signature[:], ed25519.Sign(key, c.Bytes(digest)))
}

// Agreed are the terms of an agreement that both sides signed.
type Agreed struct {
	Terms
	Relay [32]byte // thumbprint of the relay's key
}

// Open returns what was agreed, if the platform's signature holds over what is
// stored, the partner's signature included: who writes to the database makes no
// agreement. ErrUnsigned, and ErrSignature of a first version, which vouches for
// itself; which key was the right one for a later version was settled, by Succeeds,
// before the platform signed.
func (a Agreement) Open(platform ed25519.PublicKey) (Agreed, error) {
	c := a.Countersignature
	if c.At.IsZero() || len(platform) != ed25519.PublicKeySize || !ed25519.Verify(platform, c.Bytes(a.Digest()), c.Signature[:]) {
		return Agreed{}, ErrUnsigned
	}
	t, err := ParseTerms(a.Terms)
	if err != nil {
		return Agreed{}, err
	}
	if t.Partner != a.Partner || t.Version != a.Version {
		return Agreed{}, ErrUnsigned
	}
	if a.Version == 1 {
		if err := t.Verify(a.Signature); err != nil {
			return Agreed{}, err
		}
	}
	k, err := ParseKey(t.Keys.Relay)
	return Agreed{Terms: t, Relay: k.Thumbprint()}, err
}

// InForce returns the highest version in force at a moment; ErrUnsigned for none.
// The versions are one partner's, ascending.
func InForce(versions []Agreed, at time.Time) (*Agreed, error) {
	for i := len(versions) - 1; i >= 0; i-- {
		if v := &versions[i]; !at.Before(v.From) && at.Before(v.Until) {
			return v, nil
		}
	}
	return nil, ErrUnsigned
}

// Succeeds returns nil when an agreement may follow those a partner has: the first
// vouches for itself, and the next must be signed by the key of the last that the
// platform signed. What the platform did not sign speaks for nobody but its sender,
// so that before the first countersignature the first version's key counts.
// ErrVersion, ErrSignature.
func (a Agreement) Succeeds(before []Agreement) error {
	if a.Version != len(before)+1 {
		return ErrVersion
	}
	terms := a.Terms
	if len(before) > 0 {
		terms = before[0].Terms
	}
	for _, b := range before {
		if !b.Countersignature.At.IsZero() {
			terms = b.Terms
		}
	}
	last, err := ParseTerms(terms)
	if err != nil {
		return err
	}
	k, err := ParseKey(last.Keys.Sign)
	if err != nil {
		return err
	}
	return k.Verify(a.Signature, a.Terms)
}

// AgreementStore keeps agreements, append-only. Methods run inside the caller's
// transaction.
type AgreementStore interface {
	// Offer adds an agreement that the platform has not signed; ErrVersion unless its
	// version is the one after the partner's last.
	Offer(a Agreement) error
	// Countersign adds the platform's signature; ErrAgreement when there is no such
	// version, ErrSigned when it was signed before.
	Countersign(id ID, version int, c Countersignature) error
	// Of returns a partner's agreements, by version.
	Of(id ID) ([]Agreement, error)
	// Current returns the agreements that the platform signed and that end after a
	// moment, by partner and version.
	Current(at time.Time) ([]Agreement, error)
}

// OpenAll opens the agreements that the platform signed, in their order. One that
// does not hold is left out, and the error says that there was one.
func OpenAll(all []Agreement, platform ed25519.PublicKey) ([]Agreed, error) {
	var out []Agreed
	var odd error
	for _, a := range all {
		if a.Countersignature.At.IsZero() {
			continue
		}
		in, err := a.Open(platform)
		if err != nil {
			odd = errors.Join(odd, fmt.Errorf("agreement %d of partner %s: %w", a.Version, a.Partner, err))
			continue
		}
		out = append(out, in)
	}
	return out, odd
}
