package staff

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
)

// Errors of passkeys.
var (
	ErrPasskey  = fault.New(fault.Invalid, "the passkey's answer is malformed")
	ErrAsserted = fault.New(fault.Denied, "the passkey's signature does not hold for this site and this moment")
	ErrVerified = fault.New(fault.Denied, "the passkey did not check who holds it: use its PIN, fingerprint or face")
	ErrSynced   = fault.New(fault.Denied, "this passkey can be copied to other devices: use one that stays on its device, such as a security key")
	ErrKeyKind  = fault.New(fault.Invalid, "the passkey's key is neither ES256 (P-256) nor EdDSA (Ed25519)")
)

// Bounds of what a browser brings, in bytes.
const (
	MaxAttestation = 16 << 10
	MaxClientData  = 1 << 10
	maxAuthData    = 2 << 10
	maxCredential  = 1023 // WebAuthn L3 §4, Credential ID
	maxSigned      = 80   // of a signature: ES256 in ASN.1 takes at most 72
)

// Site is what passkeys are made for.
type Site struct {
	ID     string // the relying party's: a host name, as amanah.example
	Origin string // of the console's pages, as https://amanah.example
	Synced bool   // passkeys that can be copied to other devices are taken too
}

// Flags of authenticator data (WebAuthn L3 §6.1).
const (
	flagPresent    = 1 << 0
	flagVerified   = 1 << 2
	flagEligible   = 1 << 3 // may be backed up
	flagBackedUp   = 1 << 4
	flagAttested   = 1 << 6
	flagExtensions = 1 << 7
)

// authData is authenticator data.
type authData struct {
	site       [32]byte
	flags      byte
	count      uint32
	credential []byte
	key        jose.Key
}

// Registered is a passkey as it was made.
type Registered struct {
	Credential []byte // its id, which it is asked for by
	Key        jose.Key
	Count      uint32 // of its signatures, when it counts them
}

// Register reads what a browser answers to a request for a new passkey. The
// attestation's statement is passed over: none is asked for and none believed, so that
// who vouches for a key is the person who compared its fingerprint.
func (s Site) Register(challenge [32]byte, attestation, clientData []byte) (Registered, error) {
	d, err := parseAttestation(attestation)
	if err != nil {
		return Registered{}, err
	}
	if !s.client(clientData, "webauthn.create", challenge) {
		return Registered{}, ErrAsserted
	}
	if err := s.check(d); err != nil {
		return Registered{}, err
	}
	return Registered{bytes.Clone(d.credential), d.key, d.count}, nil
}

// Assertion is a passkey's signature over a challenge.
type Assertion struct {
	AuthData   []byte // authenticatorData
	ClientData []byte // clientDataJSON
	Signature  []byte
}

// Assertion is the signature within an endorsement.
func (e Endorsement) Assertion() Assertion { return Assertion{e.Data, e.Client, e.Signature} }

// Verify returns nil when a passkey signed a challenge for this site, its holder
// present and verified.
func (s Site) Verify(k jose.Key, challenge [32]byte, a Assertion) error {
	d, err := parseAuthData(a.AuthData)
	if err != nil {
		return err
	}
	if d.flags&flagAttested != 0 || len(a.Signature) > maxSigned {
		return ErrPasskey
	}
	if !s.client(a.ClientData, "webauthn.get", challenge) || !k.HoldsASN1(a.signed(), a.Signature) {
		return ErrAsserted
	}
	return s.check(d)
}

// signed is what a passkey signs (WebAuthn L3 §6.3.3 step 11).
func (a Assertion) signed() []byte {
	sum := sha256.Sum256(a.ClientData)
	return append(bytes.Clone(a.AuthData), sum[:]...)
}

// check returns why a passkey's flags are not good enough here.
func (s Site) check(d authData) error {
	site := sha256.Sum256([]byte(s.ID))
	switch {
	case subtle.ConstantTimeCompare(site[:], d.site[:]) != 1:
		return ErrAsserted
	case d.flags&flagPresent == 0 || d.flags&flagVerified == 0:
		return ErrVerified
	case d.flags&flagBackedUp != 0 && d.flags&flagEligible == 0:
		return ErrPasskey
	case d.flags&flagEligible != 0 && !s.Synced:
		return ErrSynced
	}
	return nil
}

// client holds what the browser says of itself against what it must say, byte by byte
// (WebAuthn L3 §5.8.1.2, the limited verification algorithm): so no JSON is parsed.
// Members that browsers add come behind.
func (s Site) client(data []byte, kind string, challenge [32]byte) bool {
	want := `{"type":"` + kind + `","challenge":"` + b64(challenge[:]) + `","origin":"` + s.Origin + `","crossOrigin":false`
	rest, ok := bytes.CutPrefix(data, []byte(want))
	return ok && len(data) <= MaxClientData && s.Origin != "" && (string(rest) == "}" || len(rest) > 2 && rest[0] == ',' && rest[len(rest)-1] == '}')
}

