package rows

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/fault"
)

// readCSV reads the record that begins with line. Most records hold no quote and
// are cut where they stand.
func (t *Reader) readCSV(line []byte, size int) (bool, *fault.Fault) {
	if bytes.IndexByte(line, '"') >= 0 {
		return t.readQuoted(size)
	}
	t.take(size)
	t.lines++
	if len(line) == 0 {
		return false, nil
	}
	if why := unfit(line); why != nil {
		return false, why
	}
	return t.set(string(line), nil)
}

func (t *Reader) readQuoted(first int) (bool, *fault.Fault) {
	r := record{comma: t.comma, text: t.scratch[:0], cuts: t.cuts[:0]}
	rest := t.buf[t.pos:t.end]
	within := rest[:min(len(rest), reach)]
	why := r.read(within)
	t.scratch, t.cuts = r.text, r.cuts
	beyond := why == nil && r.size == len(within) && within[r.size-1] != '\n'
	switch {
	case (why == ErrUnended || beyond) && len(rest) > len(within):
		why = ErrLong
	case (why == ErrUnended || beyond) && t.err != io.EOF:
		t.take(len(rest)) // the input failed within the record
		return false, nil
	}
	if why != nil {
		// Only the line in which the record began is lost: what follows a quote
		// never closed is not its value.
		t.take(first)
		t.lines++
		return false, why
	}
	t.take(r.size)
	t.lines += int64(r.lines)
	if why := unfit(r.text); why != nil {
		return false, why
	}
	return t.set(string(r.text), r.cuts)
}

// set divides a row's text at cuts or, when they are nil, at each separator.
func (t *Reader) set(text string, cuts []int) (bool, *fault.Fault) {
	column, from := 0, 0
	for {
		to, next := 0, 0
		if cuts != nil {
			to = cuts[column]
			next = to
			if column == len(cuts)-1 {
				next = len(text) + 1
			}
		} else {
			to = len(text)
			if i := indexByte(text[from:], t.comma); i >= 0 {
				to = from + i
			}
			next = to + 1
		}
		if column == len(t.layout) {
			return false, ErrCount
		}
		if slot := t.layout[column]; slot >= 0 {
			t.row.values[slot] = text[from:to]
		}
		column++
		if from = next; from > len(text) {
			break
		}
	}
	if column != len(t.layout) {
		return false, ErrCount
	}
	return true, nil
}

// indexByte is strings.IndexByte for the short distances between separators.
func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}

func unfit(text []byte) *fault.Fault {
	if bytes.IndexByte(text, 0) >= 0 {
		return ErrNUL
	}
	if !utf8.Valid(text) {
		return ErrUTF8
	}
	return nil
}

// record is one CSV record with quotes, RFC 4180. A CRLF inside a quoted value
// becomes LF, as encoding/csv does.
type record struct {
	comma byte
	text  []byte // the values, one behind the other
	cuts  []int  // the end of each value in text
	size  int    // bytes taken
	lines int    // lines taken
}

// values returns the record's values.
func (r *record) values() []string {
	out, from := make([]string, len(r.cuts)), 0
	for i, to := range r.cuts {
		out[i] = string(r.text[from:to])
		from = to
	}
	return out
}

// read takes one record off the start of b, which ends with the text or holds more
// than a record may.
func (r *record) read(b []byte) *fault.Fault {
	i := 0
	for {
		var why *fault.Fault
		if i < len(b) && b[i] == '"' {
			i, why = r.quoted(b, i+1)
		} else {
			i, why = r.bare(b, i)
		}
		if why != nil {
			return why
		}
		r.cuts = append(r.cuts, len(r.text))
		if i < len(b) && b[i] == r.comma {
			i++
			continue
		}
		r.size, r.lines = i+breakAt(b[i:]), r.lines+1
		return nil
	}
}

// bare reads a value without quotes, up to a separator or the line's end.
func (r *record) bare(b []byte, i int) (int, *fault.Fault) {
	for ; i < len(b) && b[i] != r.comma && breakAt(b[i:]) == 0; i++ {
		if b[i] == '"' {
			return i, ErrQuote
		}
		r.text = append(r.text, b[i])
	}
	return i, nil
}

// quoted reads a value behind its opening quote, up to what follows the closing one.
func (r *record) quoted(b []byte, i int) (int, *fault.Fault) {
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return i, ErrUnended
		}
		r.append(b[i : i+n])
		i += n + 1
		switch {
		case i < len(b) && b[i] == '"':
			r.text = append(r.text, '"')
			i++
		case i == len(b) || b[i] == r.comma || breakAt(b[i:]) > 0:
			return i, nil
		default:
			return i, ErrQuote
		}
	}
}

func (r *record) append(b []byte) {
	for {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			r.text = append(r.text, b...)
			return
		}
		r.lines++
		r.text = append(r.text, bytes.TrimSuffix(b[:n], []byte("\r"))...)
		r.text = append(r.text, '\n')
		b = b[n+1:]
	}
}

// breakAt returns the size of the line break that b begins with. A carriage return
// that ends the text is one.
func breakAt(b []byte) int {
	switch {
	case len(b) > 0 && b[0] == '\n':
		return 1
	case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
		return 2
	case len(b) == 1 && b[0] == '\r':
		return 1
	}
	return 0
}
