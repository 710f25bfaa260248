package dicomweb

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/web/route"
)

// form is how instances are given.
type form struct {
	single bool   // application/dicom, of one instance
	syntax string // transfer syntax that they must have; empty or * for the one they have
}

// formOf reads what a caller takes of instances (PS3.18 §8.7): the first media range
// that is served. Quality values are passed over: there is one form of each.
func formOf(accept []string, one bool) (form, error) {
	ranges := splitRanges(accept)
	if len(ranges) == 0 {
		return form{}, nil
	}
	for _, r := range ranges {
		media, params, err := mime.ParseMediaType(r)
		if err != nil || params["q"] == "0" {
			continue
		}
		syntax := params["transfer-syntax"]
		switch {
		case media == "multipart/related" && (params["type"] == "" || strings.EqualFold(params["type"], record.DICOM)), media == "multipart/*":
			return form{syntax: syntax}, nil
		case media == record.DICOM && one:
			return form{single: true, syntax: syntax}, nil
		case media == "*/*":
			return form{syntax: syntax}, nil
		case media == "application/*" && one:
			return form{single: true, syntax: syntax}, nil
		}
	}
	return form{}, errAccept
}

// splitRanges parts Accept headers at commas outside quotes.
func splitRanges(accept []string) (out []string) {
	for _, line := range accept {
		quoted, from := false, 0
		for i, c := range line + "," {
			switch {
			case c == '"':
				quoted = !quoted
			case c == ',' && (!quoted || i == len(line)):
				if one := strings.TrimSpace(line[from:i]); one != "" {
					out = append(out, one)
				}
				from = i + 1
			}
		}
	}
	return out
}

// takesJSON says whether a caller takes DICOM JSON.
func takesJSON(accept []string) error {
	ranges := splitRanges(accept)
	for _, r := range ranges {
		media, params, err := mime.ParseMediaType(r)
		if err == nil && params["q"] != "0" && (media == jsonType || media == "application/json" || media == "*/*" || media == "application/*") {
			return nil
		}
	}
	if len(ranges) == 0 {
		return nil
	}
	return errAccept
}

// images finds the instances of a path; errNothing.
func (s *Server) images(q *request) ([]care.Record, error) {
	all, err := s.Documents.Images(q.Context(), q.by, q.person)
	if err != nil {
		return nil, err
	}
	study, series, instance := q.PathValue("study"), q.PathValue("series"), q.PathValue("instance")
	var out []care.Record
	for _, r := range all {
		if i := r.Image; (study == "" || i.Study == study) && (series == "" || i.Series == series) && (instance == "" || i.Instance == instance) {
			out = append(out, r)
		}
	}
	if len(out) == 0 && study != "" {
		return nil, errNothing
	}
	return out, nil
}

// retrieve gives the instances of a study, a series or one, as they came.
func (s *Server) retrieve(w http.ResponseWriter, q *request) error {
	f, err := formOf(q.Header.Values("Accept"), q.PathValue("instance") != "")
	if err != nil {
		return err
	}
	found, err := s.images(q)
	if err != nil {
		return err
	}
	for _, r := range found {
		if f.syntax != "" && f.syntax != "*" && f.syntax != r.Image.Syntax {
			return errAccept
		}
	}
	if f.single {
		return s.single(w, q, found[len(found)-1])
	}
	return s.many(w, q, found)
}

// single gives one instance, or ranges of it.
func (s *Server) single(w http.ResponseWriter, q *request, r care.Record) error {
	c, err := s.Documents.Content(q.Context(), r)
	if err != nil {
		return err
	}
	defer c.Close()
	w.Header().Set("Content-Type", record.DICOM+"; transfer-syntax="+r.Image.Syntax)
	route.View(w.Header(), r.View)
	w.Header().Set("ETag", `"`+r.Ref.String()+"-"+strconv.FormatUint(r.Version, 10)+`"`)
	at := &checked{ctx: q.Context(), at: c, w: w}
	http.ServeContent(w, q.Request, "", time.Time{}, io.NewSectionReader(at, 0, c.Size()))
	if at.err != nil {
		panic(http.ErrAbortHandler) // what was sent is no whole instance
	}
	return nil
}

