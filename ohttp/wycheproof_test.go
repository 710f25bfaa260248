package ohttp_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"slices"
	"testing"
)

// wycheproof is the union of the test schemas used here.
type wycheproof struct {
	Groups []struct {
		IvSize, KeySize, TagSize int
		PublicKey                struct{ Pk hexBytes }
		Tests                    []wycheproofCase
	} `json:"testGroups"`
}

type wycheproofCase struct {
	ID                      int `json:"tcId"`
	Flags                   []string
	Result                  string
	Public, Private, Shared hexBytes
	Key, Iv, Aad, Msg       hexBytes
	Ct, Tag                 hexBytes
	Ikm, Salt, Info, Okm    hexBytes
	Size                    int
	Sig                     hexBytes
}

func (c *wycheproofCase) valid() bool { return c.Result == "valid" }

// ran fails when a file holds fewer cases than it did when it was copied.
func ran(t *testing.T, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%d cases ran, want %d", got, want)
	}
}

func diffieHellman(t *testing.T, kem uint16, secret, public []byte) []byte {
	t.Helper()
	curve := ecdh.X25519()
	if kem == 0x10 {
		curve = ecdh.P256()
	}
	sk := must[*ecdh.PrivateKey](t)(curve.NewPrivateKey(secret))
	return must[[]byte](t)(sk.ECDH(must[*ecdh.PublicKey](t)(curve.NewPublicKey(public))))
}

func TestWycheproofX25519(t *testing.T) {
	var w wycheproof
	readJSON(t, "wycheproof/x25519_test.json", &w)
	n := 0
	for _, c := range w.Groups[0].Tests {
		n++
		sk := must[*ecdh.PrivateKey](t)(ecdh.X25519().NewPrivateKey(c.Private))
		shared, err := sk.ECDH(must[*ecdh.PublicKey](t)(ecdh.X25519().NewPublicKey(c.Public)))
		if slices.Contains(c.Flags, "ZeroSharedSecret") {
			if err == nil {
				t.Errorf("case %d: an all-zero secret was accepted (RFC 9180 §7.1.4)", c.ID)
			}
			continue
		}
		if err != nil || !bytes.Equal(shared, c.Shared) {
			t.Errorf("case %d: %x, %v, want %x", c.ID, shared, err, []byte(c.Shared))
		}
	}
	ran(t, n, 518)
}

func TestWycheproofP256(t *testing.T) {
	var w wycheproof
	readJSON(t, "wycheproof/ecdh_secp256r1_ecpoint_test.json", &w)
	n := 0
	for _, c := range w.Groups[0].Tests {
		n++
		d := bytes.TrimLeft(c.Private, "\x00")
		sk := must[*ecdh.PrivateKey](t)(ecdh.P256().NewPrivateKey(append(make([]byte, 32-len(d)), d...)))
		pub, err := ecdh.P256().NewPublicKey(c.Public)
		if (err == nil) != c.valid() {
			// HPKE knows no compressed points, so these are not acceptable here.
			t.Errorf("case %d: %v, result %s", c.ID, err, c.Result)
		}
		if err != nil {
			continue
		}
		equal(t, "shared secret", must[[]byte](t)(sk.ECDH(pub)), c.Shared)
	}
	ran(t, n, 355)
}

func TestWycheproofAESGCM(t *testing.T) {
	var w wycheproof
	readJSON(t, "wycheproof/aes_gcm_test.json", &w)
	n := 0
	for _, g := range w.Groups {
		if g.IvSize != 96 || g.TagSize != 128 || g.KeySize == 192 {
			continue
		}
		for _, c := range g.Tests {
			n++
			aead := must[cipher.AEAD](t)(cipher.NewGCM(must[cipher.Block](t)(aes.NewCipher(c.Key))))
			sealed := slices.Concat(c.Ct, c.Tag)
			if got := aead.Seal(nil, c.Iv, c.Msg, c.Aad); bytes.Equal(got, sealed) != c.valid() {
				t.Errorf("case %d: sealed %x, result %s", c.ID, got, c.Result)
			}
			got, err := aead.Open(nil, c.Iv, sealed, c.Aad)
			if (err == nil) != c.valid() || err == nil && !bytes.Equal(got, c.Msg) {
				t.Errorf("case %d: opened %x, %v, result %s", c.ID, got, err, c.Result)
			}
		}
	}
	ran(t, n, 133)
}

func TestWycheproofHKDF(t *testing.T) {
	var w wycheproof
	readJSON(t, "wycheproof/hkdf_sha256_test.json", &w)
	n := 0
	for _, g := range w.Groups {
		for _, c := range g.Tests {
			n++
			got, err := hkdf.Key(sha256.New, c.Ikm, c.Salt, string(c.Info), c.Size)
			if (err == nil) != c.valid() || err == nil && !bytes.Equal(got, c.Okm) {
				t.Errorf("case %d: %x, %v, result %s", c.ID, got, err, c.Result)
			}
		}
	}
	ran(t, n, 86)
}

func TestWycheproofEd25519(t *testing.T) {
	var w wycheproof
	readJSON(t, "wycheproof/ed25519_test.json", &w)
	n := 0
	for _, g := range w.Groups {
		for _, c := range g.Tests {
			n++
			if got := ed25519.Verify(ed25519.PublicKey(g.PublicKey.Pk), c.Msg, c.Sig); got != c.valid() {
				t.Errorf("case %d: verified %t, result %s", c.ID, got, c.Result)
			}
		}
	}
	ran(t, n, 151)
}
