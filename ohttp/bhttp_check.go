package ohttp

import (
	"fmt"
	"strconv"
	"strings"
)

// check reports why r is not a request that this package reads or writes
// (RFC 9292 §3.4, §3.6; RFC 9113 §8.2, §8.3.1).
func (r *Request) check() error {
	if err := r.checkTarget(); err != nil {
		return err
	}
	if err := checkBody(r.Header, r.Body, r.Trailer); err != nil {
		return err
	}
	for i := range r.Header {
		switch f := &r.Header[i]; f.Name {
		case "expect":
			// RFC 9458 §5.1: an encapsulated response cannot come in parts.
			return fmt.Errorf("%w: expectation in a request", ErrField)
		case "host":
			if r.Authority != "" && !strings.EqualFold(f.Value, r.Authority) {
				return fmt.Errorf("%w: host differs from the authority", ErrField)
			}
		}
	}
	return checkLength(r.Header, len(r.Body))
}

func (r *Request) checkTarget() error {
	for _, s := range [...]string{r.Method, r.Scheme, r.Authority, r.Path} {
		if len(s) > MaxTarget {
			return limit("request target")
		}
	}
	if r.Method == "" || !all(r.Method, isToken) {
		return fmt.Errorf("%w: method", ErrMessage)
	}
	if r.Scheme == "" || !lowerAlpha(r.Scheme[0]) || !all(r.Scheme, isScheme) {
		return fmt.Errorf("%w: scheme", ErrMessage)
	}
	if !all(r.Authority, isURI) || strings.ContainsAny(r.Authority, "/?#@") {
		return fmt.Errorf("%w: authority", ErrMessage)
	}
	star := r.Path == "*" && r.Method == "OPTIONS"
	if !star && !strings.HasPrefix(r.Path, "/") || !all(r.Path, isURI) || strings.Contains(r.Path, "#") {
		return fmt.Errorf("%w: path", ErrMessage)
	}
	return nil
}

func (r *Response) check() error {
	if len(r.Interim) > MaxInterim {
		return limit("informational responses")
	}
	for i := range r.Interim {
		if s := r.Interim[i].Status; s < 100 || s > 199 {
			return fmt.Errorf("%w: informational status", ErrMessage)
		}
		if err := checkFields(r.Interim[i].Header); err != nil {
			return err
		}
	}
	if r.Status < 200 || r.Status > 599 {
		return fmt.Errorf("%w: status", ErrMessage)
	}
	if err := checkBody(r.Header, r.Body, r.Trailer); err != nil {
		return err
	}
	// An answer to HEAD, or a 304, states the length of content it leaves out
	// (RFC 9113 §8.1.1).
	if len(r.Body) == 0 {
		return nil
	}
	return checkLength(r.Header, len(r.Body))
}

func checkBody(header []Field, body []byte, trailer []Field) error {
	if len(body) > MaxContent {
		return limit("content")
	}
	if err := checkFields(header); err != nil {
		return err
	}
	return checkFields(trailer)
}

// checkLength refuses a content-length that is not n (RFC 9113 §8.1.1).
func checkLength(header []Field, n int) error {
	for i := range header {
		if header[i].Name != "content-length" {
			continue
		}
		if got, err := strconv.ParseUint(header[i].Value, 10, 63); err != nil || got != uint64(n) {
			return fmt.Errorf("%w: content-length", ErrField)
		}
	}
	return nil
}

func checkFields(fields []Field) error {
	if len(fields) > MaxFields {
		return limit("fields")
	}
	if sectionSize(fields) > MaxFieldSection {
		return limit("field section")
	}
	for i := range fields {
		if err := checkField(fields[i].Name, fields[i].Value); err != nil {
			return err
		}
	}
	return nil
}

func checkField(name, value string) error {
	if name == "" || !all(name, isLowerToken) {
		// A colon is no token character, so this refuses pseudo-fields too.
		return fmt.Errorf("%w: name", ErrField)
	}
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return fmt.Errorf("%w: connection-specific", ErrField)
	case "te":
		if value != "trailers" {
			return fmt.Errorf("%w: connection-specific", ErrField)
		}
	}
	if !all(value, isValue) {
		return fmt.Errorf("%w: value", ErrField)
	}
	if value != "" && (isSpace(value[0]) || isSpace(value[len(value)-1])) {
		return fmt.Errorf("%w: white space around a value", ErrField)
	}
	return nil
}

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func lowerAlpha(c byte) bool { return 'a' <= c && c <= 'z' }
func digit(c byte) bool      { return '0' <= c && c <= '9' }
func isSpace(c byte) bool    { return c == ' ' || c == '\t' }
func isURI(c byte) bool      { return '!' <= c && c <= '~' }
func isValue(c byte) bool    { return c >= ' ' && c != 0x7f || c == '\t' }
func isToken(c byte) bool    { return isLowerToken(c) || 'A' <= c && c <= 'Z' }

func isScheme(c byte) bool {
	return lowerAlpha(c) || digit(c) || c == '+' || c == '-' || c == '.'
}

// isLowerToken reports a tchar (RFC 9110 §5.6.2) that is not upper-case.
func isLowerToken(c byte) bool {
	if lowerAlpha(c) || digit(c) {
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}
