package ohttp_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/google/go-cmp/cmp"
)

type section5 struct {
	KnownRequest          hexBytes `json:"known_request"`
	IndeterminateRequest  hexBytes `json:"indeterminate_request"`
	IndeterminateResponse hexBytes `json:"indeterminate_response"`
	KnownResponse         hexBytes `json:"known_response"`
}

func loadSection5(t testing.TB) *section5 {
	t.Helper()
	v := new(section5)
	readJSON(t, "rfc/rfc9292_section_5.json", v)
	return v
}

// sampleRequest is figure 7 of RFC 9292.
var sampleRequest = ohttp.Request{
	Method: "GET", Scheme: "https", Path: "/hello.txt",
	Header: []ohttp.Field{
		{Name: "user-agent", Value: "curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3"},
		{Name: "host", Value: "www.example.com"},
		{Name: "accept-language", Value: "en, mi"},
	},
}

// sampleResponse is figure 10 of RFC 9292.
var sampleResponse = ohttp.Response{
	Interim: []ohttp.Interim{
		{Status: 102, Header: []ohttp.Field{{Name: "running", Value: `"sleep 15"`}}},
		{Status: 103, Header: []ohttp.Field{
			{Name: "link", Value: "</style.css>; rel=preload; as=style"},
			{Name: "link", Value: "</script.js>; rel=preload; as=script"},
		}},
	},
	Status: 200,
	Header: []ohttp.Field{
		{Name: "date", Value: "Mon, 27 Jul 2009 12:28:53 GMT"},
		{Name: "server", Value: "Apache"},
		{Name: "last-modified", Value: "Wed, 22 Jul 2009 19:15:56 GMT"},
		{Name: "etag", Value: `"34aa387-d-1568eb00"`},
		{Name: "accept-ranges", Value: "bytes"},
		{Name: "content-length", Value: "51"},
		{Name: "vary", Value: "Accept-Encoding"},
		{Name: "content-type", Value: "text/plain"},
	},
	Body: []byte("Hello World! My content includes a trailing CRLF.\r\n"),
}

// chunkedResponse is figure 12 of RFC 9292.
var chunkedResponse = ohttp.Response{
	Status:  200,
	Body:    []byte("This content contains CRLF.\r\n"),
	Trailer: []ohttp.Field{{Name: "trailer", Value: "text"}},
}

func TestRFC9292Requests(t *testing.T) {
	v := loadSection5(t)
	for _, b := range [][]byte{v.KnownRequest, v.IndeterminateRequest} {
		got := must[ohttp.Request](t)(ohttp.ParseRequest(b))
		if diff := cmp.Diff(sampleRequest, got); diff != "" {
			t.Error(diff)
		}
	}
	equal(t, "figure 8", must[[]byte](t)(ohttp.AppendRequest(nil, &sampleRequest)), v.KnownRequest)
}

func TestRFC9292Responses(t *testing.T) {
	v := loadSection5(t)
	got := must[ohttp.Response](t)(ohttp.ParseResponse(v.IndeterminateResponse))
	if diff := cmp.Diff(sampleResponse, got); diff != "" {
		t.Error(diff)
	}
	known := must[[]byte](t)(ohttp.AppendResponse(nil, &sampleResponse))
	got = must[ohttp.Response](t)(ohttp.ParseResponse(known))
	if diff := cmp.Diff(sampleResponse, got); diff != "" {
		t.Error(diff)
	}
	got = must[ohttp.Response](t)(ohttp.ParseResponse(v.KnownResponse))
	if diff := cmp.Diff(chunkedResponse, got); diff != "" {
		t.Error(diff)
	}
	equal(t, "figure 13", must[[]byte](t)(ohttp.AppendResponse(nil, &chunkedResponse)), v.KnownResponse)
}