// checked reads for an answer, puts off its deadline while it moves, and remembers
// what went wrong, which ServeContent passes over.
type checked struct {
	ctx context.Context
	at  io.ReaderAt
	w   http.ResponseWriter
	err error
}

// ReadAt implements io.ReaderAt.
func (c *checked) ReadAt(p []byte, off int64) (int, error) {
	alive(c.w)
	n, err := 0, c.ctx.Err()
	if err == nil {
		n, err = c.at.ReadAt(p, off)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// many gives instances as the parts of one answer. The first is opened before the
// answer's head is sent; where a later one fails the connection is cut.
func (s *Server) many(w http.ResponseWriter, q *request, found []care.Record) error {
	out := multipart.NewWriter(w)
	if err := out.SetBoundary("amanah" + rand.Text()); err != nil {
		return err
	}
	for i, r := range found {
		if err := s.part(w, q, out, r, i == 0); err != nil {
			if i > 0 {
				return begunError{err}
			}
			return err
		}
	}
	if err := out.Close(); err != nil {
		return begunError{err}
	}
	return nil
}

func (s *Server) part(w http.ResponseWriter, q *request, out *multipart.Writer, r care.Record, first bool) error {
	c, err := s.Documents.Content(q.Context(), r)
	if err != nil {
		return err
	}
	defer c.Close()
	if first {
		route.View(w.Header(), r.View)
		w.Header().Set("Content-Type", `multipart/related; type="`+record.DICOM+`"; boundary=`+out.Boundary())
		w.WriteHeader(http.StatusOK)
	}
	i := r.Image
	p, err := out.CreatePart(textproto.MIMEHeader{
		"Content-Type":     {record.DICOM + "; transfer-syntax=" + i.Syntax},
		"Content-Location": {s.urlOf(q.person, i.Study) + "/series/" + i.Series + "/instances/" + i.Instance},
	})
	if err != nil {
		return begunError{err}
	}
	from := io.NewSectionReader(&checked{ctx: q.Context(), at: c, w: w}, 0, c.Size())
	if _, err := io.CopyBuffer(struct{ io.Writer }{p}, struct{ io.Reader }{from}, make([]byte, 256<<10)); err != nil {
		return begunError{err}
	}
	return nil
}

// metadata gives what instances say of themselves, without pixels.
func (s *Server) metadata(w http.ResponseWriter, q *request) error {
	if err := takesJSON(q.Header.Values("Accept")); err != nil {
		return err
	}
	found, err := s.images(q)
	if err != nil {
		return err
	}
	for i, r := range found {
		raw, err := s.describe(q.Context(), r)
		if err != nil && i > 0 {
			return begunError{err}
		}
		if err != nil {
			return err
		}
		alive(w)
		if i == 0 {
			route.View(w.Header(), r.View)
			w.Header().Set("Content-Type", jsonType)
			w.WriteHeader(http.StatusOK)
			raw = append([]byte("["), raw...)
		} else {
			raw = append([]byte(","), raw...)
		}
		if _, err := w.Write(raw); err != nil {
			return begunError{err}
		}
	}
	_, _ = io.WriteString(w, "]") // a caller who hung up is nobody's error
	return nil
}

// describe writes one instance's data set, without pixels.
func (s *Server) describe(ctx context.Context, r care.Record) ([]byte, error) {
	c, err := s.Documents.Content(ctx, r)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var b bytes.Buffer
	if err := dicom.WriteJSON(&b, io.NewSectionReader(c, 0, c.Size()), dicom.Options{}); err != nil {
		return nil, err
	}
	if !json.Valid(b.Bytes()) {
		return nil, fmt.Errorf("dicomweb: the metadata is no JSON")
	}
	return b.Bytes(), nil
}

// rendered: nothing is.
func (s *Server) rendered(http.ResponseWriter, *request) error { return errAccept }
