// Package sheet reads the cells of XLSX workbooks (ECMA-376 part 1, §18) as they stand.
//
// It streams: one row is held, and the shared strings, within a limit. Numbers stay as they
// are written, 3.2E+15 too, but for those whose format is a date's, which become 2006-01-02 or
// 2006-01-02T15:04:05. Formulas are text and never evaluated: a cell has the value that was
// stored with it, or "=" and the formula where none was. XML entities beyond the five are not
// expanded.
package sheet

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

// Bounds of a workbook.
const (
	maxToken   = 4 << 20 // bytes between two tags
	maxColumns = 16384   // of Excel
	maxDepth   = 64
)

// Errors of a part of a workbook; what was read before stays.
var (
	ErrLimit  = errors.New("sheet: a part is larger than is read")
	ErrBroken = errors.New("sheet: a part is not whole XML")
)

// Row is one row of a sheet. Cells are values by column; missing ones are empty.
type Row struct {
	Sheet string // the part's name
	Cells []string
}

// Reader reads one workbook.
type Reader struct {
	Strings int64                                      // most bytes of shared strings that are held
	Open    func(i int, f *zip.File) (io.Reader, bool) // opens a part
	Failed  func(i int, err error)                     // is told of a part that was not read to its end

	text  []byte
	ends  []int // of each shared string in text
	dates []bool
}

// Is reports whether an archive is a workbook.
func Is(z *zip.Reader) bool {
	for _, f := range z.File {
		if f.Name == "xl/workbook.xml" {
			return true
		}
	}
	return false
}

// Part reports whether a part of a workbook is read for its cells.
func Part(name string) bool {
	return name == "xl/sharedStrings.xml" || name == "xl/styles.xml" || strings.HasPrefix(name, "xl/worksheets/") && path.Dir(name) == "xl/worksheets" && path.Ext(name) == ".xml"
}

// Read gives each row of each sheet to yield; an error of yield ends it and is returned.
func (r *Reader) Read(z *zip.Reader, yield func(Row) error) error {
	read := func(wanted func(string) bool, part func(name string, in *tokens) error) error {
		for i, f := range z.File {
			if !Part(f.Name) || !wanted(f.Name) {
				continue
			}
			in, ok := r.Open(i, f)
			if !ok {
				continue
			}
			err := part(f.Name, newTokens(in))
			if e, ours := errors.AsType[yielded](err); ours {
				return e.error
			}
			if err != nil && err != io.EOF {
				r.Failed(i, err)
			}
		}
		return nil
	}
	_ = read(func(n string) bool { return n == "xl/sharedStrings.xml" }, func(_ string, in *tokens) error { return r.shared(in) })
	_ = read(func(n string) bool { return n == "xl/styles.xml" }, func(_ string, in *tokens) error { return r.styles(in) })
	return read(func(n string) bool { return strings.HasPrefix(n, "xl/worksheets/") }, func(name string, in *tokens) error {
		return r.cells(name, in, yield)
	})
}

// yielded is an error of yield.
type yielded struct{ error }

// tokens reads XML tokens within bounds.
type tokens struct {
	in    io.Reader
	since int // bytes read since the last token
	depth int
	*xml.Decoder
}

func newTokens(in io.Reader) *tokens {
	t := &tokens{in: in}
	t.Decoder = xml.NewDecoder(t)
	t.Strict = false
	t.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return t
}

// Read implements io.Reader for the decoder.
func (t *tokens) Read(p []byte) (int, error) {
	if t.since > maxToken {
		return 0, ErrLimit
	}
	n, err := t.in.Read(p)
	t.since += n
	return n, err
}

func (t *tokens) next() (xml.Token, error) {
	t.since = 0
	tok, err := t.RawToken()
	switch tok.(type) {
	case xml.StartElement:
		if t.depth++; t.depth > maxDepth {
			return nil, ErrLimit
		}
	case xml.EndElement:
		t.depth--
	}
	if _, bad := errors.AsType[*xml.SyntaxError](err); bad {
		return nil, ErrBroken
	}
	return tok, err
}

// shared holds the shared strings, without phonetic hints.
func (r *Reader) shared(in *tokens) error {
	text, hint := false, 0
	for {
		tok, err := in.next()
		if err != nil {
			return err
		}
		switch e := tok.(type) {
		case xml.StartElement:
			text = e.Name.Local == "t" && hint == 0
			if e.Name.Local == "rPh" {
				hint++
			}
		case xml.EndElement:
			text = false
			switch e.Name.Local {
			case "rPh":
				hint--
			case "si":
				r.ends = append(r.ends, len(r.text))
			}
		case xml.CharData:
			if text {
				r.text = append(r.text, e...)
			}
		}
		if int64(len(r.text))+8*int64(len(r.ends)) > r.Strings {
			return ErrLimit
		}
	}
}

