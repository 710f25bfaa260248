package ohttp

import "fmt"

// Bounds of a binary HTTP message, for reading and for writing.
const (
	// MaxFields is the largest number of field lines in one section.
	MaxFields = 64
	// MaxFieldSection is the largest size of one field section in bytes, as encoded.
	MaxFieldSection = 16 << 10
	// MaxTarget is the largest size in bytes of each of method, scheme,
	// authority and path.
	MaxTarget = 4 << 10
	// MaxInterim is the largest number of informational responses.
	MaxInterim = 8
	// MaxContent is the largest content in bytes.
	MaxContent = 1 << 20
)

// Field is one field line. The name is a lower-case token; the value holds no
// control character but the tab and neither begins nor ends with white space.
type Field struct{ Name, Value string }

// Request is an HTTP request. Authority may be empty; the others may not.
type Request struct {
	Method, Scheme, Authority, Path string

	Header  []Field
	Body    []byte
	Trailer []Field
}

// Response is an HTTP response with a final status from 200 to 599.
type Response struct {
	Interim []Interim // informational responses, in order
	Status  int
	Header  []Field
	Body    []byte
	Trailer []Field
}

// Interim is an informational response, status 100 to 199.
type Interim struct {
	Status int
	Header []Field
}

// Get returns the first value of the named field, or "". The name is lower-case.
func Get(fields []Field, name string) string {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Value
		}
	}
	return ""
}

// Framing indicators (RFC 9292 §3.3).
const (
	knownRequest = iota
	knownResponse
	indeterminateRequest
	indeterminateResponse
)

// AppendRequest appends r to dst as a known-length message (RFC 9292 §3.1),
// without padding. A request that ParseRequest would refuse is refused here with
// the same error, and dst is returned as it was.
func AppendRequest(dst []byte, r *Request) ([]byte, error) {
	if err := r.check(); err != nil {
		return dst, err
	}
	dst = appendVarint(dst, knownRequest)
	for _, s := range [...]string{r.Method, r.Scheme, r.Authority, r.Path} {
		dst = appendString(dst, s)
	}
	return appendRest(dst, r.Header, r.Body, r.Trailer), nil
}

// AppendResponse is AppendRequest for responses.
func AppendResponse(dst []byte, r *Response) ([]byte, error) {
	if err := r.check(); err != nil {
		return dst, err
	}
	dst = appendVarint(dst, knownResponse)
	for i := range r.Interim {
		dst = appendVarint(dst, uint64(r.Interim[i].Status))
		dst = appendFields(dst, r.Interim[i].Header)
	}
	dst = appendVarint(dst, uint64(r.Status))
	return appendRest(dst, r.Header, r.Body, r.Trailer), nil
}

func appendRest(dst []byte, header []Field, body []byte, trailer []Field) []byte {
	dst = appendFields(dst, header)
	dst = appendVarint(dst, uint64(len(body)))
	dst = append(dst, body...)
	return appendFields(dst, trailer)
}

func appendFields(dst []byte, fields []Field) []byte {
	dst = appendVarint(dst, uint64(sectionSize(fields)))
	for i := range fields {
		dst = appendString(dst, fields[i].Name)
		dst = appendString(dst, fields[i].Value)
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = appendVarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// sectionSize returns the encoded size of fields, without the section's own length.
func sectionSize(fields []Field) int {
	n := 0
	for i := range fields {
		n += varintSize(len(fields[i].Name)) + len(fields[i].Name)
		n += varintSize(len(fields[i].Value)) + len(fields[i].Value)
	}
	return n
}

func varintSize(n int) int {
	switch {
	case n < 1<<6:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<30:
		return 4
	default:
		return 8
	}
}

func limit(what string) error { return fmt.Errorf("%w: %s", ErrLimit, what) }
