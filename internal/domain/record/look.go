package record

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/pdf"
)

// Content types that are looked into.
const (
	DICOM = "application/dicom"
	PDF   = "application/pdf"
	CSV   = "text/csv"
	XML   = "application/xml"
	Bytes = "application/octet-stream"
)

// Extension is how a file of a content type is named, so that people's own programs know
// it.
func Extension(contentType string) string {
	switch contentType {
	case PDF:
		return ".pdf"
	case DICOM:
		return ".dcm"
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case XML:
		return ".xml"
	case CSV:
		return ".csv"
	case "application/fhir+json":
		return ".json"
	}
	return ".bin"
}

// Errors of documents' forms.
var (
	// ErrForm: the content is of another type than was said.
	ErrForm = fault.New(fault.Invalid, "byte 0: the document is of another content type than it was sent as")
	// ErrContentType: no media type.
	ErrContentType = fault.New(fault.Invalid, "a document's content type is a media type, as application/pdf")
	// ErrBlank: no byte.
	ErrBlank = fault.New(fault.Invalid, "byte 0: the document is empty")
)

// Said is what a document says of itself.
type Said struct {
	Meta      Meta   // kind, content type, and of an image its codes and dates
	Claim     *Claim // who it says it is about; nil when it does not, or not fully
	Unclaimed error  // why there is no claim, of a kind of document that should have one
}

// magics are the first bytes of what is taken as it is.
var magics = []struct {
	at          int
	magic, form string
}{
	{128, "DICM", DICOM}, {0, "%PDF-", PDF},
	{0, "\x89PNG\r\n\x1a\n", "image/png"}, {0, "\xff\xd8\xff", "image/jpeg"}, {0, "GIF8", "image/gif"},
	{0, "II*\x00", "image/tiff"}, {0, "MM\x00*", "image/tiff"},
}

// formOf recognises a document by its beginning; empty for what is not known.
func formOf(head []byte) string {
	for _, m := range magics {
		if len(head) >= m.at+len(m.magic) && string(head[m.at:m.at+len(m.magic)]) == m.magic {
			return m.form
		}
	}
	if text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"); bytes.HasPrefix(text, []byte("<?xml")) || bytes.HasPrefix(text, []byte("<!--")) || bytes.HasPrefix(text, []byte("<AnnotatedECG")) {
		return XML
	}
	return ""
}

// Look reads a document to its end and says what it is. What it is sent as must be what
// it is, where that can be told; empty is whatever it is. What is not whole, or would
// run something where it is opened, is refused, naming the place; what is not known is
// bytes. It holds little of a document of any length.
func Look(r io.Reader, sentAs string) (Said, error) {
	var s Said
	in := bufio.NewReaderSize(r, 4<<10)
	head, err := in.Peek(512)
	if err != nil && err != io.EOF {
		return s, err
	}
	if len(head) == 0 {
		return s, ErrBlank
	}
	if sentAs != "" {
		if sentAs, _, err = mime.ParseMediaType(sentAs); err != nil || len(sentAs) > 100 {
			return s, ErrContentType
		}
	}
	if sentAs == "text/xml" || strings.HasSuffix(sentAs, "+xml") {
		sentAs = XML
	}
	known := map[string]bool{PDF: true, DICOM: true, XML: true, "image/png": true, "image/jpeg": true, "image/gif": true, "image/tiff": true}
	form := formOf(head)
	switch {
	case form == "" && known[sentAs] && sentAs != DICOM && sentAs != PDF && sentAs != XML:
		return s, ErrForm
	case form == "":
		form = sentAs
	case sentAs != "" && sentAs != Bytes && sentAs != form:
		return s, ErrForm
	}
	if form == "" {
		form = Bytes
	}
	s.Meta.ContentType = form
	switch form {
	case DICOM:
		return s, s.image(in)
	case PDF:
		return s, pdf.Check(in)
	case XML:
		return s, s.xml(in)
	case CSV:
		return s, table(in)
	}
	return s, nil
}