// parseAttestation reads an attestation object: fmt, attStmt and authData, in the order
// that the canonical form gives them.
func parseAttestation(raw []byte) (authData, error) {
	if len(raw) > MaxAttestation {
		return authData{}, ErrPasskey
	}
	c := cbor{raw}
	n, err := c.of(cborMap)
	if err != nil || n != 3 || !c.names("fmt") {
		return authData{}, ErrPasskey
	}
	if _, err := c.text(); err != nil || !c.names("attStmt") {
		return authData{}, ErrPasskey
	}
	if len(c.rest) == 0 || c.rest[0]>>5 != cborMap {
		return authData{}, ErrPasskey
	}
	if _, err := c.skip(1); err != nil || !c.names("authData") {
		return authData{}, ErrPasskey
	}
	inner, err := c.bytes()
	if err != nil || len(c.rest) > 0 {
		return authData{}, ErrPasskey
	}
	d, err := parseAuthData(inner)
	if err == nil && d.flags&flagAttested == 0 {
		err = ErrPasskey
	}
	return d, err
}

// names reads a map's key that must be this one.
func (c *cbor) names(key string) bool {
	got, err := c.text()
	return err == nil && got == key
}

// parseAuthData reads authenticator data (WebAuthn L3 §6.1) to its last byte.
func parseAuthData(raw []byte) (authData, error) {
	var d authData
	if len(raw) < 37 || len(raw) > maxAuthData {
		return d, ErrPasskey
	}
	copy(d.site[:], raw)
	d.flags, d.count = raw[32], binary.BigEndian.Uint32(raw[33:])
	c := cbor{raw[37:]}
	if d.flags&flagAttested != 0 {
		if len(c.rest) < 18 {
			return d, ErrPasskey
		}
		n := int(binary.BigEndian.Uint16(c.rest[16:])) // behind the model's number, which tells us nothing
		c.rest = c.rest[18:]
		if n == 0 || n > maxCredential || n > len(c.rest) {
			return d, ErrPasskey
		}
		d.credential, c.rest = c.rest[:n], c.rest[n:]
		var err error
		if d.key, err = c.coseKey(); err != nil {
			return d, err
		}
	}
	if d.flags&flagExtensions != 0 {
		if len(c.rest) == 0 || c.rest[0]>>5 != cborMap {
			return d, ErrPasskey
		}
		if _, err := c.skip(0); err != nil {
			return d, err
		}
	}
	if len(c.rest) > 0 {
		return d, ErrPasskey
	}
	return d, nil
}

// coseKey reads a COSE_Key (RFC 9053 §7) of the two kinds that we take, with no member
// beside those that it must have. ErrKeyKind for another kind.
func (c *cbor) coseKey() (jose.Key, error) {
	whole := cbor{c.rest}
	if _, err := whole.skip(0); err != nil {
		return jose.Key{}, err
	}
	members, err := c.of(cborMap)
	if err != nil {
		return jose.Key{}, err
	}
	kty, err := c.member(1)
	if err != nil {
		return jose.Key{}, ErrKeyKind
	}
	alg, err := c.member(3)
	if err != nil {
		return jose.Key{}, ErrKeyKind
	}
	crv, err := c.member(-1)
	if err != nil {
		return jose.Key{}, ErrKeyKind
	}
	var x, y []byte
	if label, err := c.int(); err != nil || label != -2 {
		return jose.Key{}, ErrKeyKind
	}
	if x, err = c.bytes(); err != nil {
		return jose.Key{}, ErrKeyKind
	}
	switch {
	case members == 5 && kty == 2 && alg == -7 && crv == 1:
		if label, err := c.int(); err != nil || label != -3 {
			return jose.Key{}, ErrKeyKind
		}
		if y, err = c.bytes(); err != nil {
			return jose.Key{}, ErrKeyKind
		}
		return key(`{"kty":"EC","crv":"P-256","x":"` + b64(x) + `","y":"` + b64(y) + `"}`)
	case members == 4 && kty == 1 && alg == -8 && crv == 6:
		return key(`{"kty":"OKP","crv":"Ed25519","x":"` + b64(x) + `"}`)
	}
	return jose.Key{}, ErrKeyKind
}

// member reads a label that must be this one, and the number under it.
func (c *cbor) member(label int64) (int64, error) {
	got, err := c.int()
	if err != nil || got != label {
		return 0, ErrPasskey
	}
	return c.int()
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func key(jwk string) (jose.Key, error) {
	k, err := jose.ParseKey([]byte(jwk))
	if err != nil {
		return k, ErrKeyKind
	}
	return k, nil
}

// Fingerprint is what two people compare by voice: 100 bits of a key's thumbprint, as
// five groups of four letters and digits.
func Fingerprint(k jose.Key) string {
	sum := k.Thumbprint()
	text := base32.StdEncoding.EncodeToString(sum[:])[:20]
	var groups []string
	for ; text != ""; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(groups, "-")
}
