package dump

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/pdf"
	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
	"github.com/amanah-project/amanah/internal/trace/likeness"
)

// document reads a file that is compared as a whole. Its hash is known when it is sent.
func (w *walker) document(s *opened, kind Kind) error {
	var whole []byte
	var scan *Document
	var broken error
	switch {
	case kind == DICOM:
		scan, broken = readDICOM(s.in)
	case kind != Unknown:
		b, ok := w.held(s)
		if !ok {
			kind = Unknown
		}
		whole = b
	}
	encrypted, rest := lookout{wanted: lockedStream}, io.Discard
	if bytes.HasPrefix(s.head, []byte(ole)) {
		rest = &encrypted
	}
	if _, err := io.Copy(rest, s.in); err != nil && s.input.err == nil {
		s.input.err = err
	}
	n := s.n
	var sum [32]byte
	s.sum.Sum(sum[:0])
	reason := whyNot(s.head, encrypted.found)
	if w.report.Sources[s.number].Kind != kind {
		reason = TooLarge
	}
	j := &job{kind: w.report.Sources[s.number].Kind, mark: Mark{Source: s.number, Offset: n}}
	switch kind {
	case DICOM:
		j.doc = func(j *job) *Document {
			if broken != nil {
				j.skip(0, n, Broken)
			}
			return scan
		}
	case Image:
		j.doc = func(j *job) *Document { return readImage(j, whole, w.o.Pixels) }
	case PDF:
		return w.pdf(j, whole, sum)
	default:
		j.doc = func(j *job) *Document {
			j.skip(0, n, reason)
			return &Document{}
		}
	}
	return w.sendDocument(j, sum)
}

// sendDocument sends a document with its hash.
func (w *walker) sendDocument(j *job, sum [32]byte) error {
	read := j.doc
	j.doc = func(j *job) *Document {
		d := read(j)
		d.FileHash = sum
		return d
	}
	return w.p.send(j, sum[:])
}

// pdf sends a PDF file's document, and its lines and records as rows: what "Name: value" says is
// named.
func (w *walker) pdf(j *job, whole []byte, sum [32]byte) error {
	read := sync.OnceValue(func() pdf.Content {
		return pdf.Read(whole, pdf.Limits{Inflated: 2 * w.o.Memory, Texts: 1 << 20})
	})
	j.doc = func(j *job) *Document {
		c := read()
		end := int64(0)
		for _, s := range c.Spans {
			reason := NoText
			if s.Locked {
				reason = Locked
			}
			j.skip(max(s.From, end), s.To, reason)
			end = max(end, s.To)
		}
		d := &Document{IDs: c.IDs}
		for _, l := range c.Lines {
			line := strings.Join(l, " ")
			d.Text = append(d.Text, line)
			if name, value := chunk.Pair([]byte(line)); name != "" {
				d.Fields = append(d.Fields, Field{Name: name, Value: value})
			}
		}
		return d
	}
	if err := w.sendDocument(j, sum); err != nil {
		return err
	}
	return w.p.send(&job{kind: PDF, mark: j.mark, rows: func() *chunk.Buffer { return rowsOf(read().Lines) }}, nil)
}

// readDICOM reads a DICOM file of any length. Its pixels are hashed as they lie in it, with
// their size: retagging and new UIDs do not change that.
func readDICOM(r io.Reader) (*Document, error) {
	pixels := likeness.NewPixels()
	f, err := dicom.Read(r, dicom.Options{Pixels: pixels})
	if err != nil {
		return &Document{}, err
	}
	d := &Document{Width: f.Columns, Height: f.Rows, UIDs: []string{f.Instance, f.Study, f.Series}}
	if f.Pixels {
		d.PixelHash = pixels.Sum(f.Columns, f.Rows, f.Frames)
	}
	for _, v := range []struct{ name, value string }{
		{"PatientName", f.Patient.Text()}, {"PatientID", f.PatientID}, {"PatientBirthDate", f.Birth}, {"PatientSex", f.Sex},
		{"InstitutionName", f.Institution}, {"AccessionNumber", f.Accession}, {"StudyID", f.StudyID}, {"StudyDate", f.StudyDate},
		{"StudyTime", f.StudyTime}, {"Modality", f.Modality}, {"StudyDescription", f.StudyText}, {"SeriesDescription", f.SeriesText},
	} {
		if v.value != "" {
			d.Fields = append(d.Fields, Field{Name: v.name, Value: []byte(v.value)})
		}
	}
	return d, nil
}

// readImage decodes a PNG file of at most so many pixels, or a JPEG file as likeness.Decode does.
func readImage(j *job, b []byte, most int) *Document {
	m, size, err := likeness.Decode(b, most)
	d := &Document{Width: size.X, Height: size.Y}
	switch {
	case errors.Is(err, likeness.ErrLarge):
		j.skip(0, int64(len(b)), Undecoded)
		return d
	case err != nil:
		j.skip(0, int64(len(b)), Broken)
		return d
	}
	d.PixelHash = likeness.Picture(m)
	end := bytes.LastIndex(b, []byte("\xff\xd9")) + 2
	if i := bytes.LastIndex(b, []byte("IEND")); i >= 0 && b[0] != 0xff {
		end = i + 8
	}
	if end > 2 {
		j.skip(int64(end), int64(len(b)), Rest)
	}
	return d
}
