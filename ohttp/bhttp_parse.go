package ohttp

import (
	"encoding/binary"
	"fmt"
)

// ParseRequest reads a request of known or indeterminate length (RFC 9292 §3),
// followed by any number of zero bytes. Body may alias b; its capacity ends with
// it. Errors are ErrMessage, ErrTruncated, ErrPadding, ErrField and ErrLimit.
func ParseRequest(b []byte) (Request, error) {
	p := parser{b: b}
	if err := p.framing(knownRequest, indeterminateRequest); err != nil {
		return Request{}, err
	}
	var target [4]span
	for i := range target {
		var err error
		if target[i], err = p.prefixed(); err != nil {
			return Request{}, err
		}
	}
	m, err := p.rest()
	if err != nil {
		return Request{}, err
	}
	// One copy serves the target and the header.
	base := target[0].lo
	s := string(b[base:m.header.hi])
	part := func(i int) string { return s[target[i].lo-base : target[i].hi-base] }
	r := Request{Method: part(0), Scheme: part(1), Authority: part(2), Path: part(3), Body: m.body}
	r.Header = m.header.fields(b, s, base)
	r.Trailer = m.trailer.copyFields(b)
	if err := r.check(); err != nil {
		return Request{}, err
	}
	return r, nil
}

// ParseResponse is ParseRequest for responses.
func ParseResponse(b []byte) (Response, error) {
	p := parser{b: b}
	if err := p.framing(knownResponse, indeterminateResponse); err != nil {
		return Response{}, err
	}
	var r Response
	for {
		status, err := p.varint()
		if err != nil {
			return Response{}, err
		}
		if status < 100 || status > 199 {
			r.Status = int(min(status, 600))
			break
		}
		if len(r.Interim) == MaxInterim {
			return Response{}, limit("informational responses")
		}
		sec, err := p.section()
		if err != nil {
			return Response{}, err
		}
		r.Interim = append(r.Interim, Interim{int(status), sec.copyFields(b)})
	}
	m, err := p.rest()
	if err != nil {
		return Response{}, err
	}
	r.Header, r.Body, r.Trailer = m.header.copyFields(b), m.body, m.trailer.copyFields(b)
	if err := r.check(); err != nil {
		return Response{}, err
	}
	return r, nil
}

// span is b[lo:hi] of the message.
type span struct{ lo, hi int }

// section is the field lines of one section; n counts them.
type section struct {
	span
	n int
}

// copyFields returns the fields of sec over one copy of their bytes.
func (sec section) copyFields(b []byte) []Field {
	return sec.fields(b, string(b[sec.lo:sec.hi]), sec.lo)
}

// fields returns the fields of sec as parts of s, a copy of b from base on.
// The parser has walked sec before, so every length in it is right.
func (sec section) fields(b []byte, s string, base int) []Field {
	if sec.n == 0 {
		return nil
	}
	out := make([]Field, sec.n)
	at := sec.lo
	next := func() string {
		v, n := readVarint(b[at:])
		lo := at + n
		at = lo + int(v)
		return s[lo-base : at-base]
	}
	for i := range out {
		out[i].Name = next()
		out[i].Value = next()
	}
	return out
}

// parser walks a message once, checking structure and sizes, before anything
// is allocated for its fields.
type parser struct {
	b             []byte
	at            int
	indeterminate bool
}

type rest struct {
	header, trailer section
	body            []byte
}

func (p *parser) done() bool { return p.at == len(p.b) }

func (p *parser) framing(known, indeterminate uint64) error {
	v, err := p.varint()
	if err != nil {
		return err
	}
	if v != known && v != indeterminate {
		return fmt.Errorf("%w: framing indicator", ErrMessage)
	}
	p.indeterminate = v == indeterminate
	return nil
}

// rest reads what follows the control data: header, content, trailer, padding.
func (p *parser) rest() (m rest, err error) {
	if m.header, err = p.section(); err != nil {
		return m, err
	}
	if m.body, err = p.content(); err != nil {
		return m, err
	}
	if m.trailer, err = p.section(); err != nil {
		return m, err
	}
	if !zeros(p.b[p.at:]) {
		return m, ErrPadding
	}
	return m, nil
}

// zeros takes eight bytes at a time: most of a message is padding.
func zeros(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (p *parser) varint() (uint64, error) {
	v, n := readVarint(p.b[p.at:])
	if n == 0 {
		return 0, ErrTruncated
	}
	p.at += n
	return v, nil
}

func (p *parser) take(n uint64) (span, error) {
	if n > uint64(len(p.b)-p.at) {
		return span{}, ErrTruncated
	}
	lo := p.at
	p.at += int(n)
	return span{lo, p.at}, nil
}

// prefixed reads a length and that many bytes.
func (p *parser) prefixed() (span, error) {
	n, err := p.varint()
	if err != nil {
		return span{}, err
	}
	return p.take(n)
}

// section reads a field section. A message may end before it (RFC 9292 §3.8).
func (p *parser) section() (section, error) {
	if p.done() {
		return section{span: span{p.at, p.at}}, nil
	}
	if p.indeterminate {
		return p.terminated()
	}
	lines, err := p.prefixed()
	if err != nil {
		return section{}, err
	}
	if lines.hi-lines.lo > MaxFieldSection {
		return section{}, limit("field section")
	}
	sub := parser{b: p.b[:lines.hi], at: lines.lo}
	sec := section{span: lines}
	for ; !sub.done(); sec.n++ {
		name, err := sub.varint()
		if err != nil {
			return section{}, err
		}
		if err := sub.line(name, sec.n); err != nil {
			return section{}, err
		}
	}
	return sec, nil
}

// terminated reads field lines up to a zero name length.
func (p *parser) terminated() (section, error) {
	sec := section{span: span{p.at, p.at}}
	for ; ; sec.n++ {
		name, err := p.varint()
		if err != nil {
			return section{}, err
		}
		if name == 0 {
			return sec, nil
		}
		if err := p.line(name, sec.n); err != nil {
			return section{}, err
		}
		if sec.hi = p.at; sec.hi-sec.lo > MaxFieldSection {
			return section{}, limit("field section")
		}
	}
}

// line reads the rest of a field line whose name has the given length.
func (p *parser) line(name uint64, n int) error {
	if name == 0 {
		return fmt.Errorf("%w: empty name", ErrField)
	}
	if n == MaxFields {
		return limit("fields")
	}
	if _, err := p.take(name); err != nil {
		return err
	}
	_, err := p.prefixed()
	return err
}

// content reads the content. A message may end before it, not within it.
func (p *parser) content() ([]byte, error) {
	if p.done() {
		return nil, nil
	}
	if p.indeterminate {
		return p.chunks()
	}
	c, err := p.prefixed()
	if err != nil || c.lo == c.hi {
		return nil, err
	}
	return p.b[c.lo:c.hi:c.hi], nil
}

func (p *parser) chunks() ([]byte, error) {
	var body []byte
	for {
		c, err := p.prefixed()
		if err != nil || c.lo == c.hi {
			return body, err
		}
		if len(body)+c.hi-c.lo > MaxContent {
			return nil, limit("content")
		}
		if body == nil {
			body = p.b[c.lo:c.hi:c.hi]
		} else {
			// The full capacity above makes this copy, never write into b.
			body = append(body, p.b[c.lo:c.hi]...)
		}
	}
}
