package staff

import (
	"bytes"
	"encoding/binary"
	"math"
)

// cbor reads the canonical form of CBOR that authenticators write (FIDO CTAP 2.1 §8):
// definite lengths in their shortest form, keys of maps ascending, each once, no tags
// and no floating point. Anything else is malformed here: there is one spelling.
type cbor struct{ rest []byte }

// Major types (RFC 8949 §3.1) that the form has.
const (
	cborUnsigned = 0
	cborNegative = 1
	cborBytes    = 2
	cborText     = 3
	cborArray    = 4
	cborMap      = 5
	cborSimple   = 7
)

// maxDepth is how deep what we pass over may be nested: an attestation's statement
// holds a list of certificates.
const maxDepth = 4

// head reads one initial byte and its argument.
func (c *cbor) head() (major byte, n uint64, err error) {
	if len(c.rest) == 0 {
		return 0, 0, ErrPasskey
	}
	major, info := c.rest[0]>>5, c.rest[0]&31
	c.rest = c.rest[1:]
	if info < 24 {
		if major > cborMap && major != cborSimple || major == cborSimple && info != 20 && info != 21 && info != 22 { // false, true, null
			return 0, 0, ErrPasskey
		}
		return major, uint64(info), nil
	}
	size := 1 << (info - 24)
	if info > 27 || major > cborMap || len(c.rest) < size {
		return 0, 0, ErrPasskey
	}
	var wide [8]byte
	copy(wide[8-size:], c.rest)
	c.rest = c.rest[size:]
	n = binary.BigEndian.Uint64(wide[:])
	least := uint64(24)
	if size > 1 {
		least = 1 << (4 * size) // what half of the bytes could not hold
	}
	if n < least {
		return 0, 0, ErrPasskey
	}
	return major, n, nil
}

// of reads a head of one major type, whose argument counts bytes or items that are
// still to come.
func (c *cbor) of(want byte) (int, error) {
	major, n, err := c.head()
	if err != nil || major != want || n > uint64(len(c.rest)) {
		return 0, ErrPasskey
	}
	return int(n), nil
}

// bytes reads a byte string, and text a text string.
func (c *cbor) bytes() ([]byte, error) { return c.string(cborBytes) }

func (c *cbor) text() (string, error) {
	b, err := c.string(cborText)
	return string(b), err
}

func (c *cbor) string(major byte) ([]byte, error) {
	n, err := c.of(major)
	if err != nil {
		return nil, err
	}
	out := c.rest[:n]
	c.rest = c.rest[n:]
	return out, nil
}

// int reads a whole number.
func (c *cbor) int() (int64, error) {
	major, n, err := c.head()
	if err != nil || major > cborNegative || n > math.MaxInt64 {
		return 0, ErrPasskey
	}
	if major == cborNegative {
		return -1 - int64(n), nil
	}
	return int64(n), nil
}

// skip passes over one item and returns its encoding.
func (c *cbor) skip(depth int) ([]byte, error) {
	before := c.rest
	major, n, err := c.head()
	if err != nil || depth > maxDepth {
		return nil, ErrPasskey
	}
	switch major {
	case cborBytes, cborText:
		if n > uint64(len(c.rest)) {
			return nil, ErrPasskey
		}
		c.rest = c.rest[n:]
	case cborArray:
		for ; n > 0; n-- { // each item takes a byte at least, so this ends with the input
			if _, err := c.skip(depth + 1); err != nil {
				return nil, err
			}
		}
	case cborMap:
		var last []byte
		for ; n > 0; n-- {
			key, err := c.skip(depth + 1)
			if err != nil || !ascends(last, key) {
				return nil, ErrPasskey
			}
			if _, err := c.skip(depth + 1); err != nil {
				return nil, err
			}
			last = key
		}
	}
	return before[:len(before)-len(c.rest)], nil
}

// ascends reports whether a map's key may follow another (CTAP 2.1 §8: by major type,
// then the shorter one, then byte by byte).
func ascends(last, key []byte) bool {
	switch {
	case last == nil:
		return true
	case last[0]>>5 != key[0]>>5:
		return last[0]>>5 < key[0]>>5
	case len(last) != len(key):
		return len(last) < len(key)
	}
	return bytes.Compare(last, key) < 0
}
