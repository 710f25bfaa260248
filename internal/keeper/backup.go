package keeper

import (
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of backups.
var (
	ErrHeld  = fault.New(fault.Busy, "another backup holds the keeper still, or this one did for too long: try again shortly")
	ErrFirst = fault.New(fault.Conflict, "another backup was ended since this one began: begin again")
)

// BackupLife is how long people's keys stay readable in a backup after the week in
// which it was made: then the week's key is destroyed, and with it what the backup
// holds of people's and days' keys.
const (
	BackupWeek = 7 * 24 * time.Hour
	BackupLife = 30 * 24 * time.Hour
)

// WrapChunk is how many people's keys a backup holds in one piece.
const WrapChunk = 4096

// Backup is what a backup begins with.
type Backup struct {
	N      uint64   // its number: one above the last that was ended
	Before [32]byte // digest of the last one's manifest; zero for none
	Data   Secret   // seals what is not under the week's key
	Name   Secret   // names what is put
	People uint64   // registered now
}

// Held is the moment that a backup is of: the keeper stands still until Release, at
// most HoldFor, so that the database's snapshot is of the same moment.
type Held struct {
	At      time.Time
	Seq     uint64 // of the last journal record
	Chain   [32]byte
	Journal int64  // bytes of the journal up to it
	People  uint64 // registered
	WrapGen uint32 // the newest wrap key's number
	Week    uint32 // under whose key people's and days' keys are
	Tail    [][]byte
}

// HoldFor bounds how long a backup holds the keeper still.
const HoldFor = 5 * time.Second

// Backed states that a backup is the keeper's: its manifest's digest, signed.
type Backed struct {
	N         uint64
	Digest    [32]byte // SHA-256 of the manifest
	Held      time.Time
	Seq       uint64
	Signature [64]byte
}

// Bytes are what the signature covers.
func (b Backed) Bytes() []byte {
	out := append([]byte("amanah backup v1\x00"), b.Digest[:]...)
	out = binary.BigEndian.AppendUint64(out, b.N)
	out = binary.BigEndian.AppendUint64(out, uint64(b.Held.UnixMilli()))
	return binary.BigEndian.AppendUint64(out, b.Seq)
}

// Sign signs with the log key.
func (b *Backed) Sign(key ed25519.PrivateKey) { copy(b.Signature[:], ed25519.Sign(key, b.Bytes())) }

// Holds reports whether the log key signed it.
func (b Backed) Holds(public ed25519.PublicKey) bool {
	return ed25519.Verify(public, b.Bytes(), b.Signature[:])
}

// Recovery is what a restore needs beside what was put: it goes to a place of its own,
// where it can be written over.
type Recovery struct {
	Root []byte // the root key's file, sealed by its credential
	Keys []byte // the keys of backups, wrapped by the root
}

// BackupStep is one step of a backup.
type BackupStep uint8

// Steps, in their order. Wraps, Journal and Files may be asked as often as needed.
const (
	BackupBegin BackupStep = 1 + iota
	BackupWraps            // of chunk At
	BackupHold             // and the wraps of chunks from At on
	BackupRelease
	BackupJournal // from byte At, at most MaxJournal
	BackupFiles
	BackupEnd // with Digest
)

// MaxJournal is the most of the journal that one step gives, in bytes.
const MaxJournal = 1 << 20

// BackupAsk asks for one step.
type BackupAsk struct {
	Step   BackupStep
	At     uint64
	N      uint64
	Digest [32]byte
	Held   time.Time
}

// BackupGiven answers one step.
type BackupGiven struct {
	Backup   Backup
	Raw      []byte
	Held     Held
	Files    map[string][]byte
	Backed   Backed
	Recovery Recovery
}
