package ohttp_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

type hpkeVector struct {
	KEM                uint16 `json:"kem_id"`
	KDF                uint16 `json:"kdf_id"`
	AEAD               uint16 `json:"aead_id"`
	Info, SkRm, PkRm   hexBytes
	Enc, IkmE, IkmR    hexBytes
	AccumulatedSealed  hexBytes `json:"encryptions_accumulated"`
	AccumulatedExports hexBytes `json:"exports_accumulated"`
}

// TestRFC9180 runs the published base-mode vectors of the suites used here. The
// sealing side is written out from the RFC, because crypto/hpke seals only under
// a random key: the accumulated hash proves it right, and then it proves the
// recipient right.
func TestRFC9180(t *testing.T) {
	var vectors []hpkeVector
	readJSON(t, "hpke/rfc9180.json", &vectors)
	n := 0
	for _, v := range vectors {
		if v.KEM != 0x10 && v.KEM != 0x20 || v.KDF != 1 || v.AEAD != 1 && v.AEAD != 2 {
			continue
		}
		n++
		t.Run(fmt.Sprintf("kem%02x/aead%d", v.KEM, v.AEAD), v.run)
	}
	if n != 4 {
		t.Errorf("%d vectors, want 4", n)
	}
}

func (v hpkeVector) run(t *testing.T) {
	kem := must[hpke.KEM](t)(hpke.NewKEM(v.KEM))
	kdf := must[hpke.KDF](t)(hpke.NewKDF(v.KDF))
	aead := must[hpke.AEAD](t)(hpke.NewAEAD(v.AEAD))
	sk := must[hpke.PrivateKey](t)(kem.NewPrivateKey(v.SkRm))
	equal(t, "public key", sk.PublicKey().Bytes(), v.PkRm)
	derived := must[hpke.PrivateKey](t)(kem.DeriveKeyPair(v.IkmR))
	equal(t, "derived public key", derived.PublicKey().Bytes(), v.PkRm)
	skE := must[hpke.PrivateKey](t)(kem.DeriveKeyPair(v.IkmE))
	equal(t, "enc", skE.PublicKey().Bytes(), v.Enc)
	r := must[*hpke.Recipient](t)(hpke.NewRecipient(v.Enc, sk, kdf, aead, v.Info))

	source, sink := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	for l := range 1000 {
		out := must[[]byte](t)(r.Export(string(draw(source)), l))
		_, _ = sink.Write(out)
	}
	equal(t, "accumulated exports", sum16(sink), v.AccumulatedExports)

	gcm, baseNonce := v.schedule(t, sk)
	source, sink = sha3.NewSHAKE128(), sha3.NewSHAKE128()
	for seq := range uint64(1000) {
		aad, plaintext := draw(source), draw(source)
		nonce := slices.Clone(baseNonce)
		binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^seq)
		sealed := gcm.Seal(nil, nonce, plaintext, aad)
		_, _ = sink.Write(sealed)
		equal(t, "opened", must[[]byte](t)(r.Open(aad, sealed)), plaintext)
	}
	equal(t, "accumulated encryptions", sum16(sink), v.AccumulatedSealed)
}

// schedule is RFC 9180 §4.1 and §5.1 for DHKEM with HKDF-SHA256 in base mode.
func (v hpkeVector) schedule(t *testing.T, sk hpke.PrivateKey) (cipher.AEAD, []byte) {
	kemID := binary.BigEndian.AppendUint16([]byte("KEM"), v.KEM)
	suite := binary.BigEndian.AppendUint16([]byte("HPKE"), v.KEM)
	suite = binary.BigEndian.AppendUint16(suite, v.KDF)
	suite = binary.BigEndian.AppendUint16(suite, v.AEAD)
	extract := func(id, salt []byte, label string, ikm []byte) []byte {
		return must[[]byte](t)(hkdf.Extract(sha256.New, slices.Concat([]byte("HPKE-v1"), id, []byte(label), ikm), salt))
	}
	expand := func(id, prk []byte, label string, info []byte, n int) []byte {
		labeled := slices.Concat([]byte{0, byte(n)}, []byte("HPKE-v1"), id, []byte(label), info)
		return must[[]byte](t)(hkdf.Expand(sha256.New, prk, string(labeled), n))
	}
	dh := diffieHellman(t, v.KEM, must[[]byte](t)(sk.Bytes()), v.Enc)
	shared := expand(kemID, extract(kemID, nil, "eae_prk", dh), "shared_secret", slices.Concat(v.Enc, v.PkRm), 32)
	context := slices.Concat([]byte{0}, extract(suite, nil, "psk_id_hash", nil), extract(suite, nil, "info_hash", v.Info))
	prk := extract(suite, shared, "secret", nil)
	key := expand(suite, prk, "key", context, map[uint16]int{1: 16, 2: 32}[v.AEAD])
	block := must[cipher.Block](t)(aes.NewCipher(key))
	return must[cipher.AEAD](t)(cipher.NewGCM(block)), expand(suite, prk, "base_nonce", context, 12)
}

// draw takes a length and that many bytes from the vectors' random stream.
func draw(source *sha3.SHAKE) []byte {
	n := make([]byte, 1)
	_, _ = source.Read(n)
	b := make([]byte, n[0])
	_, _ = source.Read(b)
	return b
}

func sum16(sink *sha3.SHAKE) []byte {
	b := make([]byte, 16)
	_, _ = sink.Read(b)
	return b
}
