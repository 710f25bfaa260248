package root

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// rootOfOld is the file of a root key under a credential of 32 zeros, made of RFC 5869 and
// AES-256-GCM by another program. It must open for ever.
const rootOfOld = "616d616e61682d726f6f742d76310a01000102030405060708090a0b0c0d0e0faaaaaaaaaaaaaaaa" +
	"aaaaaaaa1d3814f6b62b7112a391f769cefdb9dad37a56a82ec98d0926e3b981eb84052f9a55abb6" +
	"a5fd6b93642a4660b0ecdaab"

// FuzzOpen: the file of a root key opens whole under its credential, and nothing else
// does.
func FuzzOpen(f *testing.F) {
	c := Credential{Secret: make([]byte, 32)}
	old, err := hex.DecodeString(rootOfOld)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(old)
	f.Add(old[:len(old)-1])
	f.Add(append(old[:len(rootMagic):len(rootMagic)], append([]byte{byPhrase}, old[len(rootMagic)+1:]...)...))
	f.Add([]byte(rootMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Open(raw, c)
		if bytes.Equal(raw, old) != (err == nil) {
			t.Fatalf("%x: %v", raw, err)
		}
		if err != nil {
			if !errors.Is(err, ErrFile) && !errors.Is(err, ErrCredential) || r != nil {
				t.Errorf("refused with %v", err)
			}
			return
		}
		sealed, err := r.Wrap("purpose", []byte("key"))
		if err != nil {
			t.Fatal(err)
		}
		if key, err := r.Unwrap("purpose", sealed); err != nil || string(key) != "key" {
			t.Errorf("unwrapped %q, %v", key, err)
		}
	})
}
