// Package client is the SDK of partners' apps and relays.
//
// A Device asks for its user's colour through a partner's relay. Whatever it asks,
// the relay sees one message of one size under one set of headers. A Relay is the
// whole of a partner's integration: an http.Handler that forwards what it cannot
// read. The package does not show or store anything; what an app does with its
// user's screen is the app's.
package client

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrCredential is returned for bytes that are no credential.
var ErrCredential = errors.New("client: not a credential of this platform")

const redacted = "[redacted]"

// Credential is what links one device to one person through one partner. It is a
// secret: it prints as [redacted].
type Credential struct {
	Host    string    // of the platform, as in venue codes
	Relay   string    // URL of the partner's relay
	Pin     []byte    // Ed25519 public key that signs the platform's keys
	Partner uint32    // the partner's number
	Token   string    // the access token
	Key     []byte    // Ed25519 seed of the device's key
	Created time.Time // seconds
	Expires time.Time // of the token, in seconds
	Refresh string    // for the next token; empty when an operator made the link
}

// RelayCredential is what lets a partner's relay forward messages. It is a secret:
// it prints as [redacted].
type RelayCredential struct {
	Host     string // of the platform, as proofs name it
	Platform string // URL by which the relay reaches it
	Partner  uint32
	Token    string
	Key      []byte // Ed25519 seed of the relay's key
	Expires  time.Time
	Pin      []byte // Ed25519 public key that signs the platform's keys, for the partner's app; may be empty
}

type credentialJSON struct {
	Kind     string    `json:"kind"`
	Host     string    `json:"host"`
	Relay    string    `json:"relay,omitempty"`
	Platform string    `json:"platform,omitempty"`
	Pin      string    `json:"pin,omitempty"`
	Partner  uint32    `json:"partner,omitempty"`
	Venue    uint64    `json:"venue,omitempty"`
	Token    string    `json:"token"`
	Refresh  string    `json:"refresh,omitempty"`
	Alg      string    `json:"alg"`
	Key      string    `json:"key"`
	Created  time.Time `json:"created,omitzero"`
	Expires  time.Time `json:"expires"`
}

const (
	kindDevice = "amanah-device/1"
	kindRelay  = "amanah-relay/1"
	algEdDSA   = "EdDSA"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Marshal writes the credential as the document that Parse reads.
func (c Credential) Marshal() ([]byte, error) {
	return json.MarshalIndent(credentialJSON{
		Kind: kindDevice, Host: c.Host, Relay: c.Relay, Pin: b64(c.Pin), Partner: c.Partner, Token: c.Token,
		Alg: algEdDSA, Key: b64(c.Key), Created: c.Created.UTC(), Expires: c.Expires.UTC(), Refresh: c.Refresh,
	}, "", "  ")
}

// Marshal writes the credential as the document that ParseRelay reads.
func (c RelayCredential) Marshal() ([]byte, error) {
	return json.MarshalIndent(credentialJSON{
		Kind: kindRelay, Host: c.Host, Platform: c.Platform, Pin: b64(c.Pin), Partner: c.Partner, Token: c.Token,
		Alg: algEdDSA, Key: b64(c.Key), Expires: c.Expires.UTC(),
	}, "", "  ")
}

func parse(raw []byte, kind string) (credentialJSON, []byte, error) {
	var j credentialJSON
	if len(raw) > 16<<10 || json.Unmarshal(raw, &j) != nil || j.Kind != kind || j.Alg != algEdDSA || j.Host == "" || j.Token == "" {
		return j, nil, fmt.Errorf("%w: expected a document of kind %q", ErrCredential, kind)
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(j.Key)
	if err != nil || len(key) != ed25519.SeedSize {
		return j, nil, fmt.Errorf("%w: its key is damaged", ErrCredential)
	}
	return j, key, j.dated()
}

// dated refuses times that RFC 3339 can write in no zone but their own.
func (j credentialJSON) dated() error {
	for _, t := range []time.Time{j.Created, j.Expires} {
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return fmt.Errorf("%w: its times are damaged", ErrCredential)
		}
	}
	return nil
}

// ParseCredential reads a device's credential.
func ParseCredential(raw []byte) (Credential, error) {
	j, key, err := parse(raw, kindDevice)
	if err != nil {
		return Credential{}, err
	}
	pin, err := base64.RawURLEncoding.Strict().DecodeString(j.Pin)
	if err != nil || len(pin) != ed25519.PublicKeySize || j.Relay == "" {
		return Credential{}, fmt.Errorf("%w: its pin or relay is missing", ErrCredential)
	}
	return Credential{j.Host, j.Relay, pin, j.Partner, j.Token, key, j.Created, j.Expires, j.Refresh}, nil
}

// ParseRelay reads a relay's credential.
func ParseRelay(raw []byte) (RelayCredential, error) {
	j, key, err := parse(raw, kindRelay)
	if err != nil {
		return RelayCredential{}, err
	}
	if j.Platform == "" {
		return RelayCredential{}, fmt.Errorf("%w: its platform is missing", ErrCredential)
	}
	pin, err := base64.RawURLEncoding.Strict().DecodeString(j.Pin)
	if err != nil || len(pin) != 0 && len(pin) != ed25519.PublicKeySize {
		return RelayCredential{}, fmt.Errorf("%w: its pin is damaged", ErrCredential)
	}
	return RelayCredential{j.Host, j.Platform, j.Partner, j.Token, key, j.Expires, pin}, nil
}

// Format hides the credential from every verb.
func (Credential) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalJSON hides the credential; Marshal is the way to write it.
func (Credential) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Format hides the credential from every verb.
func (RelayCredential) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalJSON hides the credential; Marshal is the way to write it.
func (RelayCredential) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

func (c Credential) signer() crypto.Signer { return ed25519.NewKeyFromSeed(c.Key) }