func (s *Said) image(in io.Reader) error {
	f, err := dicom.Read(in, dicom.Options{})
	if err != nil {
		return err
	}
	s.Meta = DescribeDICOM(f)
	i := ImageOf(f)
	s.Meta.Image = &i
	c, err := ClaimOfDICOM(f)
	if err != nil {
		s.Unclaimed = err
		return nil
	}
	s.Claim = &c
	return nil
}

// maxDepth is deeper than any record's XML is, maxToken longer than any of its texts
// and maxCells than a table's row, which are held whole.
const (
	maxDepth = 128
	maxToken = 16 << 20
	maxCells = 1 << 20
)

// xml reads XML that is well-formed and has no document type, so that nothing in it can
// stand for more than itself, and recognises an annotated ECG (HL7 v3 aECG).
func (s *Said) xml(in io.Reader) error {
	src := &own{from: in}
	d := xml.NewDecoder(src)
	depth, roots := 0, 0
	for {
		src.n = 0
		t, err := d.RawToken()
		if err == io.EOF && depth == 0 && roots == 1 {
			return nil
		}
		at := d.InputOffset()
		if err == io.EOF {
			return xmlError(at, "it ends inside what it began: it was cut")
		}
		if src.err != nil {
			return src.err
		}
		if src.n > maxToken {
			return xmlError(at, "a text or tag is longer than 16 MiB")
		}
		if err != nil {
			return xmlError(at, "it is not well-formed XML 1.0 in UTF-8")
		}
		switch t := t.(type) {
		case xml.Directive:
			return xmlError(at, "it has a document type or another declaration, which records do not need")
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return xmlError(at, "it is nested deeper than is read")
			}
			if depth == 1 {
				if roots++; t.Name.Local == "AnnotatedECG" {
					s.Meta.Kind = ECG
				}
			}
		case xml.EndElement:
			depth--
		}
		if depth < 0 || roots > 1 {
			return xmlError(at, "it is not well-formed")
		}
	}
}

// own remembers a reader's own error, apart from those of what is made of its bytes,
// and ends what would be held whole and never ends.
type own struct {
	from io.Reader
	n    int // bytes of one token
	err  error
}

// Read implements io.Reader.
func (o *own) Read(p []byte) (int, error) {
	if o.n > maxToken {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := o.from.Read(p)
	o.n += n
	if err != nil && err != io.EOF {
		o.err = err
	}
	return n, err
}

func xmlError(at int64, why string) error {
	return fault.Newf(fault.Invalid, "XML, byte %d: %s", at, why)
}

// table reads comma-separated values of which no cell would be run as a formula by
// whoever opens them in a spreadsheet (OWASP, CSV injection).
func table(in io.Reader) error {
	src := &lines{from: in}
	r := csv.NewReader(src)
	r.ReuseRecord = true
	for {
		src.n = 0
		cells, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, errLongRow) {
			return fault.Newf(fault.Invalid, "CSV, byte %d: a row is longer than 1 MiB, or a quote in it is never closed", r.InputOffset())
		}
		if p, ok := errors.AsType[*csv.ParseError](err); ok {
			return fault.Newf(fault.Invalid, "CSV, line %d: quotes or columns are not those of a table", p.Line)
		}
		if err != nil {
			return err
		}
		for i, c := range cells {
			if formula(c) {
				line, _ := r.FieldPos(i)
				return fault.Newf(fault.Invalid, "CSV, line %d, column %d: it begins as a spreadsheet's formula", line, i+1)
			}
		}
	}
}

// formula says whether a spreadsheet would compute a cell. Numbers have signs.
func formula(c string) bool {
	c = strings.TrimLeft(c, " \t\r\n")
	if c == "" || !strings.ContainsRune("=+-@", rune(c[0])) {
		return false
	}
	_, err := strconv.ParseFloat(c, 64)
	return err != nil && c != "-" && c != "+"
}

var errLongRow = errors.New("a long row")

// lines reads as long as rows, whatever line breaks are quoted in them, are short.
type lines struct {
	from io.Reader
	n    int // bytes of one row
}

// Read implements io.Reader.
func (l *lines) Read(p []byte) (int, error) {
	if l.n > maxCells {
		return 0, errLongRow
	}
	n, err := l.from.Read(p)
	l.n += n
	return n, err
}