func (r *Reader) sharedString(i int) string {
	if i < 0 || i >= len(r.ends) {
		return ""
	}
	from := 0
	if i > 0 {
		from = r.ends[i-1]
	}
	return string(r.text[from:r.ends[i]])
}

// styles notes which cell formats are dates.
func (r *Reader) styles(in *tokens) error {
	custom := map[string]bool{}
	formats := false
	for {
		tok, err := in.next()
		if err != nil {
			return err
		}
		switch e := tok.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "numFmt":
				if len(custom) < 1<<12 {
					custom[attr(e, "numFmtId")] = dated(attr(e, "formatCode"))
				}
			case "cellXfs":
				formats = true
			case "xf":
				if formats && len(r.dates) < 1<<16 {
					id := attr(e, "numFmtId")
					n, _ := strconv.Atoi(id)
					r.dates = append(r.dates, custom[id] || 14 <= n && n <= 22 || 27 <= n && n <= 36 || 45 <= n && n <= 47 || 50 <= n && n <= 58)
				}
			}
		case xml.EndElement:
			if e.Name.Local == "cellXfs" {
				formats = false
			}
		}
	}
}

// dated reports whether a format's code is a date's: it has d, m, y, h or s outside texts.
func dated(code string) bool {
	quoted := false
	for i, c := range code {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '[' && strings.HasPrefix(code[i:], "[Red]"):
		case !quoted && strings.ContainsRune("dmyDMYhHsS", c) && (i == 0 || code[i-1] != '\\'):
			return !strings.HasPrefix(strings.ToLower(code), "general")
		}
	}
	return false
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// cell is one while it is read.
type cell struct {
	column  int
	kind    string
	style   int
	value   []byte
	formula []byte
	has     bool
}

// cells reads one sheet.
func (r *Reader) cells(name string, in *tokens, yield func(Row) error) error {
	var c cell
	var to *[]byte
	row := Row{Sheet: name}
	next := 0
	for {
		tok, err := in.next()
		if err != nil {
			if len(row.Cells) > 0 {
				if err := yield(row); err != nil {
					return yielded{err}
				}
			}
			return err
		}
		switch e := tok.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "row":
				row.Cells, next = nil, 0
			case "c":
				c = cell{column: column(attr(e, "r"), next), kind: attr(e, "t")}
				c.style, _ = strconv.Atoi(attr(e, "s"))
			case "v", "t":
				to, c.has = &c.value, true
			case "f":
				to = &c.formula
			}
		case xml.CharData:
			if to != nil {
				*to = append(*to, e...)
			}
		case xml.EndElement:
			to = nil
			switch e.Name.Local {
			case "c":
				if c.column < maxColumns {
					for len(row.Cells) <= c.column {
						row.Cells = append(row.Cells, "")
					}
					row.Cells[c.column] = r.value(c)
					next = c.column + 1
				}
			case "row":
				if len(row.Cells) > 0 {
					if err := yield(row); err != nil {
						return yielded{err}
					}
				}
				row.Cells = nil
			}
		}
	}
}

func (r *Reader) value(c cell) string {
	text := string(c.value)
	switch {
	case !c.has && len(c.formula) > 0:
		return "=" + string(c.formula)
	case c.kind == "s":
		i, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return text
		}
		return r.sharedString(i)
	case (c.kind == "" || c.kind == "n") && 0 <= c.style && c.style < len(r.dates) && r.dates[c.style]:
		return date(text)
	}
	return text
}

// date turns a serial day, 1 for 1900-01-01 with the 29th of February that there was not
// (§18.17.4.1), into a date.
func date(text string) string {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || v < 61 || v > 2958466 {
		return text
	}
	day := math.Floor(v)
	at := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(day)).Add(time.Duration(math.Round((v-day)*86400)) * time.Second)
	if v == day {
		return at.Format("2006-01-02")
	}
	return at.Format("2006-01-02T15:04:05")
}

// column reads the letters of a cell's place, BC12; next where there are none.
func column(ref string, next int) int {
	n := 0
	for i := 0; i < len(ref) && 'A' <= ref[i] && ref[i] <= 'Z'; i++ {
		if n = n*26 + int(ref[i]-'A') + 1; n > maxColumns {
			return maxColumns
		}
	}
	if n == 0 {
		return next
	}
	return n - 1
}
