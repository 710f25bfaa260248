package chunk

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Table is a text with separators: CSV, TSV and their kin. A separator of zero means that each
// line is one value and quotes are nothing.
type Table struct {
	Comma byte
	Line  byte     // what ends a line: '\n', or '\r' where there is no other
	Names []string // of the header; nil where there is none

	header int // bytes of the header at the start of the text
	begun  bool
}

// tablePiece reads a piece that begins with skip bytes of header.
type tablePiece struct {
	*Table
	skip int
}

// Cut implements Format.
func (t *Table) Cut(b []byte, last, full bool) (int, Piece) {
	n := len(b)
	if !last {
		n = t.whole(b)
	}
	if n == 0 && full {
		n = len(b)
		if i := bytes.LastIndexByte(b, t.Comma); t.Comma != 0 && i > 0 {
			n = i + 1 // a row beyond all bounds: its values become several rows
		}
	}
	if n == 0 {
		return 0, nil
	}
	p := tablePiece{Table: t}
	if !t.begun {
		p.skip, t.begun = min(t.header, n), true
	}
	return n, p
}

// whole returns how many bytes of b are whole rows.
func (t *Table) whole(b []byte) int {
	if t.Comma == 0 || bytes.IndexByte(b, '"') < 0 {
		return bytes.LastIndexByte(b, t.Line) + 1
	}
	at := 0
	for {
		end := t.row(b, at, false)
		if end < 0 {
			return at
		}
		at = end
	}
}

// row returns where the row that begins at from ends, behind its line break; -1 when b does
// not hold its end and is not the last of the text.
func (t *Table) row(b []byte, from int, last bool) int {
	at := from
	for {
		line := bytes.IndexByte(b[at:], t.Line)
		if line < 0 && !last {
			return -1
		}
		end := len(b)
		if line >= 0 {
			end = at + line + 1
		}
		open := t.open(b[at:end])
		if open < 0 {
			return end
		}
		closed := t.close(b, at+open)
		switch {
		case closed >= 0:
			at = closed // behind the closing quote; the rest of the row follows
		case !last && len(b)-from < MaxQuoted:
			return -1
		default:
			return end // a quote that is never closed is a character
		}
	}
}

// open returns the first place in a line where a quoted value begins, which is behind its
// quote; -1 for none. A line is what follows a closing quote, too.
func (t *Table) open(line []byte) int {
	for i := 0; ; {
		q := bytes.IndexByte(line[i:], '"')
		if q < 0 {
			return -1
		}
		if i += q; i == 0 || line[i-1] == t.Comma {
			return i + 1
		}
		i++
	}
}

// close returns the place behind the quote that closes the value that begins at from: one
// that a separator or the line's end follows. Others are characters, as people write them
// who do not double them. It returns -1 when there is none within MaxQuoted, or when another
// value opens on a later line, which says that this one has a wrong quote.
func (t *Table) close(b []byte, from int) int {
	stop := min(len(b), from+MaxQuoted)
	for i := from; i < stop; i++ {
		q := bytes.IndexByte(b[i:stop], '"')
		if q < 0 {
			return -1
		}
		if i += q; i+1 == len(b) {
			return i + 1
		}
		switch next := b[i+1]; {
		case next == t.Comma, next == t.Line, next == '\r' && (i+2 == len(b) || b[i+2] == t.Line):
			return i + 1
		case next == '"':
			i++
		case (b[i-1] == t.Comma || b[i-1] == t.Line) && bytes.IndexByte(b[from:i], t.Line) >= 0:
			return -1
		}
	}
	return -1
}

// Read implements Piece.
func (p tablePiece) Read(b []byte, base int64, to *Buffer) {
	at := p.skip
	if p.Comma == 0 {
		p.lines(b, at, base, to)
		return
	}
	if bytes.IndexByte(b[at:], '"') < 0 {
		p.plain(b, at, base, to)
		return
	}
	for at < len(b) {
		end := p.row(b, at, true)
		line := trimBreak(b[at:end], p.Line)
		switch {
		case len(line) == 0:
		case bytes.IndexByte(line, '"') < 0:
			p.plain(b[at:end], 0, base+int64(at), to)
		default:
			to.begin(base + int64(at))
			p.quoted(line, to)
		}
		at = end
	}
}

