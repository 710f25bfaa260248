package table

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of workbooks: the limits are the form's.
var (
	ErrRows = fault.New(fault.Invalid, "a worksheet holds 1,048,576 rows: choose csv or ndjson")
	ErrCell = fault.New(fault.Invalid, "a cell of a worksheet holds 32,767 characters: choose csv or ndjson")
)

const (
	maxRows = 1 << 20
	maxCell = 32767 // UTF-16 code units
)

// sheet writes an Office Open XML workbook (ECMA-376) of one worksheet. Every cell is an
// inline string of a text format with a quote prefix, so that a NIK keeps its 16 digits, and
// what looks like a formula is text even after somebody edits it; its value is not touched.
type sheet struct {
	zip   *zip.Writer
	out   *bufio.Writer
	about About
	rows  int
}

// parts are the files of a workbook beside its worksheet.
func parts(a *About) [][2]string {
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	const pkg = "http://schemas.openxmlformats.org/package/2006"
	const doc = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	const mime = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	made := a.Made.UTC().Format(time.RFC3339)
	return [][2]string{
		{"[Content_Types].xml", head + `<Types xmlns="` + pkg + `/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="` + mime + `sheet.main+xml"/>` +
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + mime + `worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="` + mime + `styles+xml"/>` +
			`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`},
		{"_rels/.rels", head + `<Relationships xmlns="` + pkg + `/relationships"><Relationship Id="rId1" Type="` + doc + `/officeDocument" Target="xl/workbook.xml"/>` +
			`<Relationship Id="rId2" Type="` + pkg + `/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`},
		{"docProps/core.xml", head + `<cp:coreProperties xmlns:cp="` + pkg + `/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
			`<dc:title>` + text(a.Title) + `</dc:title><dc:creator>Amanah</dc:creator><dc:identifier>` + a.id() + `</dc:identifier>` +
			`<dcterms:created xsi:type="dcterms:W3CDTF">` + made + `</dcterms:created></cp:coreProperties>`},
		{"xl/workbook.xml", head + `<workbook xmlns="` + main + `" xmlns:r="` + doc + `"><sheets><sheet name="records" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", head + `<Relationships xmlns="` + pkg + `/relationships"><Relationship Id="rId1" Type="` + doc + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + doc + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", head + `<styleSheet xmlns="` + main + `"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>` +
			`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>` +
			`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
			`<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs></styleSheet>`},
	}
}

func newXLSX(w io.Writer, a About) (Writer, error) {
	s := &sheet{zip: zip.NewWriter(w), about: a}
	for _, part := range parts(&a) {
		out, err := s.part(part[0])
		if err == nil {
			_, err = io.WriteString(out, part[1])
		}
		if err != nil {
			return nil, err
		}
	}
	out, err := s.part("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewWriter(out)
	fmt.Fprint(s.out, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, "\n",
		`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	return s, s.Row(a.Columns)
}

// part begins a file, without the time, which would make other bytes each time.
func (s *sheet) part(name string) (io.Writer, error) {
	return s.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
}

func (s *sheet) Row(cells []string) error {
	if len(cells) != len(s.about.Columns) {
		return ErrCells
	}
	if s.rows++; s.rows > maxRows {
		return ErrRows
	}
	fmt.Fprintf(s.out, `<row r="%d">`, s.rows)
	for i, c := range cells {
		if c == "" {
			continue
		}
		if len(c) > maxCell && len(utf16.Encode([]rune(c))) > maxCell {
			return ErrCell
		}
		fmt.Fprintf(s.out, `<c r="%s%d" s="1" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>`, letters(i), s.rows, text(c))
	}
	_, err := s.out.WriteString("</row>")
	return err
}

func (s *sheet) Close() error {
	if _, err := s.out.WriteString("</sheetData></worksheet>"); err != nil {
		return err
	}
	if err := s.out.Flush(); err != nil {
		return err
	}
	return s.zip.Close()
}

// letters name a column: A, B … Z, AA.
func letters(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// text escapes for XML. Characters that XML has none of, and what would read as one of these
// escapes, are written as _xHHHH_ (ECMA-376 part 1 §22.9.2.19).
func text(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '"':
			b.WriteString("&quot;")
		case r < ' ' && r != '\t' && r != '\n', r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&b, "_x%04X_", r)
		case r == '_' && escape(s[i:]):
			b.WriteString("_x005F_")
		case r == utf8.RuneError:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func escape(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	return strings.Trim(s[2:6], "0123456789abcdefABCDEF") == ""
}
