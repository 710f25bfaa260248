package ohttp

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxConfigsSize is the largest list of key configurations in bytes.
const MaxConfigsSize = 8 << 10

// Config is a gateway's public key and what it may be used with (RFC 9458 §3.1).
type Config struct {
	ID        KeyID
	KEM       KEM
	PublicKey []byte  // as in RFC 9180 §7.1.1: 32 bytes for X25519, 65 for P256
	Suites    []Suite // at least one; may hold suites unknown here
}

// AppendConfigs appends the list to dst as application/ohttp-keys (RFC 9458
// §3.2). Devices take the first one they can use, so the current key comes first.
// It fails with ErrConfig for what ParseConfigs would refuse.
func AppendConfigs(dst []byte, configs ...Config) ([]byte, error) {
	out := dst
	for _, c := range configs {
		if err := c.check(); err != nil {
			return dst, err
		}
		n := 3 + len(c.PublicKey) + 2 + 4*len(c.Suites)
		out = binary.BigEndian.AppendUint16(out, uint16(n))
		out = append(out, byte(c.ID))
		out = binary.BigEndian.AppendUint16(out, uint16(c.KEM))
		out = append(out, c.PublicKey...)
		out = binary.BigEndian.AppendUint16(out, uint16(4*len(c.Suites)))
		for _, s := range c.Suites {
			out = binary.BigEndian.AppendUint16(out, uint16(s.KDF))
			out = binary.BigEndian.AppendUint16(out, uint16(s.AEAD))
		}
	}
	if _, err := ParseConfigs(out[len(dst):]); err != nil {
		return dst, err
	}
	return out, nil
}

// ParseConfigs reads application/ohttp-keys and returns the configurations whose
// KEM is supported, in order; the result is empty when there are none. Any
// malformed part spoils the whole list, so that no two devices recover different
// keys from it (RFC 9458 §3.2): ErrConfig.
func ParseConfigs(b []byte) ([]Config, error) {
	if len(b) == 0 || len(b) > MaxConfigsSize {
		return nil, fmt.Errorf("%w: list size", ErrConfig)
	}
	var out []Config
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, fmt.Errorf("%w: truncated", ErrConfig)
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > len(b) {
			return nil, fmt.Errorf("%w: truncated", ErrConfig)
		}
		c, known, err := parseConfig(b[:n])
		if err != nil {
			return nil, err
		}
		b = b[n:]
		if !known {
			continue
		}
		if slices.ContainsFunc(out, func(o Config) bool { return o.ID == c.ID }) {
			return nil, fmt.Errorf("%w: key id given twice", ErrConfig)
		}
		out = append(out, c)
	}
	return out, nil
}

// parseConfig reads one configuration, b being all of it. The layout behind an
// unknown KEM cannot be known, so such a one is not checked further.
func parseConfig(b []byte) (c Config, known bool, err error) {
	if len(b) < 3 {
		return c, false, fmt.Errorf("%w: truncated", ErrConfig)
	}
	c.ID, c.KEM = KeyID(b[0]), KEM(binary.BigEndian.Uint16(b[1:]))
	b = b[3:]
	n := c.KEM.encSize()
	if n == 0 {
		return c, false, nil
	}
	if len(b) < n+2 {
		return c, false, fmt.Errorf("%w: truncated", ErrConfig)
	}
	c.PublicKey = slices.Clone(b[:n])
	size := int(binary.BigEndian.Uint16(b[n:]))
	if b = b[n+2:]; size != len(b) || size%4 != 0 {
		return c, false, fmt.Errorf("%w: symmetric algorithms", ErrConfig)
	}
	for ; len(b) > 0; b = b[4:] {
		c.Suites = append(c.Suites, Suite{
			KDF:  KDF(binary.BigEndian.Uint16(b)),
			AEAD: AEAD(binary.BigEndian.Uint16(b[2:])),
		})
	}
	return c, true, c.check()
}

func (c Config) check() error {
	if c.KEM.encSize() == 0 {
		return fmt.Errorf("%w: unsupported KEM", ErrConfig)
	}
	if _, err := c.KEM.hpke().NewPublicKey(c.PublicKey); err != nil {
		return fmt.Errorf("%w: public key", ErrConfig)
	}
	if n := len(c.Suites); n == 0 || n > MaxConfigsSize/4 {
		return fmt.Errorf("%w: symmetric algorithms", ErrConfig)
	}
	return nil
}

// Choose returns the configuration to use: the first one for X25519, else the
// first one for P256, that offers a supported suite. The choice depends on the
// list alone, so it tells nothing about the device. It fails with ErrNoConfig.
func Choose(configs []Config) (Config, error) {
	for _, kem := range [...]KEM{X25519, P256} {
		for _, c := range configs {
			if _, ok := c.suite(); ok && c.KEM == kem {
				return c, nil
			}
		}
	}
	return Config{}, ErrNoConfig
}

// suite returns the best suite that c offers.
func (c Config) suite() (Suite, bool) {
	for _, s := range suites() {
		if slices.Contains(c.Suites, s) {
			return s, true
		}
	}
	return Suite{}, false
}
