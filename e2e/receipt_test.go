package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"
)

// receipt is what an answer was given as proof that the log holds its event.
type receipt struct {
	leaf, root   string // of the leaf: gate and number, and its root
	index, count int    // the event's place among the leaf's
	event        []byte // id, tag, commitment, hash of the detail
	path         [][]byte
}

func readReceipt(t testing.TB, text string) receipt {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	const head = 16 + 8 + 32 + 32 + 2 + 8 + 64 // gate, seq, prev, root, count, time, signature
	const event = 16 + 16 + 32 + 32
	if err != nil || len(raw) < head+2+event || (len(raw)-head-2-event)%sha256.Size != 0 {
		t.Fatalf("a receipt of %d bytes: %v", len(raw), err)
	}
	r := receipt{
		leaf: fmt.Sprintf("%x/%d", raw[:16], binary.BigEndian.Uint64(raw[16:])), root: fmt.Sprintf("%x", raw[56:88]),
		count: int(binary.BigEndian.Uint16(raw[88:])), index: int(binary.BigEndian.Uint16(raw[head:])),
		event: raw[head+2 : head+2+event],
	}
	for rest := raw[head+2+event:]; len(rest) > 0; rest = rest[sha256.Size:] {
		r.path = append(r.path, rest[:sha256.Size])
	}
	return r
}

// fold returns the root to which the path leads from the event, by RFC 9162, 2.1.3.2, written
// here anew so that it does not rest on the program; nothing where the path does not fit.
func (r receipt) fold() string {
	if r.index >= r.count {
		return ""
	}
	at, last := r.index, r.count-1
	h := sha256.Sum256(append([]byte("\x00amanah event v1\x00"), r.event...))
	for _, p := range r.path {
		if last == 0 {
			return ""
		}
		if at&1 == 1 || at == last {
			h = sha256.Sum256(append(append([]byte{1}, p...), h[:]...))
			for at&1 == 0 && at != 0 {
				at, last = at>>1, last>>1
			}
		} else {
			h = sha256.Sum256(append(append([]byte{1}, h[:]...), p...))
		}
		at, last = at>>1, last>>1
	}
	if last != 0 {
		return ""
	}
	return fmt.Sprintf("%x", h)
}
