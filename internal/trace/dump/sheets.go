package dump

import (
	"archive/zip"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
	"github.com/amanah-project/amanah/internal/trace/dump/sheet"
)

func workbook(z *zip.Reader) bool { return sheet.Is(z) }

// Bounds of a batch of a spreadsheet.
const (
	sheetRows  = 2000
	sheetBytes = 256 << 10
)

// gathering collects rows of a spreadsheet into batches.
type gathering struct {
	w      *walker
	source int
	kind   Kind
	rows   [][]Field
	size   int
	number int64 // of the next row, over all sheets
}

// add takes a row's values, which are kept.
func (g *gathering) add(fields []Field) error {
	g.rows = append(g.rows, fields)
	for _, f := range fields {
		g.size += len(f.Value) + 40
	}
	if len(g.rows) < sheetRows && g.size < sheetBytes {
		return nil
	}
	return g.flush()
}

// flush sends what was collected.
func (g *gathering) flush() error {
	if len(g.rows) == 0 {
		return nil
	}
	rows, first := g.rows, g.number
	var content []byte
	for _, r := range rows {
		for _, f := range r {
			content = append(append(content, f.Value...), ',')
		}
	}
	g.number += int64(len(rows))
	g.rows, g.size = nil, 0
	return g.w.p.send(&job{kind: g.kind, mark: Mark{Source: g.source, Offset: g.number}, rows: func() *chunk.Buffer {
		var b chunk.Buffer
		for i, r := range rows {
			b.Append(first+int64(i), r...)
		}
		return &b
	}}, content)
}

// sheets reads the cells of a workbook.
func (w *walker) sheets(s *opened, z *zip.Reader, spans []span) error {
	w.report.Sources[s.number].Kind = Spreadsheet
	for i, f := range z.File {
		if spans[i].why == "" && !sheet.Part(f.Name) && !strings.HasPrefix(f.Name, "xl/media/") && spans[i].to > spans[i].from {
			spans[i].why = NoCells
		}
	}
	if err := errors.Join(w.media(s, z, spans), w.identifier(s, z, spans)); err != nil {
		return err
	}
	r := sheet.Reader{Strings: w.o.Memory}
	r.Open = func(i int, f *zip.File) (io.Reader, bool) {
		if spans[i].why != "" {
			return nil, false
		}
		in, err := f.Open()
		if err != nil {
			spans[i].why = Damaged
			return nil, false
		}
		return &bounded{from: in, left: s.left}, true
	}
	r.Failed = func(i int, err error) {
		switch {
		case errors.Is(err, sheet.ErrLimit), errors.Is(err, errBomb):
			spans[i].why = Bomb
		default:
			spans[i].why = Damaged
		}
	}
	g := gathering{w: w, source: s.number, kind: Spreadsheet}
	h := header{}
	err := r.Read(z, func(row sheet.Row) error {
		if fields := h.take(row); fields != nil {
			return g.add(fields)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.report.Sources[s.number].Header = h.first
	return g.flush()
}

// media reads pictures within a workbook.
func (w *walker) media(s *opened, z *zip.Reader, spans []span) error {
	all := make([]span, len(spans))
	copy(all, spans)
	for i, f := range z.File {
		if !strings.HasPrefix(f.Name, "xl/media/") {
			all[i].why = NoCells
		}
	}
	if err := w.entries(s, z, all); err != nil {
		return err
	}
	for i, f := range z.File {
		if strings.HasPrefix(f.Name, "xl/media/") {
			spans[i] = all[i]
		}
	}
	return nil
}

// maxProperties bounds a workbook's properties, in bytes.
const maxProperties = 64 << 10

// identified is the identifier in a workbook's properties (ECMA-376 part 2 §8.2), when it is 16
// bytes in hexadecimal.
var identified = regexp.MustCompile(`<dc:identifier>[ \t\r\n]*([0-9A-Fa-f]{32})[ \t\r\n]*</dc:identifier>`)

// identifier reads what a workbook calls itself, which stays when columns are taken out.
func (w *walker) identifier(s *opened, z *zip.Reader, spans []span) error {
	at := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == "docProps/core.xml" })
	if at < 0 || spans[at].why != NoCells {
		return nil
	}
	in, err := z.File[at].Open()
	if err != nil {
		return nil // not read, as spans say
	}
	raw, _ := io.ReadAll(io.LimitReader(&bounded{from: in, left: s.left}, maxProperties))
	found := identified.FindSubmatch(raw)
	if err := in.Close(); err != nil || found == nil {
		return nil
	}
	spans[at].why = ""
	id := string(found[1])
	return w.p.send(&job{kind: Spreadsheet, mark: Mark{Source: s.number}, doc: func(*job) *Document { return &Document{IDs: []string{id}, Beside: true} }}, found[1])
}

// header finds the names of a sheet's columns: its first row with more than one value if it
// looks like names.
type header struct {
	sheet string
	names []string
	begun bool
	first []string // of the first sheet that has one
}

// take returns the values of a row, nil for a header.
func (h *header) take(row sheet.Row) []Field {
	if row.Sheet != h.sheet {
		h.sheet, h.names, h.begun = row.Sheet, nil, false
	}
	if !h.begun && filled(row.Cells) > 1 {
		h.begun = true
		if chunk.Header(row.Cells) {
			h.names = row.Cells
			if h.first == nil {
				h.first = row.Cells
			}
			return nil
		}
	}
	fields := make([]Field, len(row.Cells))
	for i, v := range row.Cells {
		fields[i].Value = []byte(v)
		if i < len(h.names) {
			fields[i].Name = h.names[i]
		}
	}
	return fields
}

func filled(cells []string) (n int) {
	for _, c := range cells {
		if c != "" {
			n++
		}
	}
	return n
}
