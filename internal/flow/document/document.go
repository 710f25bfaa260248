// Package document brings documents of any length into the vault and out of it.
//
// A document is under seal from its first byte: it is read once, sealed under a key of
// its own on the way, looked at for what it says of itself, and lies in no file in the
// clear. Its blob is durable before any record names it, so that no record is without
// its document; a blob that no record came to name is found by its upload and removed
// (Sweep). What a document says of its patient is held against the person before it is
// attached, and waits where that differs. To open one is to ask the keeper for the
// record version that holds its key, by the asker's own signature; from then on any
// range of it opens alone.
package document

import (
	"context"
	"io"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
)

// Errors of documents.
var (
	// ErrNone: the record is no document.
	ErrNone = fault.New(fault.NotFound, "the record has no document")
	// ErrStudy: an image of another study than the one it was sent to.
	ErrStudy = fault.New(fault.Invalid, "the image is of another study than the one it was sent to")
	// ErrWhose: a document that does not say whose it is.
	ErrWhose = fault.New(fault.Invalid, "the document does not say whose it is: send it to a person")
)

// Records enters and opens records: the care flow.
type Records interface {
	Enter(ctx context.Context, c care.Caller, entries []care.Entry) ([]care.Done, error)
	Open(ctx context.Context, c care.Caller, ref record.Ref, version uint64) (care.Record, error)
	Compartment(ctx context.Context, c care.Caller, who identity.PersonID, filter record.Filter) ([]care.Record, error)
}

// Flow keeps documents.
type Flow struct {
	*Vault
	Records Records
}

// Incoming is a document as it is brought.
type Incoming struct {
	From        io.Reader
	Person      identity.PersonID // zero: whom the document itself names
	Kind        record.Kind       // Other: what the content says
	ContentType string            // as the sender says; empty: what the content says
	Source      string            // how the sender's system names it; an image goes by its own number
	Study       string            // of which an image must be; empty for any
	Only        string            // the one content type that is taken; empty for any
}

// Stored says what became of a document.
type Stored struct {
	Ref     record.Ref
	Version uint64
	Known   bool              // the same source was entered before: nothing was written
	Waits   identity.PersonID // the number under which it waits in quarantine, for Reason; then it has no Ref
	Reason  record.Reason
	Said    record.Said // what it says of itself
	Size    int64
}

// Put seals a document, makes it durable, and enters it. One that says of its patient
// what does not agree with the person waits in quarantine. An error of the document's
// form names the place; Stored.Said then holds what was read before it.
func (f *Flow) Put(ctx context.Context, by care.Caller, in Incoming) (out Stored, err error) {
	look := func(r io.Reader) (err error) {
		out.Said, err = record.Look(r, in.ContentType)
		return err
	}
	d, err := f.seal(ctx, in.From, look, func() error { return in.takes(out.Said) })
	if err != nil {
		return out, err
	}
	item := care.Item{Meta: out.Said.Meta, Source: in.Source}
	item.Meta.Document = &d
	if in.Kind != record.Other {
		item.Meta.Kind = in.Kind
	}
	if i := item.Meta.Image; i != nil {
		item.Source = "urn:oid:" + i.Instance
	}
	entry := care.Entry{Person: in.Person, Claim: out.Said.Claim, Items: []care.Item{item}}
	done, err := f.Records.Enter(ctx, by, []care.Entry{entry})
	if err == nil {
		err = done[0].Err
	}
	if err != nil {
		return out, err
	}
	out.Size, out.Waits, out.Reason = d.Size, done[0].Aside, done[0].Reason
	if out.Waits == 0 {
		one := done[0].Placed[0]
		out.Ref, out.Version, out.Known = one.Ref, one.Version, one.Known
	}
	return out, nil
}

// takes says whether a document is what was announced, before any of it is kept.
func (in *Incoming) takes(s record.Said) error {
	if i := s.Meta.Image; i != nil && in.Only == record.DICOM {
		if err := i.Whole(); err != nil {
			return err
		}
	}
	switch {
	case in.Only != "" && s.Meta.ContentType != in.Only:
		return record.ErrForm
	case in.Study != "" && (s.Meta.Image == nil || s.Meta.Image.Study != in.Study):
		return ErrStudy
	case in.Person == 0 && s.Claim == nil && s.Unclaimed != nil:
		return s.Unclaimed
	case in.Person == 0 && s.Claim == nil:
		return ErrWhose
	}
	return nil
}

// OpenDocument opens a version of a record that is a document, with zero the current
// one, after the keeper noted who asked. ErrNone when the record has none; a resource
// that outgrew its row is none.
func (f *Flow) OpenDocument(ctx context.Context, by care.Caller, of record.Ref, version uint64) (*Content, care.Record, error) {
	r, err := f.Records.Open(ctx, by, of, version)
	if err != nil {
		return nil, r, err
	}
	c, err := f.Content(ctx, r)
	return c, r, err
}

// Images returns what a person's images say of themselves, after the keeper noted who
// asked; none of them is opened.
func (f *Flow) Images(ctx context.Context, by care.Caller, of identity.PersonID) ([]care.Record, error) {
	all, err := f.Records.Compartment(ctx, by, of, record.Filter{Types: []string{""}})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r care.Record) bool { return r.Image == nil || r.Content.Document == nil }), nil
}

// Content opens the document of a record that was opened; ErrNone.
func (f *Flow) Content(ctx context.Context, of care.Record) (*Content, error) {
	if of.Type != "" || of.Content.Document == nil {
		return nil, ErrNone
	}
	return f.open(ctx, *of.Content.Document)
}
