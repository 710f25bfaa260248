package ohttp_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/google/go-cmp/cmp"
)

type appendixA struct {
	SecretKey            hexBytes `json:"secret_key"`
	KeyConfig            hexBytes `json:"key_config"`
	Request              hexBytes `json:"request"`
	EphemeralSecretKey   hexBytes `json:"ephemeral_secret_key"`
	EphemeralPublicKey   hexBytes `json:"ephemeral_public_key"`
	Info                 hexBytes `json:"info"`
	EncapsulatedRequest  hexBytes `json:"encapsulated_request"`
	Response             hexBytes `json:"response"`
	ExportedSecret       hexBytes `json:"exported_secret"`
	Salt                 hexBytes `json:"salt"`
	PRK                  hexBytes `json:"pseudorandom_key"`
	ResponseKey          hexBytes `json:"response_key"`
	ResponseNonce        hexBytes `json:"response_nonce"`
	EncapsulatedResponse hexBytes `json:"encapsulated_response"`
}

// vectorKey is the gateway of Appendix A. Its configuration also offers
// ChaCha20Poly1305, which this package does not.
func (v *appendixA) key(t testing.TB) *ohttp.PrivateKey {
	return must[*ohttp.PrivateKey](t)(ohttp.NewPrivateKey(1, ohttp.X25519, v.SecretKey))
}

func (v *appendixA) gateway(t testing.TB) *ohttp.Gateway { return newGateway(t, v.key(t)).Unpadded() }

func loadAppendixA(t testing.TB) *appendixA {
	t.Helper()
	v := new(appendixA)
	readJSON(t, "rfc/rfc9458_appendix_a.json", v)
	return v
}

var aes128 = ohttp.Suite{KDF: ohttp.HKDFSHA256, AEAD: ohttp.AES128GCM}

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s = %x, want %x", what, got, want)
	}
}

// TestRFC9458 recomputes every value of Appendix A on the gateway's side.
func TestRFC9458(t *testing.T) {
	v := loadAppendixA(t)
	g := v.gateway(t)
	plaintext, r, err := g.Open(v.EncapsulatedRequest)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "request", plaintext, v.Request)
	req := must[ohttp.Request](t)(ohttp.ParseRequest(plaintext))
	want := ohttp.Request{Method: "GET", Scheme: "https", Authority: "example.com", Path: "/"}
	if diff := cmp.Diff(want, req); diff != "" {
		t.Error(diff)
	}
	head := ohttp.RequestHeader(1, ohttp.X25519, aes128)
	equal(t, "header", head, v.EncapsulatedRequest[:7])
	equal(t, "info", ohttp.RequestInfo(head), v.Info)
	exported := must[[]byte](t)(r.Export(16))
	equal(t, "exported secret", exported, v.ExportedSecret)
	equal(t, "salt", slices.Concat(v.EphemeralPublicKey, v.EncapsulatedResponse[:16]), v.Salt)
	equal(t, "prk", must[[]byte](t)(hkdf.Extract(sha256.New, exported, v.Salt)), v.PRK)
	nonce := v.EncapsulatedResponse[:16]
	key, iv, err := ohttp.ResponseSecrets(aes128, exported, v.EphemeralPublicKey, nonce)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "response key", key, v.ResponseKey)
	equal(t, "response nonce", iv, v.ResponseNonce)
	equal(t, "encapsulated response", must[[]byte](t)(r.SealWithNonce(v.Response, nonce)), v.EncapsulatedResponse)
	if _, _, err := g.Open(v.EncapsulatedRequest); err != ohttp.ErrReplay {
		t.Errorf("second Open: %v, want ErrReplay", err)
	}
}

// ephemeral computes a sender's Diffie-Hellman: the public half is the
// recipient's and the secret half the sender's. With it NewRecipient runs the
// sender's key schedule from a published ephemeral key, which NewSender, always
// random, cannot.
type ephemeral struct {
	secret    *ecdh.PrivateKey
	recipient *ecdh.PublicKey
}

func (e ephemeral) PublicKey() *ecdh.PublicKey { return e.recipient }
func (e ephemeral) Curve() ecdh.Curve          { return e.secret.Curve() }
func (e ephemeral) ECDH(pub *ecdh.PublicKey) ([]byte, error) {
	if !pub.Equal(e.secret.PublicKey()) {
		panic("not the ephemeral key")
	}
	return e.secret.ECDH(e.recipient)
}

// TestRFC9458Device checks Appendix A on the device's side. AES-GCM maps a
// plaintext to one ciphertext, so that the sender's context opens the published
// request shows that it would have sealed those bytes.
func TestRFC9458Device(t *testing.T) {
	v := loadAppendixA(t)
	configs := must[[]ohttp.Config](t)(ohttp.ParseConfigs(append([]byte{0, byte(len(v.KeyConfig))}, v.KeyConfig...)))
	c := must[ohttp.Config](t)(ohttp.Choose(configs))
	equal(t, "public key", c.PublicKey, v.key(t).Config().PublicKey)

	e := ephemeral{
		must[*ecdh.PrivateKey](t)(ecdh.X25519().NewPrivateKey(v.EphemeralSecretKey)),
		must[*ecdh.PublicKey](t)(ecdh.X25519().NewPublicKey(c.PublicKey)),
	}
	equal(t, "enc", e.secret.PublicKey().Bytes(), v.EphemeralPublicKey)
	sk := must[hpke.PrivateKey](t)(hpke.NewDHKEMPrivateKey(e))
	sender := must[*hpke.Recipient](t)(hpke.NewRecipient(v.EphemeralPublicKey, sk, hpke.HKDFSHA256(), hpke.AES128GCM(), v.Info))
	equal(t, "request", must[[]byte](t)(sender.Open(nil, v.EncapsulatedRequest[7+32:])), v.Request)

	exported := must[[]byte](t)(sender.Export("message/bhttp response", 16))
	x := ohttp.NewExchange(aes128, exported, v.EphemeralPublicKey, false)
	plaintext := must[[]byte](t)(x.Open(v.EncapsulatedResponse))
	equal(t, "response", plaintext, v.Response)
	resp := must[ohttp.Response](t)(ohttp.ParseResponse(plaintext))
	if diff := cmp.Diff(ohttp.Response{Status: 200}, resp); diff != "" {
		t.Error(diff)
	}
}

func TestRFC9458ConfigRoundTrip(t *testing.T) {
	v := loadAppendixA(t)
	list := append([]byte{0, byte(len(v.KeyConfig))}, v.KeyConfig...)
	configs := must[[]ohttp.Config](t)(ohttp.ParseConfigs(list))
	want := []ohttp.Config{{
		ID: 1, KEM: ohttp.X25519, PublicKey: v.KeyConfig[3:35],
		Suites: []ohttp.Suite{aes128, {KDF: ohttp.HKDFSHA256, AEAD: 3}},
	}}
	if diff := cmp.Diff(want, configs); diff != "" {
		t.Error(diff)
	}
	equal(t, "list", must[[]byte](t)(ohttp.AppendConfigs(nil, configs...)), list)
}
