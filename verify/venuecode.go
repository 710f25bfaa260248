package verify

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
)

// VenueCode is what a venue's poster or kiosk shows: which door of which venue
// this is, and whether one enters or leaves by it.
type VenueCode struct {
	Venue   uint64    // from 1
	Door    uint16    // from 1
	Serial  uint32    // of the poster or kiosk, so that one can be withdrawn
	Exit    bool      // scanning it checks out
	Expires time.Time // of a rotating code, cut to seconds; zero for a printed one
}

// VenueCodeSize is the length of a signed venue code, version 1:
//
//	version 1 | flags 1 | key id 4 | venue 8 | door 2 | serial 4 | expires 4 | Ed25519 signature 64
//
// Integers are big-endian; expires counts seconds since 1970, 0 for none. The
// signature covers the domain, the host's length and the host too, so that a code
// cannot be moved to another host.
const VenueCodeSize = venueCodeBody + signatureSize

const (
	venueCodeBody    = 24
	venueCodeVersion = 1
	flagExit         = 1
	scheme           = "https://"
	codePath         = "/v/"
)

// validHost reports whether host is a lower-case DNS name as a browser would
// write it: no port, no dot at the end, no letters beyond ASCII.
func validHost(host string) bool {
	if len(host) == 0 || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

func venueCodeMessage(body []byte, host string) []byte {
	b := make([]byte, 0, len(domainVenueCode)+1+len(host)+len(body))
	b = append(b, domainVenueCode...)
	b = append(b, byte(len(host)))
	b = append(b, host...)
	return append(b, body...)
}

// SignVenueCode returns the URL to print or show: https://HOST/v/ and the code in
// base64url. It returns ErrOutOfBounds for a host that is no lower-case DNS name,
// for venue or door zero, and for an expiry outside 1970..2106.
func SignVenueCode(priv ed25519.PrivateKey, host string, c VenueCode) (string, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return "", ErrUnsupported
	}
	if !validHost(host) || c.Venue == 0 || c.Door == 0 {
		return "", fmt.Errorf("venue code: %w", ErrOutOfBounds)
	}
	var expires int64
	if !c.Expires.IsZero() {
		if expires = c.Expires.Unix(); expires <= 0 || expires > math.MaxUint32 {
			return "", fmt.Errorf("venue code's expiry: %w", ErrOutOfBounds)
		}
	}
	id := IDOf(priv.Public().(ed25519.PublicKey))
	b := make([]byte, 0, VenueCodeSize)
	var flags byte
	if c.Exit {
		flags = flagExit
	}
	b = append(b, venueCodeVersion, flags)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, c.Venue)
	b = binary.BigEndian.AppendUint16(b, c.Door)
	b = binary.BigEndian.AppendUint32(b, c.Serial)
	b = binary.BigEndian.AppendUint32(b, uint32(expires))
	b = append(b, ed25519.Sign(priv, venueCodeMessage(b, host))...)
	return scheme + host + codePath + encode(b), nil
}

// ParseVenueURL takes the signed code out of a scanned URL; it opens nothing. The
// URL must be, byte for byte, https://HOST/v/CODE: ErrHost when it names another
// host, a port or a user, ErrMalformed for everything else.
func ParseVenueURL(url, host string) (raw [VenueCodeSize]byte, err error) {
	if !validHost(host) {
		return raw, fmt.Errorf("own host: %w", ErrOutOfBounds)
	}
	rest, ok := strings.CutPrefix(url, scheme)
	if !ok {
		return raw, ErrMalformed
	}
	authority := rest
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		authority = rest[:end]
	}
	if authority != host {
		return raw, ErrHost
	}
	text, ok := strings.CutPrefix(rest[len(host):], codePath)
	if !ok {
		return raw, ErrMalformed
	}
	b, err := decodeExact(text, VenueCodeSize)
	if err != nil {
		return raw, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return [VenueCodeSize]byte(b), nil
}

// VenueCode verifies a code for this host. A rotating code is good within one
// Period of its last 30 seconds on either side, for clocks that differ; a copy is
// therefore dead a minute after its kiosk first showed it, at the latest.
func (ks Keys) VenueCode(raw [VenueCodeSize]byte, host string, now time.Time) (VenueCode, error) {
	c, err := parseVenueCode(raw)
	if err != nil {
		return VenueCode{}, err
	}
	if !validHost(host) {
		return VenueCode{}, fmt.Errorf("own host: %w", ErrOutOfBounds)
	}
	message := venueCodeMessage(raw[:venueCodeBody], host)
	k, err := ks.verify(ForVenues, KeyID(raw[2:6]), message, raw[venueCodeBody:])
	if err != nil {
		return VenueCode{}, err
	}
	if err := k.inForce(now, Period); err != nil {
		return VenueCode{}, err
	}
	if !c.Expires.IsZero() {
		if !now.Before(c.Expires.Add(Period)) {
			return VenueCode{}, ErrExpired
		}
		if now.Before(c.Expires.Add(-2 * Period)) {
			return VenueCode{}, ErrNotYet
		}
	}
	return c, nil
}

// parseVenueCode reads the fields and believes none of them.
func parseVenueCode(raw [VenueCodeSize]byte) (VenueCode, error) {
	c := VenueCode{
		Venue:  binary.BigEndian.Uint64(raw[6:]),
		Door:   binary.BigEndian.Uint16(raw[14:]),
		Serial: binary.BigEndian.Uint32(raw[16:]),
		Exit:   raw[1]&flagExit != 0,
	}
	if raw[0] != venueCodeVersion || raw[1]&^flagExit != 0 || c.Venue == 0 || c.Door == 0 {
		return VenueCode{}, ErrMalformed
	}
	if s := binary.BigEndian.Uint32(raw[20:]); s != 0 {
		c.Expires = time.Unix(int64(s), 0).UTC()
	}
	return c, nil
}
