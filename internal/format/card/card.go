// Package card prints cards for people without a phone: a PDF of one page, the size
// of a bank card, with a code for machines and a name and a place for a photograph
// for people.
//
// The same card makes the same bytes. The code is drawn, not an image, so that it is
// sharp at every size; it holds what it is given and nothing else.
package card

import (
	"io"
	"strings"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	qrcode "github.com/skip2/go-qrcode"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrCode is returned for a code that does not fit the card.
var ErrCode = fault.New(fault.Invalid, "the card's code is empty or too long to be read off a card")

// Card is what is printed.
type Card struct {
	Code   string    // drawn as a QR code
	Name   string    // of the holder; one that the printer's letters cannot write is left to a pen
	Issued time.Time // dates are written in the zone of their times
	Last   time.Time // the last day on which it holds
}

// Sizes in millimetres: an ID-1 card (ISO/IEC 7810).
const (
	width, height = 85.6, 54.0
	margin        = 4.0
	photoWide     = 20.0
	photoHigh     = 26.0
	codeSide      = 39.2
	quiet         = 4 // modules around the code that stay white (ISO/IEC 18004)
	maxModules    = 61
	nameLines     = 2
)

// Write prints the card as PDF.
func Write(w io.Writer, c Card) error {
	code, err := qrcode.New(c.Code, qrcode.Medium)
	if err != nil {
		return ErrCode
	}
	code.DisableBorder = true
	bits := code.Bitmap()
	if len(bits) > maxModules {
		return ErrCode
	}
	p := fpdf.NewCustom(&fpdf.InitType{OrientationStr: "L", UnitStr: "mm", Size: fpdf.SizeType{Wd: height, Ht: width}})
	p.SetCompression(false) // compressed bytes change with the compiler's library
	p.SetCatalogSort(true)
	p.SetCreationDate(c.Issued.UTC())
	p.SetModificationDate(c.Issued.UTC())
	p.SetProducer("Amanah", false)
	p.SetTitle("Kartu Amanah", false)
	p.SetMargins(0, 0, 0)
	p.SetAutoPageBreak(false, 0)
	p.AddPage()
	draw(p, bits)
	write(p, c)
	return p.Output(w)
}

// draw puts the code at the right, a rectangle for each run of dark modules.
func draw(p *fpdf.Fpdf, bits [][]bool) {
	module := codeSide / float64(len(bits)+2*quiet)
	left, top := width-margin-codeSide+quiet*module, margin/2+quiet*module
	p.SetFillColor(0, 0, 0)
	for y, row := range bits {
		for x := 0; x < len(row); x++ {
			from := x
			for x < len(row) && row[x] {
				x++
			}
			if x > from {
				p.Rect(left+float64(from)*module, top+float64(y)*module, float64(x-from)*module, module, "F")
			}
		}
	}
}

// write puts what people read.
func write(p *fpdf.Fpdf, c Card) {
	p.SetLineWidth(0.2)
	p.Rect(margin, margin+7, photoWide, photoHigh, "D")
	line := func(size float64, style string, x, y float64, text string) {
		p.SetFont("Helvetica", style, size)
		p.Text(x, y, text)
	}
	line(10, "B", margin, margin+4, "KARTU AMANAH")
	line(6, "", margin+4, margin+19, "Foto / Photo")
	line(5, "", margin+photoWide+1.5, margin+10, "Berlaku / Valid")
	line(6, "B", margin+photoWide+1.5, margin+13, c.Issued.Format(time.DateOnly))
	line(5, "", margin+photoWide+1.5, margin+17, "sampai / until")
	line(6, "B", margin+photoWide+1.5, margin+20, c.Last.Format(time.DateOnly))
	name(p, c.Name, margin, margin/2+codeSide+4.5, width-2*margin)
	line(4.6, "", margin, height-1.8, "Petugas: pindai kode, cocokkan nama dan foto.  Staff: scan the code, compare name and photo.")
}

// name writes the holder's name as large as it fits, or a line to write it on.
func name(p *fpdf.Fpdf, text string, x, y, wide float64) {
	latin, ok := latin1(text)
	if !ok {
		p.Line(x, y+2, x+wide, y+2)
		return
	}
	for size := 9.0; ; size -= 0.5 {
		p.SetFont("Helvetica", "B", size)
		lines := p.SplitLines(latin, wide)
		if len(lines) > nameLines && size > 4 {
			continue
		}
		for i, l := range lines[:min(len(lines), nameLines)] {
			p.Text(x, y+float64(i)*size*0.4, string(l))
		}
		return
	}
}

// latin1 encodes a text in the letters that the printer's own fonts have.
func latin1(s string) ([]byte, bool) {
	s = strings.TrimSpace(s)
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > unicode.MaxLatin1 || r >= 0x7f && r < 0xa0 || r < ' ' {
			return nil, false
		}
		out = append(out, byte(r))
	}
	return out, len(out) > 0
}
