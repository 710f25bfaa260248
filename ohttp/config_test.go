package ohttp_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/google/go-cmp/cmp"
)

func listOf(configs ...[]byte) []byte {
	var b []byte
	for _, c := range configs {
		b = append(append(b, byte(len(c)>>8), byte(len(c))), c...)
	}
	return b
}

// encode returns one configuration without its length.
func encode(t testing.TB, c ohttp.Config) []byte {
	t.Helper()
	return must[[]byte](t)(ohttp.AppendConfigs(nil, c))[2:]
}

// mlkem is a configuration for MLKEM768-X25519, unknown here.
func mlkem(id byte) []byte {
	c := append([]byte{id, 0x64, 0x7a}, make([]byte, 1216)...)
	return append(c, 0, 4, 0, 1, 0, 1)
}

func TestConfigsRoundTrip(t *testing.T) {
	want := []ohttp.Config{
		newKey(t, 7, ohttp.P256).Config(),
		newKey(t, 0, ohttp.X25519, aes128).Config(),
		newKey(t, 255, ohttp.X25519).Config(),
	}
	list := must[[]byte](t)(ohttp.AppendConfigs([]byte("before"), want...))
	got := must[[]ohttp.Config](t)(ohttp.ParseConfigs(bytes.TrimPrefix(list, []byte("before"))))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownKEMsAreSkipped(t *testing.T) {
	c := newKey(t, 1, ohttp.X25519).Config()
	// One has no content at all behind its KEM, one repeats an id.
	list := listOf(mlkem(9), encode(t, c), []byte{1, 0, 0x21}, mlkem(1))
	got := must[[]ohttp.Config](t)(ohttp.ParseConfigs(list))
	if diff := cmp.Diff([]ohttp.Config{c}, got); diff != "" {
		t.Error(diff)
	}
	got = must[[]ohttp.Config](t)(ohttp.ParseConfigs(listOf(mlkem(1))))
	if len(got) != 0 {
		t.Errorf("%v", got)
	}
	if _, err := ohttp.Choose(got); !errors.Is(err, ohttp.ErrNoConfig) {
		t.Errorf("%v, want ErrNoConfig", err)
	}
}

func TestMalformedConfigs(t *testing.T) {
	x := encode(t, newKey(t, 1, ohttp.X25519, aes128).Config())
	p := encode(t, newKey(t, 2, ohttp.P256, aes128).Config())
	edit := func(b []byte, at int, v byte) []byte {
		b = slices.Clone(b)
		b[at] = v
		return b
	}
	offCurve := edit(p, 3+64, p[3+64]^1)
	for name, b := range map[string][]byte{
		"empty":                 nil,
		"one byte":              {0},
		"no configuration":      {0, 0},
		"no KEM":                {0, 1, 5},
		"off the curve":         listOf(offCurve),
		"compressed point":      listOf(edit(p, 3, 2)),
		"no suite":              listOf(append(slices.Clone(x[:35]), 0, 0)),
		"half a suite":          listOf(append(slices.Clone(x[:35]), 0, 2, 0, 1)),
		"suites too short":      listOf(append(slices.Clone(x), 0, 1, 0, 2)),
		"suites too long":       listOf(edit(x, 36, 8)),
		"id twice":              listOf(x, encode(t, newKey(t, 1, ohttp.P256).Config())),
		"length too long":       append([]byte{0, byte(len(x)) + 1}, x...),
		"length too short":      append([]byte{0, byte(len(x)) - 1}, x...),
		"bad one after a good":  listOf(x, offCurve),
		"good one after a bad":  listOf(offCurve, x),
		"bytes after the list":  append(listOf(x), 0),
		"oversized":             bytes.Repeat(listOf(mlkem(1)), 7),
		"oversized by one byte": append(listOf(x), listOf(append([]byte{3, 9, 9}, make([]byte, ohttp.MaxConfigsSize-len(x)-6)...))...),
	} {
		if got, err := ohttp.ParseConfigs(b); !errors.Is(err, ohttp.ErrConfig) {
			t.Errorf("%s: %v, %v, want ErrConfig", name, got, err)
		}
	}
	largest := append(listOf(x), listOf(append([]byte{3, 9, 9}, make([]byte, ohttp.MaxConfigsSize-len(x)-7)...))...)
	if len(largest) != ohttp.MaxConfigsSize {
		t.Fatal(len(largest))
	}
	must[[]ohttp.Config](t)(ohttp.ParseConfigs(largest))
}

func TestTruncatedConfigs(t *testing.T) {
	list := listOf(encode(t, newKey(t, 1, ohttp.X25519).Config()), encode(t, newKey(t, 2, ohttp.P256).Config()))
	whole := map[int]bool{2 + 3 + 32 + 2 + 8: true, len(list): true}
	for n := range len(list) + 1 {
		if _, err := ohttp.ParseConfigs(list[:n]); (err == nil) != whole[n] {
			t.Errorf("%d of %d bytes: %v", n, len(list), err)
		}
	}
}

func TestAppendConfigsRefuses(t *testing.T) {
	good := newKey(t, 1, ohttp.X25519).Config()
	for name, c := range map[string]ohttp.Config{
		"unknown KEM":     {ID: 2, KEM: 0x21, PublicKey: make([]byte, 56), Suites: good.Suites},
		"short key":       {ID: 2, KEM: ohttp.X25519, PublicKey: make([]byte, 31), Suites: good.Suites},
		"no suite":        {ID: 2, KEM: ohttp.X25519, PublicKey: good.PublicKey},
		"too many suites": {ID: 2, KEM: ohttp.X25519, PublicKey: good.PublicKey, Suites: make([]ohttp.Suite, 1<<14)},
		"same id":         good,
	} {
		if b, err := ohttp.AppendConfigs([]byte("x"), good, c); !errors.Is(err, ohttp.ErrConfig) || string(b) != "x" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if _, err := ohttp.AppendConfigs(nil); !errors.Is(err, ohttp.ErrConfig) {
		t.Errorf("empty list: %v", err)
	}
}

func TestChoose(t *testing.T) {
	p := newKey(t, 1, ohttp.P256).Config()
	x := newKey(t, 2, ohttp.X25519).Config()
	next := newKey(t, 3, ohttp.X25519).Config()
	foreign := newKey(t, 4, ohttp.X25519).Config()
	foreign.Suites = []ohttp.Suite{{KDF: ohttp.HKDFSHA256, AEAD: 3}, {KDF: 3, AEAD: ohttp.AES128GCM}}
	for name, c := range map[string]struct {
		list []ohttp.Config
		want ohttp.KeyID
	}{
		"X25519 before P-256":   {[]ohttp.Config{p, x}, 2},
		"first of its KEM":      {[]ohttp.Config{x, next, p}, 2},
		"P-256 alone":           {[]ohttp.Config{p}, 1},
		"unknown suites passed": {[]ohttp.Config{foreign, p, next}, 3},
	} {
		if got := must[ohttp.Config](t)(ohttp.Choose(c.list)); got.ID != c.want {
			t.Errorf("%s: chose key %d, want %d", name, got.ID, c.want)
		}
	}
	if _, err := ohttp.Choose([]ohttp.Config{foreign}); !errors.Is(err, ohttp.ErrNoConfig) {
		t.Errorf("%v, want ErrNoConfig", err)
	}
	if _, _, err := foreign.Encapsulate(message(t, "")); !errors.Is(err, ohttp.ErrSuite) {
		t.Errorf("%v, want ErrSuite", err)
	}
}

func TestPrivateKeys(t *testing.T) {
	for name, generate := range both() {
		t.Run(name, func(t *testing.T) {
			k := generate(t, 5)
			c := k.Config()
			b := must[[]byte](t)(k.Bytes())
			again := must[*ohttp.PrivateKey](t)(ohttp.NewPrivateKey(5, c.KEM, b, c.Suites...))
			if diff := cmp.Diff(c, again.Config()); diff != "" {
				t.Error(diff)
			}
			for _, bad := range [][]byte{nil, b[1:], append(slices.Clone(b), 0)} {
				if _, err := ohttp.NewPrivateKey(5, c.KEM, bad); !errors.Is(err, ohttp.ErrKey) {
					t.Errorf("%d bytes: %v, want ErrKey", len(bad), err)
				}
			}
		})
	}
	_, err1 := ohttp.GenerateKey(1, 0x21)
	_, err2 := ohttp.NewPrivateKey(1, 0x21, make([]byte, 32))
	_, err3 := ohttp.GenerateKey(1, ohttp.P256, ohttp.Suite{KDF: ohttp.HKDFSHA256, AEAD: 3})
	_, err4 := ohttp.NewPrivateKey(1, ohttp.P256, make([]byte, 32))
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ohttp.ErrKey) {
			t.Errorf("%d: %v, want ErrKey", i+1, err)
		}
	}
}
