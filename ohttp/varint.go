package ohttp

import "encoding/binary"

// appendVarint appends v, below 2^62, in its shortest form (RFC 9000 §16).
func appendVarint(dst []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(dst, byte(v))
	case v < 1<<14:
		return binary.BigEndian.AppendUint16(dst, 1<<14|uint16(v))
	case v < 1<<30:
		return binary.BigEndian.AppendUint32(dst, 2<<30|uint32(v))
	default:
		return binary.BigEndian.AppendUint64(dst, 3<<62|v)
	}
}

// readVarint returns the integer that b begins with and its length, 0 when b is
// too short. Longer forms than needed are valid (RFC 9000 §16).
func readVarint(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	n = 1 << (b[0] >> 6)
	if len(b) < n {
		return 0, 0
	}
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}