// TestTruncation cuts each message at every length: RFC 9292 §3.8 names the
// lengths that leave it whole, and every other one is ErrTruncated.
func TestTruncation(t *testing.T) {
	v := loadSection5(t)
	request := func(b []byte) (any, error) { return ohttp.ParseRequest(b) }
	response := func(b []byte) (any, error) { return ohttp.ParseResponse(b) }
	for _, c := range []struct {
		name  string
		parse func([]byte) (any, error)
		b     []byte
		want  any
		cut   int // as many bytes at the end may go
		// Lengths at which a message ends that is whole, but has less in it:
		// after the control data, the header or the content.
		less []int
	}{
		{"known request", request, v.KnownRequest, sampleRequest, 2, []int{23}},
		{"indeterminate request", request, v.IndeterminateRequest, sampleRequest, 12, []int{23}},
		{"indeterminate response", response, v.IndeterminateResponse, sampleResponse, 1, []int{111, 314}},
		{"known response", response, v.KnownResponse, chunkedResponse, 0, []int{3, 4, 34}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.b) + 1 {
				got, err := c.parse(c.b[:n])
				switch {
				case n >= len(c.b)-c.cut:
					if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
						t.Errorf("%d of %d bytes: %v %s", n, len(c.b), err, diff)
					}
				case slices.Contains(c.less, n):
					if err != nil {
						t.Errorf("%d of %d bytes: %v", n, len(c.b), err)
					}
				case !errors.Is(err, ohttp.ErrTruncated):
					t.Errorf("%d of %d bytes: %v, want ErrTruncated", n, len(c.b), err)
				}
			}
		})
	}
}

func TestPadding(t *testing.T) {
	v := loadSection5(t)
	for _, b := range [][]byte{v.KnownRequest, v.IndeterminateRequest, v.KnownRequest[:len(v.KnownRequest)-2]} {
		for n := range 40 {
			padded := append(slices.Clone(b), make([]byte, n)...)
			got := must[ohttp.Request](t)(ohttp.ParseRequest(padded))
			if diff := cmp.Diff(sampleRequest, got); diff != "" {
				t.Fatal(diff)
			}
			end := len(v.KnownRequest)
			if b[0] == 2 {
				end = len(v.IndeterminateRequest) - 10
			}
			for i := end; i < len(padded); i++ {
				padded[i] = 1
				if _, err := ohttp.ParseRequest(padded); !errors.Is(err, ohttp.ErrPadding) {
					t.Fatalf("byte %d set: %v, want ErrPadding", i, err)
				}
				padded[i] = 0
			}
		}
	}
}

// wire builds messages that AppendRequest would not.
func wire(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = ohttp.AppendVarint(b, uint64(p))
		case string:
			b = append(ohttp.AppendVarint(b, uint64(len(p))), p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func getRequest(rest ...any) []byte {
	return wire(append([]any{0, "GET", "https", "gate.example", "/"}, rest...)...)
}

// fieldsOf is a known-length section of names and values.
func fieldsOf(pairs ...string) []byte {
	var b []byte
	for _, s := range pairs {
		b = append(b, wire(s)...)
	}
	return wire(string(b))
}

// invalid is a message and the error that refuses it.
type invalid struct {
	name string
	b    []byte
	want error
}

func refuse(t *testing.T, cases []invalid) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if r, err := ohttp.ParseRequest(c.b); !errors.Is(err, c.want) {
				t.Errorf("%+v, %v, want %v", r, err, c.want)
			}
		})
	}
}

