package ohttp

import "errors"

// Errors of encapsulation. Those a gateway meets before it has opened a request
// may be shown to a relay; they depend on the bytes alone (RFC 9458 §5.2).
var (
	// ErrSize: an encapsulated message is not exactly RequestSize or ResponseSize bytes.
	ErrSize = errors.New("ohttp: encapsulated message has the wrong size")
	// ErrMalformed: the framing is too short, or its encapsulated key is no public key.
	ErrMalformed = errors.New("ohttp: malformed encapsulated message")
	// ErrKeyID: the gateway holds no key of that id. The device should fetch
	// new configurations; see ProblemKey.
	ErrKeyID = errors.New("ohttp: unknown key id")
	// ErrSuite: the KEM does not belong to the key, or the KDF and AEAD are not offered.
	ErrSuite = errors.New("ohttp: unsupported cipher suite")
	// ErrDecrypt: the message was altered, or made for another key or exchange.
	ErrDecrypt = errors.New("ohttp: decryption failed")
	// ErrReplay: a request with this encapsulated key was already opened.
	ErrReplay = errors.New("ohttp: replayed request")
	// ErrReplayCacheFull: the request opened but cannot be remembered, so it is
	// refused. The same request may succeed later.
	ErrReplayCacheFull = errors.New("ohttp: replay cache is full")
	// ErrTooLarge: a plaintext exceeds MaxRequest or MaxResponse.
	ErrTooLarge = errors.New("ohttp: message does not fit the fixed size")
)

// Errors of keys and their configurations.
var (
	// ErrConfig: a key configuration or a list of them is malformed (RFC 9458 §3).
	ErrConfig = errors.New("ohttp: malformed key configuration")
	// ErrNoConfig: no configuration in a list can be used by this package.
	ErrNoConfig = errors.New("ohttp: no usable key configuration")
	// ErrKey: a private key is malformed, or two keys of a gateway share an id.
	ErrKey = errors.New("ohttp: invalid private key")
	// ErrEnvelope: a signed envelope is malformed, empty, unsigned or oversized.
	ErrEnvelope = errors.New("ohttp: malformed signed key configurations")
	// ErrSignature: no pinned key signed exactly this envelope.
	ErrSignature = errors.New("ohttp: key configurations not signed by a pinned key")
	// ErrNotYetValid: the envelope's window has not begun.
	ErrNotYetValid = errors.New("ohttp: key configurations not valid yet")
	// ErrExpired: the envelope's window has ended.
	ErrExpired = errors.New("ohttp: key configurations expired")
	// ErrValidity: a window to be signed is empty, too long or out of range.
	ErrValidity = errors.New("ohttp: invalid validity window")
)

// Errors of binary HTTP messages. Their text never quotes the message.
var (
	// ErrMessage: framing or control data is invalid (RFC 9292 §4).
	ErrMessage = errors.New("ohttp: invalid binary HTTP message")
	// ErrTruncated: the message ends where RFC 9292 §3.8 does not let it end.
	ErrTruncated = errors.New("ohttp: truncated binary HTTP message")
	// ErrPadding: bytes after the message are not all zero.
	ErrPadding = errors.New("ohttp: non-zero padding")
	// ErrField: a field line would make an HTTP/2 message malformed (RFC 9113 §8.2).
	ErrField = errors.New("ohttp: invalid field")
	// ErrLimit: the message exceeds one of the Max constants.
	ErrLimit = errors.New("ohttp: binary HTTP message exceeds a limit")
)
