package app

import (
	"encoding/base64"
	"encoding/json"
	"os"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
)

// Platform is what a relay's credential says of the platform, which a partner's app
// and servers need as well. It holds no secret.
type Platform struct {
	Host    string
	URL     string
	Partner uint32
	Pin     []byte // Ed25519 public key that signs the platform's keys
}

// ReadPlatform reads it from a relay's credential file, with its key or without.
func ReadPlatform(name string) (Platform, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return Platform{}, fault.New(fault.Invalid, "the credential file cannot be read")
	}
	var c struct {
		Kind     string `json:"kind"`
		Host     string `json:"host"`
		Platform string `json:"platform"`
		Partner  uint32 `json:"partner"`
		Pin      string `json:"pin"`
	}
	if json.Unmarshal(raw, &c) != nil || c.Kind != "amanah-relay/1" || c.Host == "" || c.Platform == "" || c.Partner == 0 {
		return Platform{}, fault.New(fault.Invalid, "the credential file is not one of 'amanah partner credential'")
	}
	pin, err := base64.RawURLEncoding.DecodeString(c.Pin)
	if err != nil || len(pin) != 32 {
		return Platform{}, fault.New(fault.Invalid, "the credential file holds no pin: have it made anew by 'amanah partner credential'")
	}
	return Platform{c.Host, c.Platform, c.Partner, pin}, nil
}

// ReadRelay reads a relay's credential, whose private key may be in a file of its own.
func ReadRelay(name, keyFile string) (client.RelayCredential, error) {
	return readRelayCredential(name, keyFile)
}
