package verify

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrTransfer: a statement that is malformed, or of another document.
var ErrTransfer = errors.New("verify: not the statement of this document")

// Transfer is the platform's signed statement about a document that one facility sends
// to another: these bytes, from whom, to whom, until when. It names no person; the
// document does.
type Transfer struct {
	ID          [16]byte // names the sender's signed request
	From, To    string   // facilities, each 1 to 40 bytes
	By          string   // who asked, as the platform names them
	Digest      [32]byte // SHA-256 of the document
	Size        int64    // its bytes
	Sent, Until time.Time
	Signature   [64]byte // Ed25519, by the platform's log key
}

// MaxTransfer bounds a statement's JSON in bytes.
const MaxTransfer = 2048

const domainTransfer = "amanah transfer v1\x00"

// Bytes are what is signed: a name of the purpose, the id, from, to and by with a byte
// of length before each, digest, size, sent and until, numbers as eight bytes,
// big-endian, times in seconds since 1970.
func (t Transfer) Bytes() []byte {
	b := append([]byte(domainTransfer), t.ID[:]...)
	for _, s := range []string{t.From, t.To, t.By} {
		b = append(append(b, byte(len(s))), s...)
	}
	b = append(b, t.Digest[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Size))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Sent.Unix()))
	return binary.BigEndian.AppendUint64(b, uint64(t.Until.Unix()))
}

// Sign signs the statement; ErrTransfer for what Bytes could not tell apart.
func (t *Transfer) Sign(key crypto.Signer) error {
	if !t.whole() {
		return ErrTransfer
	}
	sig, err := key.Sign(nil, t.Bytes(), crypto.Hash(0))
	if err != nil || len(sig) != len(t.Signature) {
		return fmt.Errorf("sign a transfer: %w", errors.Join(err, ErrTransfer))
	}
	copy(t.Signature[:], sig)
	return nil
}

func (t Transfer) whole() bool {
	for _, s := range []string{t.From, t.To, t.By} {
		if s == "" || len(s) > 40 {
			return false
		}
	}
	return t.Size > 0 && t.From != t.To && t.Sent.Before(t.Until)
}

// Verify reads a document and says whether it is the one that the statement is about
// and the statement is signed by one of the keys: ErrSignature, or ErrTransfer for other
// bytes. Whether it may still be fetched is for the platform to say, not for the paper.
func (t Transfer) Verify(document io.Reader, keys ...ed25519.PublicKey) error {
	signed := false
	for _, k := range keys {
		if len(k) == ed25519.PublicKeySize && !smallOrder(k) {
			signed = signed || ed25519.Verify(k, t.Bytes(), t.Signature[:])
		}
	}
	if !signed || !t.whole() {
		return fmt.Errorf("transfer: %w", ErrSignature)
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(document, t.Size+1))
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	if n != t.Size || !bytes.Equal(h.Sum(nil), t.Digest[:]) {
		return ErrTransfer
	}
	return nil
}

// transferJSON is a statement as it is written.
type transferJSON struct {
	ID        string    `json:"id"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	By        string    `json:"by"`
	Digest    string    `json:"sha256"`
	Size      int64     `json:"size"`
	Sent      time.Time `json:"sent"`
	Until     time.Time `json:"until"`
	Signature string    `json:"signature"`
}

// MarshalJSON writes the statement; bytes as hexadecimal.
func (t Transfer) MarshalJSON() ([]byte, error) {
	return json.Marshal(transferJSON{
		hex.EncodeToString(t.ID[:]), t.From, t.To, t.By, hex.EncodeToString(t.Digest[:]), t.Size,
		t.Sent.UTC().Truncate(time.Second), t.Until.UTC().Truncate(time.Second), hex.EncodeToString(t.Signature[:]),
	})
}

// UnmarshalJSON reads what MarshalJSON writes; ErrTransfer. What it reads may be signed
// by nobody.
func (t *Transfer) UnmarshalJSON(raw []byte) error {
	var j transferJSON
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if len(raw) > MaxTransfer || d.Decode(&j) != nil {
		return ErrTransfer
	}
	out := Transfer{From: j.From, To: j.To, By: j.By, Size: j.Size, Sent: j.Sent.UTC(), Until: j.Until.UTC()}
	for _, one := range []struct {
		text string
		into []byte
	}{{j.ID, out.ID[:]}, {j.Digest, out.Digest[:]}, {j.Signature, out.Signature[:]}} {
		b, err := hex.DecodeString(one.text)
		if err != nil || len(b) != len(one.into) {
			return ErrTransfer
		}
		copy(one.into, b)
	}
	if !out.whole() || out.Sent.Nanosecond() != 0 || out.Until.Nanosecond() != 0 {
		return ErrTransfer
	}
	*t = out
	return nil
}
