package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
)

// Sizes of a page in millimetres: A4.
const (
	pageMargin = 12.0
	lineHigh   = 3.2
	textSize   = 7.0
)

// pages writes PDF: a block for each row, a line for each cell that is not empty. Letters
// that the form's own fonts have none of are written as \u{…}.
type pages struct {
	w     io.Writer
	about About
	pdf   *fpdf.Fpdf
}

func newPDF(w io.Writer, a About) Writer {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetCompression(false) // compressed bytes change with the compiler's library
	p.SetCatalogSort(true)
	p.SetCreationDate(a.Made.UTC())
	p.SetModificationDate(a.Made.UTC())
	p.SetProducer("Amanah", false)
	p.SetTitle(a.Title, true)
	p.SetXmpMetadata(xmp(&a))
	p.SetMargins(pageMargin, pageMargin, pageMargin)
	p.SetAutoPageBreak(true, pageMargin+lineHigh)
	p.SetFooterFunc(func() {
		p.SetY(-pageMargin)
		p.SetFont("Helvetica", "", textSize-1)
		p.CellFormat(0, lineHigh, fmt.Sprintf("Salinan %s  halaman %d", a.id(), p.PageNo()), "", 0, "L", false, 0, "")
	})
	p.AddPage()
	return &pages{w, a, p}
}

func (p *pages) Row(cells []string) error {
	if len(cells) != len(p.about.Columns) {
		return ErrCells
	}
	style := "B"
	for i, c := range cells {
		if c == "" {
			continue
		}
		p.pdf.SetFont("Helvetica", style, textSize)
		p.pdf.MultiCell(0, lineHigh, western(p.about.Columns[i]+": "+c), "", "L", false)
		style = ""
	}
	p.pdf.Ln(lineHigh / 2)
	return p.pdf.Error()
}

// errTrailer: the library writes its trailer otherwise.
var errTrailer = errors.New("table: the PDF has no trailer to put its identifier into")

// Close writes the file. Its identifier goes into the trailer (PDF 32000-1 §14.4), behind
// all that is found by its place.
func (p *pages) Close() error {
	var b bytes.Buffer
	if err := p.pdf.Output(&b); err != nil {
		return err
	}
	const trailer = "\ntrailer\n<<\n"
	raw := b.Bytes()
	at := bytes.LastIndex(raw, []byte(trailer))
	if at < 0 {
		return errTrailer
	}
	at += len(trailer)
	id := p.about.id()
	for _, part := range [][]byte{raw[:at], []byte("/ID [<" + id + "><" + id + ">]\n"), raw[at:]} {
		if _, err := p.w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// xmp is the file's metadata packet (ISO 16684-1).
func xmp(a *About) []byte {
	return []byte(`<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmpMM:DocumentID="urn:amanah:document:` + a.id() + `">` +
		`<dc:identifier>` + a.id() + `</dc:identifier></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`)
}

// western encodes text for the form's own fonts.
func western(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteByte('\n')
		case r < ' ' || r >= 0x7f && r < 0xa0 || r > unicode.MaxLatin1:
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}
