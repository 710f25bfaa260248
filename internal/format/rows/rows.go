// Package rows reads tables as a stream: CSV with a header, or NDJSON with one
// flat object per line, either of them plain or gzip.
//
// It promises bounded memory whatever the input says, a line number for every
// complaint, and no value of the input in any error. A row that cannot be read is
// reported and reading goes on with the next line; a file that cannot be read ends
// reading with a fault that says where and how to mend it. Reading can go on where
// an earlier run stopped, if the file still begins with the same bytes.
//
// It promises nothing about what values mean: numbers stay text, as a spreadsheet
// may have mangled them, and it knows no domain. The checksum of a gzip member
// comes behind its rows, so rows of a damaged file may have been given before the
// damage is known.
package rows

import (
	"errors"
	"fmt"
	"io"

	"github.com/amanah-project/amanah/internal/fault"
)

// Bounds of every table.
const (
	MaxRow     = 64 << 10 // bytes of a row, with its quotes and line breaks
	MaxColumns = 64       // of a header, and members of an object
)

// Guards against files that decompress to far more than they are, unless Options
// say otherwise.
const (
	DefaultRatio = 250      // decompressed bytes for each compressed one
	DefaultSize  = 64 << 30 // decompressed bytes
)

// Reasons for which a single row is refused, wrapped in a RowError.
var (
	ErrLong    = fault.New(fault.Invalid, "the row is longer than 64 KiB, or a quote in it is never closed: double each quote inside a quoted value")
	ErrUnended = fault.New(fault.Invalid, "a quote in the row is never closed: close it, and double each quote inside a quoted value")
	ErrQuote   = fault.New(fault.Invalid, "a quote stands inside a value: quote the whole value and double each quote inside it")
	ErrCount   = fault.New(fault.Invalid, "the row has more or fewer columns than the header: quote values that hold the separator")
	ErrUTF8    = fault.New(fault.Invalid, "the row is not UTF-8 text: save the file as UTF-8")
	ErrNUL     = fault.New(fault.Invalid, "the row holds a zero byte: save the file as UTF-8 text")
	ErrObject  = fault.New(fault.Invalid, "the line is not one JSON object: write one object per line, with nothing behind it")
	ErrNested  = fault.New(fault.Invalid, "a member holds an object or an array: only text, numbers, true, false and null are taken")
	ErrTwice   = fault.New(fault.Invalid, "a member is given twice")
	ErrMembers = fault.New(fault.Invalid, "the object has more than 64 members")
)

// ErrChanged is returned by Skip when the input does not begin with the bytes that
// were read before: it was changed, cut or exchanged.
var ErrChanged = fault.New(fault.Conflict, "the file is not the one that was begun: it has changed or lost rows since; take the whole of it from its start")

// ErrOptions is returned by Open when it is asked for no column, or for more than
// MaxColumns.
var ErrOptions = errors.New("rows: the columns to read are not stated, or too many")

// Format is how a table is written.
type Format uint8

// Auto takes a file that begins with "{" for NDJSON, and any other for CSV.
const (
	Auto Format = iota
	CSV
	NDJSON
)

// String returns auto, csv or ndjson.
func (f Format) String() string {
	switch f {
	case CSV:
		return "csv"
	case NDJSON:
		return "ndjson"
	}
	return "auto"
}

// Options say what a table must look like.
type Options struct {
	Format Format
	// Columns maps every name that a column may have, lower-case with "_" for
	// spaces, to the name by which Get knows it. CSV headers are compared without
	// regard to case, to spaces around a name and to " " or "-" for "_"; members
	// of NDJSON exactly.
	Columns map[string]string
	// Required are the names, as Get knows them, without which a CSV is refused.
	Required []string
	Ratio    int64 // DefaultRatio when zero
	Size     int64 // DefaultSize when zero
}

// RowError is why one row is not taken; reading goes on behind it. It wraps one of
// this package's reasons and never holds a value.
type RowError struct {
	Line   int64 // of the row's first line, from 1
	Offset int64 // of the row's first byte, as in Row
	Why    *fault.Fault
}

// Error gives line and reason.
func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Why) }

// Unwrap returns the reason.
func (e *RowError) Unwrap() error { return e.Why }

