package ohttp_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/google/go-cmp/cmp"
)

// FuzzParseRequest: what is read can be written, and reads the same again.
func FuzzParseRequest(f *testing.F) {
	v := loadSection5(f)
	f.Add([]byte(v.KnownRequest))
	f.Add([]byte(v.IndeterminateRequest))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		r, err := ohttp.ParseRequest(b)
		if err != nil {
			return
		}
		again, err := ohttp.AppendRequest(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		r2, err := ohttp.ParseRequest(again)
		if diff := cmp.Diff(r, r2); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		padded, err := ohttp.ParseRequest(append(bytes.Clone(b), 0, 0, 0))
		if diff := cmp.Diff(r, padded); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		equal(t, "input", b, before)
	})
}

func FuzzParseResponse(f *testing.F) {
	v := loadSection5(f)
	f.Add([]byte(v.KnownResponse))
	f.Add([]byte(v.IndeterminateResponse))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ohttp.ParseResponse(b)
		if err != nil {
			return
		}
		again, err := ohttp.AppendResponse(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		r2, err := ohttp.ParseResponse(again)
		if diff := cmp.Diff(r, r2); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

// FuzzParseConfigs: the known part of a list can be written and reads the same.
func FuzzParseConfigs(f *testing.F) {
	v := loadAppendixA(f)
	f.Add(listOf(v.KeyConfig))
	f.Fuzz(func(t *testing.T, b []byte) {
		configs, err := ohttp.ParseConfigs(b)
		if err != nil || len(configs) == 0 {
			return
		}
		again, err := ohttp.AppendConfigs(nil, configs...)
		if err != nil {
			t.Fatal(err)
		}
		configs2, err := ohttp.ParseConfigs(again)
		if diff := cmp.Diff(configs, configs2); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		c, err := ohttp.Choose(configs)
		if err != nil {
			return
		}
		if _, _, err := c.Encapsulate(nil); err != nil {
			t.Fatalf("a chosen configuration cannot be used: %v", err)
		}
	})
}

// FuzzVerifyConfigs: only the two envelopes that the pin signed are accepted.
func FuzzVerifyConfigs(f *testing.F) {
	v := loadAppendixA(f)
	genuine := [][]byte{
		envelope(f, listOf(v.KeyConfig)),
		envelope(f, listOf(mlkem(2)[:3], v.KeyConfig)),
	}
	for _, b := range genuine {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ohttp.VerifyConfigs(b, from.Add(time.Hour), pinOf(pinKey(1)), ed25519.PublicKey{})
		known := bytes.Equal(b, genuine[0]) || bytes.Equal(b, genuine[1])
		if (err == nil) != known {
			t.Fatalf("genuine %t: %v", known, err)
		}
	})
}

type gatewayVectors struct {
	P256SecretKey hexBytes   `json:"p256_secret_key"`
	Request       hexBytes   `json:"request"`
	Encapsulated  []hexBytes `json:"encapsulated_requests"`
}

// FuzzGatewayOpen: a gateway without a size check opens the genuine requests and
// nothing else.
func FuzzGatewayOpen(f *testing.F) {
	v := loadAppendixA(f)
	var own gatewayVectors
	readJSON(f, "gateway_requests.json", &own)
	p256 := must[*ohttp.PrivateKey](f)(ohttp.NewPrivateKey(2, ohttp.P256, own.P256SecretKey))
	genuine := map[string]hexBytes{string(v.EncapsulatedRequest): v.Request}
	for _, b := range own.Encapsulated {
		genuine[string(b)] = own.Request
	}
	for b := range genuine {
		f.Add([]byte(b))
	}
	g := must[*ohttp.Gateway](f)(ohttp.NewGateway(forgetful(f), v.key(f), p256))
	g.Unpadded()
	f.Fuzz(func(t *testing.T, b []byte) {
		plaintext, r, err := g.Open(b)
		want, known := genuine[string(b)]
		if (err == nil) != known {
			t.Fatalf("genuine %t: %v", known, err)
		}
		if err != nil {
			return
		}
		equal(t, "request", plaintext, want)
		if _, err := r.Seal(nil, wire(1, 200)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzExchangeOpen: a device opens the published response and nothing else.
func FuzzExchangeOpen(f *testing.F) {
	v := loadAppendixA(f)
	x := ohttp.NewExchange(aes128, v.ExportedSecret, v.EphemeralPublicKey, false)
	f.Add([]byte(v.EncapsulatedResponse))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := x.Open(b)
		if known := bytes.Equal(b, v.EncapsulatedResponse); (err == nil) != known {
			t.Fatalf("genuine %t: %v", known, err)
		}
	})
}
