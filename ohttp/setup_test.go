package ohttp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// hexBytes is a byte string that JSON holds in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newKey(t testing.TB, id ohttp.KeyID, kem ohttp.KEM, suites ...ohttp.Suite) *ohttp.PrivateKey {
	t.Helper()
	return must[*ohttp.PrivateKey](t)(ohttp.GenerateKey(id, kem, suites...))
}

func newCache(t testing.TB, window time.Duration, capacity int) *ohttp.ReplayCache {
	t.Helper()
	return must[*ohttp.ReplayCache](t)(ohttp.NewReplayCache(window, capacity))
}

// newGateway returns a gateway with fixed sizes, in every build.
func newGateway(t testing.TB, keys ...*ohttp.PrivateKey) *ohttp.Gateway {
	t.Helper()
	g := must[*ohttp.Gateway](t)(ohttp.NewGateway(newCache(t, time.Hour, 1<<20), keys...))
	return g.Padded()
}

// forgetful is a replay cache that remembers nothing: its clock leaps a window
// further with every key. It is the control of every replay test.
func forgetful(t testing.TB) *ohttp.ReplayCache {
	t.Helper()
	c := newCache(t, time.Second, 1<<20)
	now := time.Unix(0, 0)
	c.SetClock(func() time.Time { now = now.Add(time.Minute); return now })
	return c
}

// message is a plaintext request with its marker in the content.
func message(t testing.TB, marker string) []byte {
	t.Helper()
	return must[[]byte](t)(ohttp.AppendRequest(nil, &ohttp.Request{
		Method: "POST", Scheme: "https", Authority: "gate.example", Path: "/v1/visits",
		Header: []ohttp.Field{{Name: "content-type", Value: "application/json"}},
		Body:   []byte(marker),
	}))
}

// both is every KEM with every suite.
func both() map[string]func(t testing.TB, id ohttp.KeyID) *ohttp.PrivateKey {
	out := map[string]func(t testing.TB, id ohttp.KeyID) *ohttp.PrivateKey{}
	for kemName, kem := range map[string]ohttp.KEM{"P256": ohttp.P256, "X25519": ohttp.X25519} {
		for aeadName, aead := range map[string]ohttp.AEAD{"AES128": ohttp.AES128GCM, "AES256": ohttp.AES256GCM} {
			out[kemName+"/"+aeadName] = func(t testing.TB, id ohttp.KeyID) *ohttp.PrivateKey {
				return newKey(t, id, kem, ohttp.Suite{KDF: ohttp.HKDFSHA256, AEAD: aead})
			}
		}
	}
	return out
}

func trim(b []byte) []byte { return bytes.TrimRight(b, "\x00") }
