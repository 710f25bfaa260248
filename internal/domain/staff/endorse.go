package staff

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
)

// ErrEndorsement: bytes that are no endorsement.
var ErrEndorsement = fault.New(fault.Denied, "the endorsement is malformed: sign in again")

// MaxEndorsed is how long a browser's key may be endorsed: one shift.
const MaxEndorsed = 12 * time.Hour

// maxEndorsement bounds an endorsement in bytes.
const maxEndorsement = 4096

// Endorsement is a passkey's word for a browser's key: an assertion (W3C WebAuthn
// Level 2 §7.2) whose challenge is Challenge of that key. The browser signs each
// request with its key; the passkey is asked once, at sign-in.
type Endorsement struct {
	Actor     ActorID
	Until     time.Time // whole seconds
	Data      []byte    // authenticatorData (§6.1)
	Client    []byte    // clientDataJSON (§5.8.1)
	Signature []byte
}

// Challenge is what a passkey signs to endorse a browser's key until then: SHA-256
// over "amanah browser key v1", a zero byte, the key's thumbprint (RFC 7638) and the
// 8 bytes of until in Unix seconds.
func Challenge(browser [32]byte, until time.Time) [32]byte {
	b := append([]byte("amanah browser key v1\x00"), browser[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(until.Unix())))
}

const endorsementV1 = 1

// Encode writes the endorsement: a 1; the actor's name, its length before it in one
// byte; until, 8 bytes of Unix seconds; then data, client data and signature, each
// with its length before it in two bytes. Integers are big-endian.
func (e Endorsement) Encode() []byte {
	b := append([]byte{endorsementV1, byte(len(e.Actor))}, e.Actor...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Until.Unix()))
	for _, part := range [][]byte{e.Data, e.Client, e.Signature} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(part)))
		b = append(b, part...)
	}
	return b
}

// ParseEndorsement reads what Encode writes, of at most 4,096 bytes.
func ParseEndorsement(b []byte) (Endorsement, error) {
	if len(b) < 2 || len(b) > maxEndorsement || b[0] != endorsementV1 || len(b) < 2+int(b[1])+8 {
		return Endorsement{}, ErrEndorsement
	}
	name := 2 + int(b[1])
	actor, rest := string(b[2:name]), b[name:]
	until := binary.BigEndian.Uint64(rest)
	rest = rest[8:]
	var parts [3][]byte
	for i := range parts {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return Endorsement{}, ErrEndorsement
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		parts[i], rest = rest[2:n], rest[n:]
	}
	id, err := ParseActor(actor)
	if err != nil || len(rest) != 0 || until > 1<<40 {
		return Endorsement{}, ErrEndorsement
	}
	return Endorsement{id, time.Unix(int64(until), 0), parts[0], parts[1], parts[2]}, nil
}

// Flags of authenticator data (§6.1).
const (
	userPresent  = 1 << 0
	userVerified = 1 << 2
)

// Holds reports whether the passkey endorses the browser's key on the site of that
// origin, somebody present and verified to it. Whether the time is right is for the
// caller to say.
func (e Endorsement) Holds(passkey jose.Key, browser [32]byte, origin string) bool {
	o, err := jose.ParseObject(e.Client)
	if err != nil {
		return false
	}
	challenge := Challenge(browser, e.Until)
	cross := o["crossOrigin"]
	if o.Text("type") != "webauthn.get" || o.Text("origin") != origin || cross != nil && string(cross) != "false" ||
		o.Text("challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) {
		return false
	}
	site := sha256.Sum256([]byte(RelyingParty(origin)))
	if len(e.Data) < 37 || [32]byte(e.Data) != site || e.Data[32]&userPresent == 0 || e.Data[32]&userVerified == 0 {
		return false
	}
	client := sha256.Sum256(e.Client)
	return passkey.HoldsASN1(append(append([]byte{}, e.Data...), client[:]...), e.Signature)
}

// RelyingParty is the name under which passkeys are made for an origin: its host.
func RelyingParty(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return host
}
