package ohttp

// Sizes on the wire and of what they carry, in bytes.
const (
	// RequestSize is the size of every encapsulated request.
	RequestSize = 2048
	// ResponseSize is the size of every encapsulated response.
	ResponseSize = 2048

	// MaxRequest is the largest plaintext request: what fits under the KEM with
	// the longest encapsulated key, so that no message fits one phone and not
	// another.
	MaxRequest = RequestSize - headerSize - maxEncSize - tagSize
	// MaxResponse is the largest plaintext response, under any AEAD.
	MaxResponse = ResponseSize - maxEntropy - tagSize
)

// plainSize returns the size to which an n-byte plaintext is padded so that
// with overhead it takes wire bytes.
func plainSize(n, wire, overhead int, padded bool) int {
	if !padded {
		return n
	}
	return wire - overhead
}

// wrongSize reports a message that cannot have come from the other side.
func wrongSize(n, wire int, padded bool) bool {
	if padded {
		return n != wire
	}
	return n > wire
}
