package ohttp_test

import (
	"slices"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawFields(t *rapid.T, label string) []ohttp.Field {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ohttp.Field {
		return ohttp.Field{
			Name:  "x-" + rapid.StringMatching("[a-z0-9!#$%&'*+.^_`|~-]{0,70}").Draw(t, "name"),
			Value: rapid.StringMatching("([!-~\u00e9]([ -~\t\u00e9]{0,80}[!-~])?)?").Draw(t, "value"),
		}
	}), 0, 6).Draw(t, label)
}

func nilIfEmpty[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return s
}

func drawRequest(t *rapid.T) ohttp.Request {
	return ohttp.Request{
		Method:    rapid.StringMatching("[A-Z][A-Z-]{0,20}").Draw(t, "method"),
		Scheme:    rapid.StringMatching("[a-z][a-z0-9+.-]{0,8}").Draw(t, "scheme"),
		Authority: rapid.StringMatching("[a-z0-9.:\\[\\]-]{0,80}").Draw(t, "authority"),
		Path:      rapid.StringMatching("/[!\"$-~]{0,90}").Draw(t, "path"),
		Header:    nilIfEmpty(drawFields(t, "header")),
		Body:      nilIfEmpty(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body")),
		Trailer:   nilIfEmpty(drawFields(t, "trailer")),
	}
}

func drawResponse(t *rapid.T) ohttp.Response {
	interim := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ohttp.Interim {
		return ohttp.Interim{
			Status: rapid.IntRange(100, 199).Draw(t, "interim status"),
			Header: nilIfEmpty(drawFields(t, "interim header")),
		}
	}), 0, 3).Draw(t, "interim")
	return ohttp.Response{
		Interim: nilIfEmpty(interim),
		Status:  rapid.IntRange(200, 599).Draw(t, "status"),
		Header:  nilIfEmpty(drawFields(t, "header")),
		Body:    nilIfEmpty(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body")),
		Trailer: nilIfEmpty(drawFields(t, "trailer")),
	}
}

// indeterminateTail is an encoder of its own for what follows the control data.
func indeterminateTail(t *rapid.T, header []ohttp.Field, body []byte, trailer []ohttp.Field) []byte {
	b := terminated(header)
	for len(body) > 0 {
		n := rapid.IntRange(1, len(body)).Draw(t, "chunk")
		b = append(b, wire(string(body[:n]))...)
		body = body[n:]
	}
	return append(append(b, 0), terminated(trailer)...)
}

func terminated(fields []ohttp.Field) []byte {
	var b []byte
	for _, f := range fields {
		b = append(b, wire(f.Name, f.Value)...)
	}
	return append(b, 0)
}

func pad(t *rapid.T, b []byte) []byte {
	return append(slices.Clip(b), make([]byte, rapid.IntRange(0, 40).Draw(t, "padding"))...)
}

// TestRequestRoundTrip: what is written is read, padded or not, in either
// framing, and a message without its trailing zeros is the same message.
func TestRequestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRequest(t)
		known, err := ohttp.AppendRequest(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		open := wire(2, want.Method, want.Scheme, want.Authority, want.Path)
		open = append(open, indeterminateTail(t, want.Header, want.Body, want.Trailer)...)
		for _, b := range [][]byte{known, pad(t, known), open, pad(t, open)} {
			got, err := ohttp.ParseRequest(b)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		}
		if len(want.Body) == 0 && want.Trailer == nil {
			got, err := ohttp.ParseRequest(known[:len(known)-2])
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		}
	})
}

func TestResponseRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawResponse(t)
		known, err := ohttp.AppendResponse(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		open := wire(3)
		for _, i := range want.Interim {
			open = append(append(open, wire(i.Status)...), terminated(i.Header)...)
		}
		open = append(open, wire(want.Status)...)
		open = append(open, indeterminateTail(t, want.Header, want.Body, want.Trailer)...)
		for _, b := range [][]byte{known, pad(t, known), open, pad(t, open)} {
			got, err := ohttp.ParseResponse(b)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		}
	})
}

func TestVarint(t *testing.T) {
	// RFC 9000 §A.1.
	for want, b := range map[uint64][]byte{
		151288809941952652: unhex(t, "c2197c5eff14e88c"),
		494878333:          unhex(t, "9d7f3e7d"),
		15293:              unhex(t, "7bbd"),
		37:                 unhex(t, "25"),
	} {
		if v, n := ohttp.ReadVarint(b); v != want || n != len(b) {
			t.Errorf("%x = %d in %d bytes", b, v, n)
		}
		equal(t, "encoding", ohttp.AppendVarint(nil, want), b)
	}
	if v, n := ohttp.ReadVarint(unhex(t, "4025")); v != 37 || n != 2 {
		t.Errorf("long form: %d in %d bytes", v, n)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Uint64Range(0, 1<<62-1).Draw(t, "v") >> rapid.IntRange(0, 61).Draw(t, "shift")
		b := ohttp.AppendVarint(nil, want)
		if v, n := ohttp.ReadVarint(append(b, 0xff)); v != want || n != len(b) {
			t.Fatalf("%x = %d in %d bytes, want %d", b, v, n, want)
		}
		for i := range b {
			if _, n := ohttp.ReadVarint(b[:i]); n != 0 {
				t.Fatalf("read %d of %d bytes", i, len(b))
			}
		}
	})
}