// Row is one row. It belongs to its Reader and is good until the next call of
// Next; the strings it gives are good for ever.
type Row struct {
	Line   int64 // of the row's first line, from 1; the header is a line too
	Offset int64 // of the row's first byte in the decompressed input

	slots  map[string]int
	values []string
	others []string
}

// Get returns the value of a column, or "" when the row does not state it (null
// included) or Options do not know it.
func (r *Row) Get(name string) string {
	if i, ok := r.slots[name]; ok {
		return r.values[i]
	}
	return ""
}

// Unknown returns the names of the NDJSON members that Options do not know. They
// are input: do not log them. Unknown columns of a CSV are known from the header,
// see Reader.Unknown.
func (r *Row) Unknown() []string { return r.others }

// Reader reads one table. It is not for concurrent use.
type Reader struct {
	window
	format  Format
	columns map[string]int // by every accepted name, to a slot
	names   []string       // by slot
	layout  []int          // slot of each CSV column, -1 for unknown ones
	unknown []string
	comma   byte
	row     Row
	seen    [MaxColumns]int64 // row number in which a slot was last set
	rows    int64
	lines   int64
	scratch []byte
	cuts    []int
	fatal   error
}

// Open reads up to the first row. It fails with a fault of kind Invalid when r is
// no such table: empty, binary, UTF-16, compressed by something else, without a
// header, or with a header that names a column twice or lacks a required one.
func Open(r io.Reader, o Options) (*Reader, error) {
	t := &Reader{columns: make(map[string]int, len(o.Columns))}
	slots := map[string]int{}
	for name, to := range o.Columns {
		slot, ok := slots[to]
		if !ok {
			slot = len(slots)
			slots[to], t.names = slot, append(t.names, to)
		}
		t.columns[name] = slot
	}
	if len(slots) == 0 || len(slots) > MaxColumns {
		return nil, ErrOptions
	}
	t.row = Row{slots: slots, values: make([]string, len(slots))}
	text, err := decompress(r, o)
	if err != nil {
		return nil, err
	}
	t.window = newWindow(text)
	if err := t.begin(o); err != nil {
		return nil, err
	}
	return t, nil
}

// Format returns CSV or NDJSON.
func (t *Reader) Format() Format { return t.format }

// Unknown returns the CSV columns that Options do not know, as the header spells
// them. Their values are passed over.
func (t *Reader) Unknown() []string { return t.unknown }

// Consumed returns how many bytes of the input, compressed ones if it is
// compressed, have been read so far. It runs ahead of the rows by a buffer.
func (t *Reader) Consumed() int64 { return t.source.compressed() }

// Next returns the next row. Blank lines are passed over. The error is io.EOF
// behind the last row, a *RowError when this row is not taken and the next may be,
// and otherwise final: a fault of kind Invalid for a damaged file, or the input's
// own error.
func (t *Reader) Next() (*Row, error) {
	if t.fatal != nil {
		return nil, t.fatal
	}
	for {
		ok, err := t.more()
		if err != nil {
			t.fatal = t.locate(err)
			return nil, t.fatal
		}
		if !ok {
			t.fatal = io.EOF
			return nil, t.fatal
		}
		t.row.Line, t.row.Offset = t.lines+1, t.offset()
		found, why := t.read()
		if why != nil {
			t.rows++
			return nil, &RowError{t.row.Line, t.row.Offset, why}
		}
		if found {
			t.rows++
			return &t.row, nil
		}
	}
}

// read takes one record off the window; found is false for a blank line and when
// the row can only be judged with what the input failed to give.
func (t *Reader) read() (found bool, why *fault.Fault) {
	line, size := t.line()
	if size < 0 {
		return false, t.overlong()
	}
	if t.format == CSV {
		return t.readCSV(line, size)
	}
	t.take(size)
	t.lines++
	return t.readJSON(line)
}

// overlong passes over a line that has no end within MaxRow.
func (t *Reader) overlong() *fault.Fault {
	t.lines++
	t.passLine()
	return ErrLong
}

// locate says behind which line the input was damaged.
func (t *Reader) locate(err error) error {
	if why, ok := errors.AsType[damage](err); ok {
		return fault.Newf(fault.Invalid, "behind line %d: %s", t.lines, string(why))
	}
	return fmt.Errorf("read rows: %w", err)
}
