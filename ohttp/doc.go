// Package ohttp is Oblivious HTTP (RFC 9458) and Binary HTTP (RFC 9292) for
// devices and for the gateway, on crypto/hpke and nothing outside the standard
// library.
//
// # What it gives
//
// A device encapsulates a request to the gateway's public key and hands it to
// a relay. The relay sees who asks and not what; the gateway sees what is asked
// and not from where. Only the gateway's private key opens the request, and
// only the device that made it opens the answer. If relay and gateway pool what
// they know, the separation is gone: they must be run by different people.
//
// # Sizes
//
// An encapsulated request is always [RequestSize] bytes and an encapsulated
// response always [ResponseSize] bytes, under every KEM, cipher and outcome, so
// length tells a relay nothing. The plaintext, a binary HTTP message of at most
// [MaxRequest] or [MaxResponse] bytes, is padded with zeros that RFC 9292 §3.8
// allows after a message and that [ParseRequest] and [ParseResponse] check.
// The gateway refuses any other size before it spends a key operation. Timing
// is not hidden here: answering at an even pace is the caller's work. The build
// tag amanah_nopadding removes the padding from both sides, for tests that must
// see the promise fail without it; a released binary has no such switch.
//
// # Keys
//
// A [Gateway] holds any number of private keys by their one-byte id, usually the
// previous, the current and the next one, and exchanges them while it serves.
// Public halves travel as application/ohttp-keys (RFC 9458 §3). TLS alone would
// let whoever serves that file choose a device's key, so devices take it only in
// a signed envelope: [SignConfigs] binds the file to a validity window under the
// platform's long-term Ed25519 key and [VerifyConfigs] refuses everything else.
// The signature does not prove that every device was given the same file, and
// within its window an older envelope is as good as a newer one.
//
// # Replays
//
// A relay, or anyone who copied a request, can send it again. [ReplayCache]
// remembers the encapsulated keys of requests that opened and refuses a second
// one within its window, under any concurrency. It fails closed: when it is full
// of keys younger than the window it refuses new requests with
// [ErrReplayCacheFull]. What it does not do: it lives in one process, so it
// knows nothing of other nodes and forgets on restart; it forgets after the
// window although the gateway's key may live longer; and it cannot tell a device
// that repeats a request under a fresh encapsulation. The message inside must
// therefore carry its own freshness (a date or server nonce, no older than the
// window) and be idempotent.
//
// # What it does not do
//
// No transport: callers move the bytes. No chunked Oblivious HTTP, no HTTP
// semantics beyond refusing messages that HTTP/2 calls malformed, no forward
// secrecy before a gateway key is destroyed, no post-quantum KEM yet.
package ohttp
