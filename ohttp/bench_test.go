package ohttp_test

import (
	"encoding/binary"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
)

// openers returns a gateway and a request for it. The gateway forgets requests,
// so that one serves all iterations; the cache is measured by BenchmarkRemember.
func openers(b *testing.B, key *ohttp.PrivateKey) (*ohttp.Gateway, []byte) {
	g := must[*ohttp.Gateway](b)(ohttp.NewGateway(forgetful(b), key))
	request, _, err := key.Config().Encapsulate(message(b, "benchmark"))
	if err != nil {
		b.Fatal(err)
	}
	return g, request
}

func BenchmarkGatewayOpen(b *testing.B) {
	for name, generate := range both() {
		b.Run(name, func(b *testing.B) {
			g, request := openers(b, generate(b, 1))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := g.Open(request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSealResponse(b *testing.B) {
	for _, aead := range []ohttp.AEAD{ohttp.AES128GCM, ohttp.AES256GCM} {
		b.Run(map[ohttp.AEAD]string{ohttp.AES128GCM: "AES128", ohttp.AES256GCM: "AES256"}[aead], func(b *testing.B) {
			g, request := openers(b, newKey(b, 1, ohttp.X25519, ohttp.Suite{KDF: ohttp.HKDFSHA256, AEAD: aead}))
			_, r, err := g.Open(request)
			if err != nil {
				b.Fatal(err)
			}
			response := must[[]byte](b)(ohttp.AppendResponse(nil, &ohttp.Response{Status: 200, Body: make([]byte, 900)}))
			dst := make([]byte, 0, ohttp.ResponseSize)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Seal(dst, response); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// padTo is what a gateway sees after Open.
func padTo(b []byte, n int) []byte { return append(b, make([]byte, n-len(b))...) }

func BenchmarkParseRequest(b *testing.B) {
	plaintext := must[[]byte](b)(ohttp.AppendRequest(nil, &ohttp.Request{
		Method: "POST", Scheme: "https", Authority: "gate.example", Path: "/v1/visits",
		Header: []ohttp.Field{
			{Name: "content-type", Value: "application/json"},
			{Name: "authorization", Value: "DPoP 0123456789abcdef0123456789abcdef0123456789a"},
			{Name: "dpop", Value: string(make64(300))},
			{Name: "date", Value: "Mon, 30 Aug 2021 08:00:00 GMT"},
		},
		Body: make64(200),
	}))
	plaintext = padTo(plaintext, ohttp.MaxRequest)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ohttp.ParseRequest(plaintext); err != nil {
			b.Fatal(err)
		}
	}
}

func make64(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}

func BenchmarkAppendResponse(b *testing.B) {
	r := ohttp.Response{
		Status: 200,
		Header: []ohttp.Field{{Name: "content-type", Value: "application/json"}},
		Body:   make64(900),
	}
	dst := make([]byte, 0, ohttp.MaxResponse)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ohttp.AppendResponse(dst, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncapsulate(b *testing.B) {
	config := newKey(b, 1, ohttp.X25519).Config()
	plaintext := message(b, "benchmark")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := config.Encapsulate(plaintext); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRemember(b *testing.B) {
	cache := newCache(b, 1<<40, 1<<26)
	var enc [32]byte
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		binary.BigEndian.PutUint64(enc[:], n)
		if err := cache.Remember(enc[:]); err != nil {
			b.Fatal(err)
		}
	}
}
