package care

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// mostAlike bounds the documents of one resource that are known again.
const mostAlike = 16

// alike is what the documents that stand in a resource are known again by.
func (f *Flow) alike(r *fhir.Resource) (out []leak.Likeness) {
	for _, a := range r.Attachments() {
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(a.Data), ""))
		if err != nil || len(raw) == 0 {
			continue
		}
		l, err := f.Lane.Of(bytes.NewReader(raw), int64(len(raw)))
		if err != nil && err != io.EOF {
			continue
		}
		l.File = sha256.Sum256(raw)
		if out = append(out, l); len(out) == mostAlike {
			return out
		}
	}
	return out
}

// traits are what each line is known by besides; what has a resource or a document has one.
func (j *job) traits() []leak.Trait {
	out := make([]leak.Trait, len(j.lines))
	for i := range j.lines {
		out[i] = j.lines[i].trait
	}
	return out
}

// likeness is, for each line, what its documents are known again by; nil when none has any.
func (j *job) likeness() [][]leak.Likeness {
	var out [][]leak.Likeness
	for i := range j.lines {
		l := &j.lines[i]
		all := l.like
		if d := l.content.Document; d != nil && d.Like != nil && l.content.Type == "" {
			all = append(all[:len(all):len(all)], *d.Like)
		}
		if len(all) > 0 && out == nil {
			out = make([][]leak.Likeness, len(j.lines))
		}
		if len(all) > 0 {
			out[i] = all
		}
	}
	return out
}