// lines reads each line as one value.
func (p tablePiece) lines(b []byte, at int, base int64, to *Buffer) {
	for at < len(b) {
		end := len(b)
		if i := bytes.IndexByte(b[at:], p.Line); i >= 0 {
			end = at + i + 1
		}
		if line := trimBreak(b[at:end], p.Line); len(line) > 0 {
			to.begin(base + int64(at))
			to.add("", line)
		}
		at = end
	}
}

// matches returns a word in which each byte of w that equals a byte of the pattern has its
// highest bit set, exactly.
func matches(w, pattern uint64) uint64 {
	const low = 0x7f7f7f7f7f7f7f7f
	x := w ^ pattern
	return ^((x&low + low) | x | low)
}

// plain reads rows without quotes, eight bytes at a time.
func (p tablePiece) plain(b []byte, at int, base int64, to *Buffer) {
	comma, line := uint64(p.Comma)*0x0101010101010101, uint64(p.Line)*0x0101010101010101
	from, column := at, -1
	i := at
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		for m := matches(w, comma) | matches(w, line); m != 0; m &= m - 1 {
			j := i + bits.TrailingZeros64(m)>>3
			if column < 0 || to.broken || b[j] == p.Line {
				from, column = p.cell(b, from, j, column, base, to)
				continue
			}
			name := ""
			if column < len(p.Names) {
				name = p.Names[column]
			}
			to.fields = append(to.fields, Field{name, b[from:j:j]})
			from, column = j+1, column+1
		}
	}
	for ; i < len(b); i++ {
		if b[i] == p.Comma || b[i] == p.Line {
			from, column = p.cell(b, from, i, column, base, to)
		}
	}
	if from < len(b) || column > 0 { // a last row that was cut, or has no line break
		p.cell(b, from, len(b), column, base, to)
	}
}

// cell takes the value from from to the separator or line break at to j; column is its number,
// -1 at the start of a row. It returns where the next begins, and its number.
func (p tablePiece) cell(b []byte, from, j, column int, base int64, to *Buffer) (int, int) {
	value := b[from:j:j]
	ends := j == len(b) || b[j] == p.Line
	if ends && len(value) > 0 && value[len(value)-1] == '\r' {
		value = value[:len(value)-1]
	}
	if column < 0 {
		if ends && len(value) == 0 {
			return j + 1, -1 // a blank line
		}
		column = 0
		to.begin(base + int64(from))
	}
	name := ""
	if column < len(p.Names) {
		name = p.Names[column]
	}
	to.add(name, value)
	if ends {
		return j + 1, -1
	}
	return j + 1, column + 1
}

// quoted reads the values of one row, in which some are quoted.
func (p tablePiece) quoted(row []byte, to *Buffer) {
	for column, at := 0, 0; ; column++ {
		name := ""
		if column < len(p.Names) {
			name = p.Names[column]
		}
		end := -1
		if at < len(row) && row[at] == '"' {
			end = p.close(row, at+1)
		}
		if end >= 0 {
			to.add(name, to.unquote(row[at+1:end-1]))
		} else {
			if end = len(row); at < len(row) {
				if i := bytes.IndexByte(row[at:], p.Comma); i >= 0 {
					end = at + i
				}
			}
			to.add(name, row[at:end])
		}
		if end >= len(row) {
			return
		}
		at = end + 1
	}
}

// unquote makes two quotes one.
func (b *Buffer) unquote(value []byte) []byte {
	i := bytes.Index(value, []byte(`""`))
	if i < 0 {
		return value
	}
	mark := len(b.arena)
	for ; i >= 0; i = bytes.Index(value, []byte(`""`)) {
		b.arena = append(b.arena, value[:i+1]...)
		value = value[i+2:]
	}
	b.arena = append(b.arena, value...)
	return b.hold(mark)
}

func trimBreak(line []byte, end byte) []byte {
	if n := len(line); n > 0 && line[n-1] == end {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}
