package stafftest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
)

// Flags of authenticator data (WebAuthn L3 §6.1).
const (
	Present  = 1 << 0
	Verified = 1 << 2
	Eligible = 1 << 3 // may be copied to other devices
	attested = 1 << 6
)

// Authenticator is a security key in software that holds one passkey. It protects
// nothing. Flags may be changed before it is asked.
type Authenticator struct {
	*Signer
	t          testing.TB
	Credential []byte
	Flags      byte // of what it answers; Present and Verified at first
}

// Passkey makes an authenticator whose passkey signs by ES256.
func Passkey(t testing.TB) *Authenticator {
	t.Helper()
	return Hold(t, EC(t))
}

// PasskeyEd is Passkey by EdDSA.
func PasskeyEd(t testing.TB) *Authenticator {
	t.Helper()
	return Hold(t, Ed(t))
}

// Hold is an authenticator whose passkey is s.
func Hold(t testing.TB, s *Signer) *Authenticator {
	id := make([]byte, 32)
	rand.Read(id)
	return &Authenticator{s, t, id, Present | Verified}
}

// Key is the passkey's public key.
func (a *Authenticator) Key() jose.Key { return a.key }

// Register answers a request for a new passkey.
func (a *Authenticator) Register(s staff.Site, challenge [32]byte) (attestation, clientData []byte) {
	a.t.Helper()
	data := a.data(s, a.Flags|attested)
	data = append(data, make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.Credential)))
	data = append(append(data, a.Credential...), a.cose()...)
	out := append([]byte{0xa3, 0x63}, "fmt"...)
	out = append(append(out, 0x64), "none"...)
	out = append(append(out, 0x67), "attStmt"...)
	out = append(append(out, 0xa0, 0x68), "authData"...)
	out = append(out, 0x58, byte(len(data))) // below 256
	return append(out, data...), ClientData(s, "webauthn.create", challenge)
}

// Sign signs a challenge.
func (a *Authenticator) Sign(s staff.Site, challenge [32]byte) staff.Assertion {
	a.t.Helper()
	data, client := a.data(s, a.Flags), ClientData(s, "webauthn.get", challenge)
	sum := sha256.Sum256(client)
	return staff.Assertion{AuthData: data, ClientData: client, Signature: a.sign(a.t, append(append([]byte{}, data...), sum[:]...))}
}

// Endorses endorses a browser's key.
func (a *Authenticator) Endorses(s staff.Site, who staff.ActorID, browser [32]byte, until time.Time) staff.Endorsement {
	a.t.Helper()
	until = until.Truncate(time.Second)
	one := a.Sign(s, staff.Challenge(browser, until))
	return staff.Endorsement{Actor: who, Until: until, Data: one.AuthData, Client: one.ClientData, Signature: one.Signature}
}

// Approve approves a request.
func (a *Authenticator) Approve(s staff.Site, who staff.ActorID, id staff.RequestID, at time.Time) staff.Approval {
	a.t.Helper()
	return staff.Approval{Request: id, Actor: who, At: at, Assertion: a.Sign(s, staff.ApprovalChallenge(id))}
}

// ClientData is what a browser says of itself.
func ClientData(s staff.Site, kind string, challenge [32]byte) []byte {
	return []byte(`{"type":"` + kind + `","challenge":"` + b64(challenge[:]) +
		`","origin":"` + s.Origin + `","crossOrigin":false}`)
}

func (a *Authenticator) data(s staff.Site, flags byte) []byte {
	site := sha256.Sum256([]byte(s.ID))
	return append(append(site[:], flags), 0, 0, 0, 0)
}

// cose is the public key as a COSE_Key.
func (a *Authenticator) cose() []byte {
	switch public := a.private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			a.t.Fatal(err)
		}
		out := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
		return append(append(out, 0x22, 0x58, 32), point[33:]...)
	case ed25519.PublicKey:
		return append([]byte{0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32}, public...)
	}
	a.t.Fatal("no such key")
	return nil
}
