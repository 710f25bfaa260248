package export

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/pdf"
)

// Documents opens the documents that opened records name.
type Documents interface {
	Open(ctx context.Context, who identity.PersonID, k record.Kind, d record.Document) (care.Opened, error)
}

// ErrNoDocuments: an export with documents, where none can be opened.
var ErrNoDocuments = fault.New(fault.Unavailable, "the documents of this export cannot be opened here: the store of documents is not set")

// maxPDF is how long a PDF file is that is held to be identified, in bytes; longer ones
// leave as they are.
const maxPDF = 32 << 20

// How a document tells the copy.
const (
	marksUIDs   = "uids"   // DICOM: its own numbers, consistent within the copy
	marksID     = "id"     // PDF: the second half of /ID
	marksNone   = "none"   // the file as it was entered: its format has no place for a name
	marksSigned = "signed" // as it was signed
)

// Paper is one document of an archive's list, a line each of documents.ndjson, its last
// file.
type Paper struct {
	Token       string `json:"token"`        // of the record in this copy, as a row has it
	PersonToken string `json:"person_token"` // of the person
	File        string `json:"file,omitempty"`
	Kind        string `json:"kind"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"` // bytes of the file
	Facility    string `json:"facility"`
	Date        string `json:"date,omitempty"` // of care
	Mark        string `json:"mark"`
	Missing     string `json:"missing,omitempty"` // why there is no file
}

// archive is the documents of one part: a tar archive sealed to the recipient, written in
// constant memory. Nothing of it lies on a disk in the clear.
type archive struct {
	documents Documents
	pen       *mark.Pen
	made      time.Time

	out     *tar.Writer
	list    bytes.Buffer
	written int
	missing int
}

// seal writes the archive of some records' documents.
func (a *archive) seal(ctx context.Context, w io.Writer, to age.Recipient, papers []care.Record) error {
	if a.documents == nil {
		return ErrNoDocuments
	}
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return err
	}
	a.out = tar.NewWriter(sealed)
	for i := range papers {
		if err := a.put(ctx, &papers[i]); err != nil {
			return err
		}
	}
	if err := a.head("documents.ndjson", int64(a.list.Len())); err != nil {
		return err
	}
	if _, err := a.out.Write(a.list.Bytes()); err != nil {
		return err
	}
	return errors.Join(a.out.Close(), sealed.Close())
}

func (a *archive) head(name string, size int64) error {
	return a.out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.made})
}

// put writes one document and its line of the list. One that is gone from the store, or that
// cannot be marked, is said to be missing: the others leave all the same.
func (a *archive) put(ctx context.Context, r *care.Record) error {
	p := Paper{
		Token: a.pen.Token(r.Ref.String()), PersonToken: a.pen.Token(record.Ref{Person: r.Ref.Person}.String()),
		Kind: r.Kind.String(), ContentType: r.ContentType, Facility: r.Facility, Mark: marksNone,
	}
	if !r.From.IsZero() {
		p.Date = r.From.Format(time.DateOnly)
	}
	p.File = "documents/" + p.Token + record.Extension(r.ContentType)
	err := a.file(ctx, r, &p)
	if e, broken := errors.AsType[*dicom.Error](err); broken {
		p.Missing = "it cannot be given the copy's numbers: " + e.Error()
	} else if fault.KindOf(err) == fault.Unavailable && ctx.Err() == nil && !a.begun(err) {
		p.Missing = fault.Text(err)
	} else if err != nil {
		return err
	}
	if a.written++; p.Missing != "" {
		p.File, p.Mark, p.Size = "", "", 0
		a.written--
		a.missing++
	}
	return json.NewEncoder(&a.list).Encode(p)
}

// errBegun: a file that ends in its middle ends its archive.
type errBegun struct{ error }

// Unwrap returns what ended it.
func (e errBegun) Unwrap() error { return e.error }

func (a *archive) begun(err error) bool {
	_, yes := errors.AsType[errBegun](err)
	return yes
}

// file writes a document as the copy has it.
func (a *archive) file(ctx context.Context, r *care.Record, p *Paper) error {
	o, err := a.documents.Open(ctx, r.Ref.Person, r.Kind, *r.Content.Document)
	if err != nil {
		return err
	}
	defer o.Close()
	whole := func() io.Reader { return &reading{ctx, io.NewSectionReader(o, 0, o.Size())} }
	p.Size = o.Size()
	switch {
	case r.Transfer != nil:
		p.Mark = marksSigned
	case r.ContentType == record.DICOM:
		var n counter
		signed, err := dicom.Rewrite(&n, whole(), dicom.Options{}, a.pen.UID)
		if err != nil {
			return err
		}
		if p.Mark = marksSigned; signed {
			break
		}
		p.Mark, p.Size = marksUIDs, int64(n)
		return a.write(p, func(w io.Writer) error {
			_, err := dicom.Rewrite(w, whole(), dicom.Options{}, a.pen.UID)
			return err
		})
	case r.ContentType == record.PDF && o.Size() <= maxPDF:
		raw, err := io.ReadAll(whole())
		if err != nil {
			return err
		}
		id := a.pen.Document(r.Ref.String())
		if pdf.Identify(raw, hex.EncodeToString(id[:])) {
			p.Mark = marksID
		}
		return a.write(p, func(w io.Writer) error {
			_, err := w.Write(raw)
			return err
		})
	}
	return a.write(p, func(w io.Writer) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, whole(), make([]byte, 256<<10))
		return err
	})
}

func (a *archive) write(p *Paper, content func(io.Writer) error) error {
	if err := a.head(p.File, p.Size); err != nil {
		return errBegun{err}
	}
	if err := content(a.out); err != nil {
		return errBegun{err}
	}
	return nil
}

// counter counts what is written.
type counter int64

// Write implements io.Writer.
func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}

// reading ends with its context.
type reading struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