func TestInvalidControlData(t *testing.T) {
	refuse(t, []invalid{
		{"empty", nil, ohttp.ErrTruncated},
		{"a response", wire(1, 200), ohttp.ErrMessage},
		{"framing 4", wire(4, "GET", "https", "", "/"), ohttp.ErrMessage},
		{"framing 2^40", wire(1<<40, "GET", "https", "", "/"), ohttp.ErrMessage},
		{"no method", wire(0, "", "https", "", "/"), ohttp.ErrMessage},
		{"method of two words", wire(0, "GET X", "https", "", "/"), ohttp.ErrMessage},
		{"no scheme", wire(0, "GET", "", "", "/"), ohttp.ErrMessage},
		{"scheme with colon", wire(0, "GET", "https:", "", "/"), ohttp.ErrMessage},
		{"upper-case scheme", wire(0, "GET", "HTTPS", "", "/"), ohttp.ErrMessage},
		{"authority with user", wire(0, "GET", "https", "a@b", "/"), ohttp.ErrMessage},
		{"authority with path", wire(0, "GET", "https", "a/b", "/"), ohttp.ErrMessage},
		{"no path", wire(0, "GET", "https", "", ""), ohttp.ErrMessage},
		{"relative path", wire(0, "GET", "https", "", "a"), ohttp.ErrMessage},
		{"star outside OPTIONS", wire(0, "GET", "https", "", "*"), ohttp.ErrMessage},
		{"path with line feed", wire(0, "GET", "https", "", "/\n"), ohttp.ErrMessage},
		{"path with space", wire(0, "GET", "https", "", "/ HTTP/1.1"), ohttp.ErrMessage},
		{"path with fragment", wire(0, "GET", "https", "", "/#x"), ohttp.ErrMessage},
		{"CONNECT", wire(0, "CONNECT", "", "a:1", ""), ohttp.ErrMessage},
		{"huge length", wire(0, 1<<61), ohttp.ErrTruncated},
		{"long target", wire(0, "GET", "https", "", "/"+strings.Repeat("a", ohttp.MaxTarget)), ohttp.ErrLimit},
	})
}

func TestInvalidFields(t *testing.T) {
	value := func(v string) []byte { return getRequest(fieldsOf("x", v)) }
	name := func(n string) []byte { return getRequest(fieldsOf(n, "v")) }
	refuse(t, []invalid{
		{"upper-case name", name("Host"), ohttp.ErrField},
		{"empty name", name(""), ohttp.ErrField},
		{"pseudo-field", name(":path"), ohttp.ErrField},
		{"unknown pseudo-field", name(":protocol"), ohttp.ErrField},
		{"name with space", name("a b"), ohttp.ErrField},
		{"name with line feed", name("a\n"), ohttp.ErrField},
		{"name with NUL", name("a\x00"), ohttp.ErrField},
		{"name outside ASCII", name("caf\xc3\xa9"), ohttp.ErrField},
		{"value with CR", value("a\rb"), ohttp.ErrField},
		{"value with LF", value("a\nb"), ohttp.ErrField},
		{"value with NUL", value("a\x00b"), ohttp.ErrField},
		{"value with DEL", value("a\x7fb"), ohttp.ErrField},
		{"leading space", value(" a"), ohttp.ErrField},
		{"trailing tab", value("a\t"), ohttp.ErrField},
		{"connection", name("connection"), ohttp.ErrField},
		{"transfer-encoding", name("transfer-encoding"), ohttp.ErrField},
		{"te", name("te"), ohttp.ErrField},
		{"expect", getRequest(fieldsOf("expect", "100-continue")), ohttp.ErrField},
		{"other host", getRequest(fieldsOf("host", "elsewhere.example")), ohttp.ErrField},
		{"content-length too small", getRequest(fieldsOf("content-length", "1"), "ab"), ohttp.ErrField},
		{"content-length without content", getRequest(fieldsOf("content-length", "1")), ohttp.ErrField},
		{"content-length signed", getRequest(fieldsOf("content-length", "+2"), "ab"), ohttp.ErrField},
		{"content-length twice", getRequest(fieldsOf("content-length", "2", "content-length", "3"), "ab"), ohttp.ErrField},
		{"bad trailer", getRequest(0, 0, fieldsOf("A", "b")), ohttp.ErrField},
	})
}

