package dicomweb

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/document"
)

// store keeps instances, each for itself: one that is refused holds up no other. The
// answer is 200 when all were kept, 202 when some were, 409 when none was (PS3.18
// table 10.5.3-1).
func (s *Server) store(w http.ResponseWriter, q *request) error {
	if err := takesJSON(q.Header.Values("Accept")); err != nil {
		return err
	}
	if q.Header.Get("Content-Encoding") != "" {
		return errEncoding
	}
	boundary, err := boundaryOf(q.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	body := &moving{from: http.MaxBytesReader(w, q.Body, maxStore), w: w}
	parts := multipart.NewReader(body, boundary)
	var done outcome
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err == nil && done.n == maxParts {
			err = errParts
		}
		if err != nil {
			return done.broken(body.err, err)
		}
		done.n++
		if err := s.one(q, part, &done); err != nil {
			return err
		}
		if body.err != nil {
			return done.broken(body.err, body.err)
		}
	}
	if done.n == 0 {
		return errParts
	}
	return write(w, done.status(), done.dataset())
}

// broken says why a body could not be read on. What was kept of it before stays kept:
// instances are for themselves, and the sender may send all of them again.
func (o *outcome) broken(read, err error) error {
	if _, long := errors.AsType[*http.MaxBytesError](read); long || errors.Is(err, errParts) {
		return errParts
	}
	return errPart
}

// boundaryOf reads the type of a body of many parts.
func boundaryOf(media string) (string, error) {
	kind, params, err := mime.ParseMediaType(media)
	boundary := params["boundary"]
	if err != nil || kind != "multipart/related" || boundary == "" || len(boundary) > 70 || params["type"] != "" && !strings.EqualFold(params["type"], record.DICOM) {
		return "", errMedia
	}
	return boundary, nil
}

// one keeps the instance of a part. Its error is of the whole request.
func (s *Server) one(q *request, part *multipart.Part, done *outcome) error {
	defer part.Close()
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil || kind != record.DICOM || part.Header.Get("Content-Transfer-Encoding") != "" && !strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "binary") {
		return errMedia
	}
	stored, err := s.Documents.Put(q.Context(), q.by, document.Incoming{
		From: part, ContentType: record.DICOM, Only: record.DICOM, Study: q.PathValue("study"),
	})
	switch {
	case q.Context().Err() != nil:
		return q.Context().Err()
	case err != nil:
		done.failed(stored.Said.Meta.Image, reasonIn(err), fault.Text(err))
	case stored.Waits != 0:
		done.failed(stored.Said.Meta.Image, reasonWaits, "it waits in quarantine under "+record.Ref{Person: stored.Waits}.String()+": "+string(stored.Reason))
	default:
		i := stored.Said.Meta.Image
		item := instanceItem(i)
		item.put("00081190", "UR", s.urlOf(stored.Ref.Person, i.Study)+"/series/"+i.Series+"/instances/"+i.Instance)
		done.kept = append(done.kept, item)
		done.people = append(done.people, s.urlOf(stored.Ref.Person, i.Study))
	}
	return nil
}

func reasonIn(err error) int {
	if errors.Is(err, document.ErrStudy) || errors.Is(err, record.ErrForm) {
		return reasonDiffers
	}
	return reasonOf(err)
}

// urlOf is where a study is.
func (s *Server) urlOf(who identity.PersonID, study string) string {
	return "https://" + s.Host + Base + "/patients/" + record.Ref{Person: who}.String() + "/studies/" + study
}

// outcome is what became of a request's instances.
type outcome struct {
	n      int
	kept   []any
	refuse []any    // whose number was read
	other  []any    // that could not be read so far
	people []string // where each kept instance's study is
}

func instanceItem(i *record.Image) dataset {
	d := dataset{}
	d.put("00081150", "UI", i.Class)
	d.put("00081155", "UI", i.Instance)
	return d
}

func (o *outcome) failed(i *record.Image, reason int, text string) {
	d := dataset{}
	if i != nil && i.Instance != "" {
		d = instanceItem(i)
	}
	d.put("00081197", "US", reason)
	d.put("00000902", "LO", short(text)) // Error Comment
	if i == nil || i.Instance == "" {
		o.other = append(o.other, d)
		return
	}
	o.refuse = append(o.refuse, d)
}

// short cuts a text to what a Long String holds (PS3.5 table 6.2-1).
func short(s string) string {
	r := []rune(strings.ReplaceAll(s, `\`, "/"))
	return string(r[:min(len(r), 64)])
}

func (o *outcome) status() int {
	switch {
	case len(o.kept) == o.n:
		return http.StatusOK
	case len(o.kept) > 0:
		return http.StatusAccepted
	}
	return http.StatusConflict
}

func (o *outcome) dataset() dataset {
	d := dataset{}
	same := len(o.people) > 0
	for _, u := range o.people {
		same = same && u == o.people[0]
	}
	d.put("00081190", "UR")
	if same {
		d.put("00081190", "UR", o.people[0])
	}
	for tag, items := range map[string][]any{"00081199": o.kept, "00081198": o.refuse, "0008119A": o.other} {
		if len(items) > 0 {
			d.put(tag, "SQ", items...)
		}
	}
	return d
}

// moving reads a body and puts off its deadline while it moves. It remembers an error
// of its own.
type moving struct {
	from io.Reader
	w    http.ResponseWriter
	n    int
	err  error
}

// Read implements io.Reader.
func (m *moving) Read(p []byte) (int, error) {
	if m.n%(1<<20) == 0 || m.n > 1<<20 {
		alive(m.w)
		m.n = 0
	}
	n, err := m.from.Read(p)
	if m.n += n; err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}
