package ohttp

import "time"

// These doors exist in test builds only.

// Unpadded turns the fixed sizes of g off, as the control of a size test.
func (g *Gateway) Unpadded() *Gateway { g.padded = false; return g }

// Padded turns the fixed sizes of g on, whatever the build.
func (g *Gateway) Padded() *Gateway { g.padded = true; return g }

func (c Config) EncapsulateAs(request []byte, padded bool) ([]byte, *Exchange, error) {
	return c.encapsulate(request, padded)
}

// NewExchange returns the device's side of an exchange whose secret is known.
func NewExchange(s Suite, exported, enc []byte, padded bool) *Exchange {
	return &Exchange{suite: s, export: exported, enc: enc, padded: padded}
}

// SealWithNonce is Seal with a published nonce instead of a random one.
func (r *Responder) SealWithNonce(response, nonce []byte) ([]byte, error) {
	return r.seal(nil, response, nonce)
}

func (r *Responder) Export(length int) ([]byte, error) {
	return r.context.Export(exportLabel, length)
}

func (c *ReplayCache) SetClock(now func() time.Time) { c.now = now }

func (c *ReplayCache) Remember(enc []byte) error { return c.remember(enc) }

var (
	AppendVarint    = appendVarint
	ReadVarint      = readVarint
	ResponseSecrets = responseSecrets
	RequestHeader   = header
	RequestInfo     = requestInfo
)

const PaddedBuild = padded
