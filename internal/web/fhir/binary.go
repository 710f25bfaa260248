package fhir

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/web/route"
)

// errBinary: more than is written into JSON.
var errBinary = fault.Newf(fault.Invalid, "a document of more than %d bytes is given as it is, not as JSON: ask without Accept: application/fhir+json", maxResource)

// file is what is answered byte for byte.
type file struct {
	io.ReaderAt
	io.Closer
	size  int64
	media string
	err   error // what went wrong while it was sent
}

// ReadAt remembers what went wrong, which ServeContent passes over.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.ReaderAt.ReadAt(p, off)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// send answers with a file or a range of it. No browser runs or guesses what it is.
func (a *answer) send(w http.ResponseWriter, r *http.Request) int {
	defer a.file.Close()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	h.Set("ETag", `"`+strings.Trim(strings.TrimPrefix(etag(a.version), "W/"), `"`)+`"`) // of bytes, so it is strong
	h.Set("Content-Type", a.file.media)
	h.Set("Content-Disposition", "attachment")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	route.View(h, a.view)
	counted := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	http.ServeContent(counted, r, "", time.Time{}, io.NewSectionReader(a.file, 0, a.file.size))
	if a.file.err != nil {
		panic(http.ErrAbortHandler) // nobody takes a part for the whole
	}
	return counted.status
}

// statusWriter notes a status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets deadlines be set.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// binary answers GET Binary/{id}: the bytes of a document that was kept as one, or of a
// Binary that was entered; as they are, or for who asks for FHIR as a resource (FHIR R4
// §2.42.2).
func (s *Server) binary(ctx context.Context, q *request, of record.Ref, version uint64) (*answer, error) {
	v, err := s.Care.Open(ctx, q.by, of, version)
	if err != nil {
		return nil, err
	}
	a := &answer{status: http.StatusOK, version: v.Version, at: v.Entered, view: v.View}
	if v.Type == "Binary" {
		return a, a.entered(v, q)
	}
	if v.Type != "" || v.Content.Document == nil || s.Files == nil {
		return nil, record.ErrRef
	}
	c, err := s.Files.Content(ctx, v)
	if err != nil {
		return nil, err
	}
	a.file = &file{ReaderAt: c, Closer: c, size: c.Size(), media: media(v.ContentType)}
	if !wantsResource(q.Request) {
		return a, nil
	}
	defer c.Close()
	if a.file.size > maxResource {
		return nil, errBinary
	}
	data := make([]byte, a.file.size)
	if n, err := c.ReadAt(data, 0); n < len(data) {
		return nil, err
	}
	type meta struct {
		Version string `json:"versionId"`
		At      string `json:"lastUpdated"`
	}
	a.body = encode(struct {
		Type  string `json:"resourceType"`
		ID    string `json:"id"`
		Meta  meta   `json:"meta"`
		Media string `json:"contentType"`
		Data  []byte `json:"data"`
	}{"Binary", v.Ref.String(), meta{strings.Trim(strings.TrimPrefix(etag(v.Version), "W/"), `"`), instant(v.Entered)}, a.file.media, data})
	a.file = nil
	return a, nil
}

// entered fills the answer with a Binary that was entered as a resource.
func (a *answer) entered(v care.Record, q *request) (err error) {
	if wantsResource(q.Request) {
		a.body, err = v.Resource()
		return err
	}
	var in struct {
		Media string `json:"contentType"`
		Data  []byte `json:"data"`
	}
	if json.Unmarshal(v.Body, &in) != nil {
		return care.ErrAltered
	}
	a.file = &file{ReaderAt: strings.NewReader(string(in.Data)), Closer: io.NopCloser(nil), size: int64(len(in.Data)), media: media(in.Media)}
	return nil
}

// media is a content type as it may stand in a header.
func media(s string) string {
	kind, params, err := mime.ParseMediaType(s)
	if err != nil {
		return "application/octet-stream"
	}
	return mime.FormatMediaType(kind, params)
}

// wantsResource reports whether a Binary is asked for as FHIR.
func wantsResource(r *http.Request) bool {
	if r.URL.Query().Has("_format") {
		return true // formOf has looked at it
	}
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return strings.Contains(accept, formFHIR) || strings.Contains(accept, formJSON)
}

// shown gives documents that were kept as such the DocumentReference by which FHIR finds
// them; images are found by DICOMweb. What else is no resource is left out.
func shown(all []care.Record) []care.Record {
	out := make([]care.Record, 0, len(all))
	for _, v := range all {
		if v.Type == "" && v.Content.Document != nil && v.Image == nil {
			v = reference(v)
		}
		if v.Type != "" {
			out = append(out, v)
		}
	}
	return out
}

// reference is a document as a DocumentReference, as if that had been stored.
func reference(v care.Record) care.Record {
	type coding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	type concept struct {
		Coding []coding `json:"coding"`
		Text   string   `json:"text"`
	}
	type ref struct {
		Reference string `json:"reference"`
	}
	type attachment struct {
		Media string `json:"contentType"`
		URL   string `json:"url"`
		Title string `json:"title"`
	}
	type content struct {
		Attachment attachment `json:"attachment"`
	}
	v.Body = encode(struct {
		Type    string    `json:"resourceType"`
		Meta    struct{}  `json:"meta"`
		Status  string    `json:"status"`
		Kind    concept   `json:"type"`
		Subject ref       `json:"subject"`
		Date    string    `json:"date"`
		Content []content `json:"content"`
	}{
		"DocumentReference", struct{}{}, "current", concept{[]coding{{"urn:amanah:document-kind", v.Kind.String()}}, v.Kind.Indonesian()},
		ref{"Patient/" + record.Ref{Person: v.Ref.Person}.String()}, instant(v.Entered),
		[]content{{attachment{media(v.ContentType), "Binary/" + v.Ref.String(), v.Kind.Indonesian()}}},
	})
	v.Type = "DocumentReference"
	return v
}