func TestInvalidStructure(t *testing.T) {
	many := slices.Repeat([]string{"x", ""}, ohttp.MaxFields)
	refuse(t, []invalid{
		{"name beyond its section", getRequest("\x05ab", "content"), ohttp.ErrTruncated},
		{"name without value", getRequest("\x01a"), ohttp.ErrTruncated},
		{"value beyond its section", getRequest("\x01a\x05b", "content"), ohttp.ErrTruncated},
		{"too many fields", getRequest(fieldsOf(append(many, "x", "")...)), ohttp.ErrLimit},
		{"large section", getRequest(fieldsOf("x", strings.Repeat("v", ohttp.MaxFieldSection))), ohttp.ErrLimit},
		{"large content", getRequest(0, strings.Repeat("v", ohttp.MaxContent+1)), ohttp.ErrLimit},
		{"non-zero padding", getRequest(0, 0, 0, []byte{0, 0, 1}), ohttp.ErrPadding},
		{"second message", append(getRequest(0, 0, 0), getRequest()...), ohttp.ErrPadding},

		{"indeterminate: unended header", wire(2, "GET", "https", "", "/", "a", "b"), ohttp.ErrTruncated},
		{"indeterminate: unended content", wire(2, "GET", "https", "", "/", 0, "abc"), ohttp.ErrTruncated},
		{"indeterminate: unended trailer", wire(2, "GET", "https", "", "/", 0, 0, "a", "b"), ohttp.ErrTruncated},
		{"indeterminate: bad name", wire(2, "GET", "https", "", "/", "A", "b", 0), ohttp.ErrField},
		{"indeterminate: too many fields",
			wire(2, "GET", "https", "", "/", bytes.Repeat(wire("x", ""), ohttp.MaxFields+1), 0), ohttp.ErrLimit},
		{"indeterminate: large section",
			wire(2, "GET", "https", "", "/", "x", strings.Repeat("v", ohttp.MaxFieldSection), 0), ohttp.ErrLimit},
		{"indeterminate: large content",
			wire(2, "GET", "https", "", "/", 0, strings.Repeat("v", ohttp.MaxContent), "v", 0), ohttp.ErrLimit},
	})
}

func TestValidRequests(t *testing.T) {
	many := slices.Repeat([]string{"x", ""}, ohttp.MaxFields)
	for name, b := range map[string][]byte{
		"control data only":      getRequest(),
		"long integers":          wire([]byte{0xc0, 0, 0, 0, 0, 0, 0, 0, 0x40, 3}, []byte("GET"), "https", "", "/"),
		"OPTIONS":                wire(0, "OPTIONS", "https", "", "*"),
		"same host":              getRequest(fieldsOf("host", "GATE.example")),
		"empty value":            getRequest(fieldsOf("x", "")),
		"tab and bytes above":    getRequest(fieldsOf("x", "a\tb\xff")),
		"te":                     getRequest(fieldsOf("te", "trailers")),
		"content-length":         getRequest(fieldsOf("content-length", "2"), "ab"),
		"as many fields as may":  getRequest(fieldsOf(many...)),
		"as much content as may": getRequest(0, strings.Repeat("v", ohttp.MaxContent)),
	} {
		if _, err := ohttp.ParseRequest(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInvalidResponses(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, ohttp.ErrTruncated},
		{"a request", getRequest(), ohttp.ErrMessage},
		{"no status", wire(1), ohttp.ErrTruncated},
		{"status 0", wire(1, 0), ohttp.ErrMessage},
		{"status 99", wire(1, 99), ohttp.ErrMessage},
		{"status 600", wire(1, 600), ohttp.ErrMessage},
		{"status 2^32+200", wire(1, 1<<32+200), ohttp.ErrMessage},
		{"informational only", wire(1, 103, 0), ohttp.ErrTruncated},
		{"informational, then padding", wire(1, 103, 0, 0, 0), ohttp.ErrMessage},
		{"informational with a bad field", wire(1, 103, fieldsOf("A", "b"), 200), ohttp.ErrField},
		{"too many informational", wire(1, bytes.Repeat(wire(103, 0), ohttp.MaxInterim+1), 200), ohttp.ErrLimit},
		{"content-length", wire(1, 200, fieldsOf("content-length", "3"), "ab"), ohttp.ErrField},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, err := ohttp.ParseResponse(c.b); !errors.Is(err, c.want) {
				t.Errorf("%+v, %v, want %v", r, err, c.want)
			}
		})
	}
	// The answer to a HEAD names a length without content.
	must[ohttp.Response](t)(ohttp.ParseResponse(wire(1, 200, fieldsOf("content-length", "3"))))
}
