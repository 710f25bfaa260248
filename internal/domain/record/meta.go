package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/verify"
)

// ErrContent: what was opened is no content of a record.
var ErrContent = fault.New(fault.Invalid, "the opened record is malformed")

// Meta is what a version of a record says of its content. It is sealed with it:
// nothing of it stands in clear.
type Meta struct {
	Type        string           `json:",omitempty"` // of the FHIR resource; empty for a document alone
	Kind        Kind             `json:",omitempty"`
	Status      string           `json:",omitempty"` // as the resource has it
	Category    []fhir.Coding    `json:",omitempty"`
	Codes       []fhir.Coding    `json:",omitempty"`
	From, Until time.Time        `json:",omitzero"`  // what it is about, clinically: the first moment and the first after it
	Facility    string           `json:",omitempty"` // that entered it
	Author      string           `json:",omitempty"` // who did
	Entered     time.Time        `json:",omitzero"`
	Source      string           `json:",omitempty"` // how the facility's system names it
	ContentType string           `json:",omitempty"` // of a document
	Image       *Image           `json:",omitempty"` // what a DICOM instance says of itself
	Document    *Document        `json:",omitempty"` // where the content is too long for the row
	Transfer    *verify.Transfer `json:",omitempty"` // of a document sent from facility to facility
	Known       []byte           `json:",omitempty"` // KnownSum of what the row says that it is known by
	Withdrawn   Reason           `json:",omitempty"` // this version says that the record is void; why
}

// Void reports whether the record is to count for nothing: it was withdrawn, or its
// own status says so.
func (m *Meta) Void() bool { return m.Withdrawn != "" || m.Status == "entered-in-error" }

// KnownSum is the first 16 bytes of the SHA-256 of a row's Known; nil of none.
func KnownSum(known []byte) []byte {
	if len(known) == 0 {
		return nil
	}
	sum := sha256.Sum256(known)
	return sum[:16]
}

// Reason is a code of why something was done, of lower-case letters and hyphens;
// never a value.
type Reason string

// Document is a sealed document: its blob, and the key that opens it. The key is
// random, sealed with the version that names it, and dies with it.
type Document struct {
	Name   [32]byte // of the blob, under a key of the keeper's
	Key    Key
	Size   int64 // in the clear
	Sealed int64
	Hash   [32]byte // SHA-256 of the content

	// Like is what it is known again by, on the way from the document to its row; nil where it
	// was not looked at.
	Like *leak.Likeness `json:"-"`
}

// Key opens one document. It never prints; as JSON it is written only inside what is
// sealed.
type Key [32]byte

// String hides the key.
func (Key) String() string { return "[redacted]" }

// GoString hides the key.
func (Key) GoString() string { return "[redacted]" }

// LogValue hides the key.
func (Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Content is one version of a record in the clear: its meta, and the resource as
// package fhir stores it, unless a document holds that.
type Content struct {
	Meta
	Body []byte
}

const contentFormat = 1

// Marshal writes the content as it is sealed.
func (c *Content) Marshal() ([]byte, error) {
	meta, err := json.Marshal(&c.Meta)
	if err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, 8+len(meta)+len(c.Body)), contentFormat)
	b = binary.AppendUvarint(b, uint64(len(meta)))
	return append(append(b, meta...), c.Body...), nil
}

// ParseContent reads what Marshal wrote; ErrContent.
func ParseContent(b []byte) (Content, error) {
	var c Content
	if len(b) < 2 || b[0] != contentFormat {
		return c, ErrContent
	}
	size, n := binary.Uvarint(b[1:])
	if n <= 0 || size > uint64(len(b)-1-n) {
		return c, ErrContent
	}
	meta, body := b[1+n:1+n+int(size)], b[1+n+int(size):]
	if err := json.Unmarshal(meta, &c.Meta); err != nil || !c.Kind.known() {
		return Content{}, ErrContent
	}
	c.Body = body
	return c, nil
}

// String hides the content.
func (*Content) String() string { return "[redacted]" }

// GoString hides the content.
func (*Content) GoString() string { return "[redacted]" }

// LogValue hides the content.
func (*Content) LogValue() slog.Value { return slog.StringValue("[redacted]") }
