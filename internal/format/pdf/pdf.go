// Package pdf says whether a PDF file is whole, and whether it would run something.
//
// It reads a file once, from its beginning to its end, in bounded memory (ISO 32000-1
// §7.5): the header, every token outside streams, and the trailer. It inflates nothing
// and draws nothing: what hides in a compressed object stream it does not see. It knows
// no domain.
package pdf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/amanah-project/amanah/internal/fault"
)

// Error says where a file is not what it should be. It holds nothing of the file.
type Error struct {
	Offset int64
	Why    string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("PDF, byte %d: %s", e.Offset, e.Why) }

// Unwrap gives outsiders the same text: what stands in a file is the sender's to mend.
func (e *Error) Unwrap() error { return fault.New(fault.Invalid, e.Error()) }

// runs are names of what a viewer would run: scripts and programs (ISO 32000-1 §12.6.4).
var runs = map[string]bool{"JavaScript": true, "JS": true, "Launch": true}

const (
	maxName = 127 // bytes, annex C
	maxTail = 1 << 10
)

// Check reads a PDF file to its end. It fails with an *Error for what is none, was cut,
// or names a script or a program to run; other errors are r's own.
func Check(r io.Reader) error {
	s := &scanner{in: bufio.NewReaderSize(r, 64<<10)}
	head, err := s.in.Peek(8)
	if err != nil && err != io.EOF {
		return err
	}
	if len(head) < 8 || string(head[:5]) != "%PDF-" || head[5] < '1' || head[5] > '2' || head[6] != '.' {
		return &Error{0, "it does not begin with %PDF-1 or %PDF-2: not a PDF file"}
	}
	for {
		err := s.token()
		if errors.Is(err, io.EOF) {
			return s.end()
		}
		if err != nil {
			return err
		}
	}
}

// scanner walks tokens. tail are the last bytes seen outside streams.
type scanner struct {
	in   *bufio.Reader
	pos  int64
	tail []byte
	word []byte // the keyword that is read
}

func (s *scanner) byte() (byte, error) {
	c, err := s.in.ReadByte()
	if err != nil {
		return 0, err
	}
	s.pos++
	if s.tail = append(s.tail, c); len(s.tail) > 2*maxTail {
		s.tail = append(s.tail[:0], s.tail[maxTail:]...)
	}
	return c, nil
}

// token passes over one token, or one byte between them.
func (s *scanner) token() error {
	c, err := s.byte()
	if err != nil {
		return err
	}
	if regular(c) {
		if len(s.word) < 16 {
			s.word = append(s.word, c)
		}
		return nil
	}
	word := string(s.word)
	if s.word = s.word[:0]; word == "stream" && (c == '\r' || c == '\n') {
		return s.stream()
	}
	switch c {
	case '%':
		return s.comment()
	case '(':
		return s.literal()
	case '/':
		return s.name()
	}
	return nil
}

// regular are the characters of keywords and numbers.
func regular(c byte) bool {
	return !bytes.ContainsRune([]byte("\x00\t\n\f\r ()<>[]{}/%"), rune(c)) && c < 0x80
}

func (s *scanner) comment() error {
	for {
		if c, err := s.byte(); err != nil || c == '\r' || c == '\n' {
			return err
		}
	}
}

// literal passes over a text, in which parentheses are paired or escaped.
func (s *scanner) literal() error {
	began := s.pos - 1
	for depth := 1; depth > 0; {
		c, err := s.byte()
		if err == io.EOF {
			return &Error{began, "a text does not end: the file was cut"}
		}
		if err != nil {
			return err
		}
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case '\\':
			if _, err := s.byte(); err != nil && err != io.EOF {
				return err
			}
		}
	}
	return nil
}

// name reads a name, in which #4a stands for J.
func (s *scanner) name() error {
	began := s.pos - 1
	var name []byte
	for {
		next, err := s.in.Peek(1)
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || !regular(next[0]) && next[0] < 0x80 {
			break
		}
		c, err := s.byte()
		if err != nil {
			return err
		}
		if len(name) <= 3*maxName {
			name = append(name, c)
		}
	}
	if runs[unescape(name)] {
		return &Error{began, "it names a script or a program to run: print it to a plain PDF, and send that"}
	}
	return nil
}

func unescape(name []byte) string {
	var out []byte
	for i := 0; i < len(name); i++ {
		if name[i] == '#' && i+2 < len(name) {
			if hi, lo := digit(name[i+1]), digit(name[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, name[i])
	}
	return string(out)
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// stream passes over a stream's bytes, whatever they are.
func (s *scanner) stream() error {
	began := s.pos
	const end = "endstream"
	for {
		chunk, err := s.in.Peek(4096)
		if i := bytes.Index(chunk, []byte(end)); i >= 0 {
			s.pos += int64(i + len(end))
			_, err := s.in.Discard(i + len(end))
			return err
		}
		if err == io.EOF {
			return &Error{began, "a stream does not end: the file was cut"}
		}
		if err != nil {
			return err
		}
		n, err := s.in.Discard(len(chunk) - len(end) + 1)
		if s.pos += int64(n); err != nil {
			return err
		}
	}
}

// end looks at the trailer.
func (s *scanner) end() error {
	tail := s.tail[max(0, len(s.tail)-maxTail):]
	at := bytes.LastIndex(tail, []byte("%%EOF"))
	if at < 0 || !bytes.Contains(tail[:at], []byte("startxref")) {
		return &Error{s.pos, "the file ends without startxref and %%EOF: it was cut"}
	}
	return nil
}
