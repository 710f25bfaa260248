package table

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
)

// comma writes CSV (RFC 4180) in UTF-8 with a head.
type comma struct {
	out   *csv.Writer
	about About
	row   []string
}

func newCSV(w io.Writer, a About) (Writer, error) {
	c := &comma{out: csv.NewWriter(w), about: a, row: make([]string, len(a.Columns))}
	c.out.UseCRLF = true
	return c, c.out.Write(a.Columns)
}

func (c *comma) Row(cells []string) error {
	if len(cells) != len(c.about.Columns) {
		return ErrCells
	}
	for i, s := range cells {
		c.row[i] = Quote(s)
	}
	return c.out.Write(c.row)
}

func (c *comma) Close() error {
	c.out.Flush()
	return c.out.Error()
}

// Quote puts an apostrophe before text that a spreadsheet would take for a formula, or that
// begins with an apostrophe: Unquote takes it away again, so that nothing is lost. A signed
// number, and with it a telephone number, stays as it is.
func Quote(s string) string {
	if quoted(s) {
		return "'" + s
	}
	return s
}

// Unquote undoes Quote.
func Unquote(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && quoted(rest) {
		return rest
	}
	return s
}

func quoted(s string) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case '=', '@', '\t', '\r', '\n', '\'':
		return true
	case '+', '-':
		return strings.Trim(s[1:], "0123456789 .-") != ""
	}
	return false
}

// lines writes NDJSON: an object for each row, without the cells that are empty.
type lines struct {
	w     io.Writer
	about About
	buf   bytes.Buffer
}

func (l *lines) Row(cells []string) error {
	if len(cells) != len(l.about.Columns) {
		return ErrCells
	}
	l.buf.Reset()
	e := json.NewEncoder(&l.buf)
	e.SetEscapeHTML(false)
	sep := byte('{')
	for i, s := range cells {
		if s == "" {
			continue
		}
		l.buf.WriteByte(sep)
		sep = ','
		for _, text := range []string{l.about.Columns[i], s} {
			if err := e.Encode(text); err != nil {
				return err
			}
			l.buf.Truncate(l.buf.Len() - 1)
			l.buf.WriteByte(':')
		}
		l.buf.Truncate(l.buf.Len() - 1)
	}
	if sep == '{' {
		l.buf.WriteByte('{')
	}
	l.buf.WriteString("}\n")
	_, err := l.w.Write(l.buf.Bytes())
	return err
}

func (l *lines) Close() error { return nil }
