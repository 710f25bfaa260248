// Package chunk reads rows from pieces of a text that were cut at row boundaries: tables with
// separators, JSON, SQL dumps, lines.
//
// Cutting is sequential and cheap, reading is not and may be done on several cores: a Format
// cuts, and what it cut is a Piece that knows how to be read alone. Where a text is cut
// depends on its bytes only. Values are as they stand, with no more than the container's
// quoting undone; they are slices of the piece or of the Buffer, and good until either is used
// again. Nothing is evaluated, nothing fails: what cannot be read is a Skip with its reason,
// and what was read before it stays.
package chunk

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Bounds of every text.
const (
	MaxQuoted = 64 << 10 // bytes of a quoted value over several lines; a longer one has a wrong quote
	MaxDepth  = 64       // nesting of JSON
	maxNames  = 1 << 14  // names kept for reuse in a Buffer
)

// Field is one value of a row.
type Field struct {
	Name  string // of the column or member, dotted where it was nested; may be empty
	Value []byte
}

// Row is one row, in which names may repeat.
type Row struct {
	Source int
	Offset int64 // of its first byte in the source's text as UTF-8; of a spreadsheet's, its number
	Fields []Field
}

// Reason is why bytes were not read, in words for a report. It holds nothing of the input.
type Reason string

// Reasons of text.
const (
	NotJSON   Reason = "not JSON from here to the end of the value"
	TooDeep   Reason = "JSON nested deeper than 64"
	NotSQL    Reason = "SQL that inserts nothing"
	CutSQL    Reason = "a row of an INSERT that does not end"
	Separator Reason = "" // structure between rows: counted as parsed
)

// Skip is a range of the text that was not read.
type Skip struct {
	From, To int64
	Why      Reason
}

// Format cuts one text.
type Format interface {
	// Cut returns how many bytes at the start of b are whole rows, and how to read them; b
	// begins where the last piece ended. Zero means that b holds no whole row yet. When last
	// is set b is the rest of the text and all of it is cut. When full is set b is as long as
	// a row may be and something is cut in any case.
	Cut(b []byte, last, full bool) (int, Piece)
}

// Piece reads what was cut.
type Piece interface {
	// Read appends rows of b, which begins at base in the text.
	Read(b []byte, base int64, to *Buffer)
}

// Buffer is where rows are read to. It is used again and again, and by one goroutine at a time.
type Buffer struct {
	Rows   []Row
	Skips  []Skip
	fields []Field
	starts []int
	arena  []byte
	names  map[string]string
	path   []byte
	broken bool // the piece is no UTF-8
}

// Reset empties the buffer for the rows of a piece.
func (b *Buffer) Reset(piece []byte) {
	b.Rows, b.Skips, b.fields, b.starts = b.Rows[:0], b.Skips[:0], b.fields[:0], b.starts[:0]
	b.arena, b.path = b.arena[:0], b.path[:0]
	b.broken = !utf8.Valid(piece)
	if len(b.names) > maxNames || b.names == nil {
		b.names = map[string]string{}
	}
}

// begin opens a row.
func (b *Buffer) begin(offset int64) {
	b.Rows = append(b.Rows, Row{Offset: offset})
	b.starts = append(b.starts, len(b.fields))
}

// add gives the open row a value.
func (b *Buffer) add(name string, value []byte) {
	if b.broken && !utf8.Valid(value) {
		value = b.mend(value)
	}
	b.fields = append(b.fields, Field{name, value})
}

// drop takes back a row that has no field.
func (b *Buffer) drop() {
	if n := len(b.Rows) - 1; b.starts[n] == len(b.fields) {
		b.Rows, b.starts = b.Rows[:n], b.starts[:n]
	}
}

// Finish makes Rows whole.
func (b *Buffer) Finish(source int) {
	for i := range b.Rows {
		end := len(b.fields)
		if i+1 < len(b.starts) {
			end = b.starts[i+1]
		}
		b.Rows[i].Source, b.Rows[i].Fields = source, b.fields[b.starts[i]:end:end]
	}
}

// Append adds a row of values that the caller keeps as long as the buffer.
func (b *Buffer) Append(offset int64, fields ...Field) {
	b.begin(offset)
	b.fields = append(b.fields, fields...)
}

// skip notes a range of the text.
func (b *Buffer) skip(from, to int64, why Reason) {
	if from < to {
		b.Skips = append(b.Skips, Skip{from, to, why})
	}
}

// name returns the string of a name without making it twice.
func (b *Buffer) name(raw []byte) string {
	if s, ok := b.names[string(raw)]; ok {
		return s
	}
	s := string(bytes.ToValidUTF8(raw, []byte("\uFFFD")))
	if len(b.names) < maxNames {
		b.names[string(raw)] = s
	}
	return s
}

// hold keeps what is appended to the arena from mark on.
func (b *Buffer) hold(mark int) []byte { return b.arena[mark:len(b.arena):len(b.arena)] }

// mend reads each byte that is no UTF-8 as Windows-1252, as files of two encodings need.
func (b *Buffer) mend(value []byte) []byte {
	mark := len(b.arena)
	for len(value) > 0 {
		r, n := utf8.DecodeRune(value)
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(value[0])
			if r == utf8.RuneError {
				r = rune(value[0])
			}
		}
		b.arena = utf8.AppendRune(b.arena, r)
		value = value[n:]
	}
	return b.hold(mark)
}
