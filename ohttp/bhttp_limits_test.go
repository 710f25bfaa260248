package ohttp_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
)

// TestLengthsOfEveryForm crosses the sizes at which a length takes more bytes.
func TestLengthsOfEveryForm(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 16000} {
		want := ohttp.Response{Status: 200, Header: []ohttp.Field{{Name: "x", Value: strings.Repeat("v", n)}}}
		for _, body := range []int{63, 64, 16383, 16384, ohttp.MaxContent} {
			want.Body = make([]byte, body)
			b := must[[]byte](t)(ohttp.AppendResponse(nil, &want))
			got := must[ohttp.Response](t)(ohttp.ParseResponse(b))
			if got.Status != 200 || ohttp.Get(got.Header, "x") != want.Header[0].Value || len(got.Body) != body {
				t.Errorf("value of %d bytes, content of %d", n, body)
			}
		}
	}
	if got := ohttp.Get(sampleResponse.Header, "x"); got != "" {
		t.Errorf("absent field is %q", got)
	}
}

func TestAppendLimits(t *testing.T) {
	field := ohttp.Field{Name: "x"}
	large := ohttp.Field{Name: "x", Value: strings.Repeat("v", ohttp.MaxFieldSection)}
	for _, c := range []struct {
		name string
		r    ohttp.Response
		want error
	}{
		{"most fields", ohttp.Response{Header: slices.Repeat([]ohttp.Field{field}, ohttp.MaxFields)}, nil},
		{"too many fields", ohttp.Response{Header: slices.Repeat([]ohttp.Field{field}, ohttp.MaxFields+1)}, ohttp.ErrLimit},
		{"large header", ohttp.Response{Header: []ohttp.Field{large}}, ohttp.ErrLimit},
		{"large trailer", ohttp.Response{Trailer: []ohttp.Field{large}}, ohttp.ErrLimit},
		{"large content", ohttp.Response{Body: make([]byte, ohttp.MaxContent+1)}, ohttp.ErrLimit},
		{"most interim", ohttp.Response{Interim: slices.Repeat([]ohttp.Interim{{Status: 103}}, ohttp.MaxInterim)}, nil},
		{"too many interim", ohttp.Response{Interim: slices.Repeat([]ohttp.Interim{{Status: 103}}, ohttp.MaxInterim+1)}, ohttp.ErrLimit},
		{"interim that is final", ohttp.Response{Interim: []ohttp.Interim{{Status: 200}}}, ohttp.ErrMessage},
		{"interim with a large header", ohttp.Response{Interim: []ohttp.Interim{{Status: 103, Header: []ohttp.Field{large}}}}, ohttp.ErrLimit},
		{"interim with a bad field", ohttp.Response{Interim: []ohttp.Interim{{Status: 103, Header: []ohttp.Field{{Name: "A"}}}}}, ohttp.ErrField},
	} {
		c.r.Status = 200
		if _, err := ohttp.AppendResponse(nil, &c.r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestAppendRefusesWhatParseRefuses(t *testing.T) {
	dst := []byte("before")
	bad := sampleRequest
	bad.Header = append(slices.Clone(bad.Header), ohttp.Field{Name: "a", Value: "\r\nx: y"})
	got, err := ohttp.AppendRequest(dst, &bad)
	if !errors.Is(err, ohttp.ErrField) || !bytes.Equal(got, dst) {
		t.Errorf("%q, %v", got, err)
	}
	got, err = ohttp.AppendResponse(dst, &ohttp.Response{Status: 1000})
	if !errors.Is(err, ohttp.ErrMessage) || !bytes.Equal(got, dst) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestBodyDoesNotLeadIntoItsBuffer(t *testing.T) {
	for _, framing := range []int{0, 2} {
		b := wire(framing, "GET", "https", "", "/", 0, "body", 0, 0)
		r := must[ohttp.Request](t)(ohttp.ParseRequest(b))
		before := slices.Clone(b)
		_ = append(r.Body, "overrun"...)
		equal(t, "buffer", b, before)
	}
}

// TestHostileMessagesCostNothing: limits bite before anything is allocated.
func TestHostileMessagesCostNothing(t *testing.T) {
	fields := bytes.Repeat(wire("x", ""), 1<<18)
	chunks := bytes.Repeat(wire(string(make([]byte, 8<<10))), 1<<11)
	target := wire(2, "GET", "https", "", "/")
	for name, b := range map[string][]byte{
		"fields":                getRequest(string(fields[:16<<10])),
		"section":               getRequest(fieldsOf("x", strings.Repeat("v", 1<<20))),
		"indeterminate fields":  slices.Concat(target, fields[:16<<10]),
		"indeterminate section": slices.Concat(target, wire("x", strings.Repeat("v", 1<<20)), []byte{0}),
		"informational":         wire(1, bytes.Repeat(wire(100, 0), 1<<20), 200),
	} {
		parse := func() {
			_, err1 := ohttp.ParseRequest(b)
			_, err2 := ohttp.ParseResponse(b)
			if !errors.Is(err1, ohttp.ErrLimit) && !errors.Is(err2, ohttp.ErrLimit) {
				t.Fatalf("%s: %v, %v", name, err1, err2)
			}
		}
		if n := allocated(parse); n > 4<<10 {
			t.Errorf("%s: %d bytes allocated", name, n)
		}
	}
	// Content is copied, but not past its limit.
	b := slices.Concat(target, []byte{0}, chunks, []byte{0})
	if n := allocated(func() { _, _ = ohttp.ParseRequest(b) }); n > 6*ohttp.MaxContent {
		t.Errorf("chunks: %d bytes allocated for %d", n, len(b))
	}
}

// allocated returns the bytes that f allocates: the least of five runs, since the
// count is the whole process's and the runtime allocates beside f now and then.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
