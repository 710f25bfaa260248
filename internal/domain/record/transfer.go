package record

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of transfers between facilities.
var (
	ErrSendWhat = fault.New(fault.Invalid, "a transfer is a transfer-form or a referral-letter of up to 1,000 of the person's records, each named once, as 123-65538")
	ErrSendSize = fault.New(fault.Invalid, "what is sent in one transfer has at most 32 MiB of documents: send fewer, and let the receiver open the others once it treats the person")
	ErrOver     = fault.New(fault.Conflict, "this transfer is over: ask the facility that sent it to send it again")
)

// Bounds of one transfer.
const (
	MaxSent      = 1000     // records named
	MaxSentBytes = 32 << 20 // of documents in it
)

// Sent is a transfer as the database holds it, so that the facility that it goes to finds
// it by asking. To and From are keyed tags of the facilities; who sent what to whom is
// sealed in the record, and that counts.
type Sent struct {
	Ref      Ref
	Version  uint64
	To, From identity.Tag
	At       time.Time
	Until    time.Time
	Digest   [32]byte // SHA-256 of the document, which holds 16 random bytes that nobody guesses
	Size     int64
	Fetched  time.Time // first by the receiver; zero while it was not
	Received time.Time // when the receiver signed that it has it
}

// SentStore keeps transfers. Methods run inside the caller's transaction.
type SentStore interface {
	// Put adds a transfer; one that is there stays as it is.
	Put(s Sent) error
	// Get returns a transfer; ErrNone.
	Get(r Ref) (Sent, error)
	// To returns up to n sent to a facility since a moment, the newest first.
	To(facility identity.Tag, since time.Time, n int) ([]Sent, error)
	// From returns up to n that a facility sent since a moment, the newest first.
	From(facility identity.Tag, since time.Time, n int) ([]Sent, error)
	// Fetched notes that the receiver fetched it, the first time.
	Fetched(r Ref, at time.Time) error
	// Received notes that the receiver has it, the first time.
	Received(r Ref, at time.Time) error
}

// MaySend returns ErrSendWhat for what no transfer is of.
func MaySend(k Kind, who identity.PersonID, named []Ref) error {
	seen := map[Ref]bool{}
	for _, r := range named {
		if r.Person != who || !r.Names() || seen[r] {
			return ErrSendWhat
		}
		seen[r] = true
	}
	if k != TransferForm && k != ReferralLetter || len(named) > MaxSent {
		return ErrSendWhat
	}
	return nil
}

// Outgoing is what a transfer's document is made of.
type Outgoing struct {
	Base     string   // of the platform's FHIR resources, as https://host/fhir/R4
	ID       [16]byte // random, or as good
	Kind     Kind
	Person   identity.PersonID
	From, To string // facilities
	At       time.Time
	Parts    []Part
}

// Part is one record of it: a resource, or a document with its bytes.
type Part struct {
	Ref         Ref
	Type        string
	Resource    json.RawMessage
	Kind        Kind
	ContentType string
	Data        []byte
}

type (
	sentBundle struct {
		Type       string         `json:"resourceType"`
		Identifier sentIdentifier `json:"identifier"`
		Kind       string         `json:"type"`
		At         string         `json:"timestamp"`
		Entry      []sentEntry    `json:"entry"`
	}
	sentIdentifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	sentEntry struct {
		URL      string `json:"fullUrl"`
		Resource any    `json:"resource"`
	}
	sentReference struct {
		Reference  string          `json:"reference,omitempty"`
		Identifier *sentIdentifier `json:"identifier,omitempty"`
	}
	sentConcept struct {
		Coding []sentCoding `json:"coding"`
		Text   string       `json:"text,omitempty"`
	}
	sentCoding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	sentComposition struct {
		Type    string          `json:"resourceType"`
		ID      string          `json:"id"`
		Status  string          `json:"status"`
		Kind    sentConcept     `json:"type"`
		Subject sentReference   `json:"subject"`
		Date    string          `json:"date"`
		Author  []sentReference `json:"author"`
		Title   string          `json:"title"`
		Section []sentSection   `json:"section"`
	}
	sentSection struct {
		Title string          `json:"title"`
		Text  *sentNarrative  `json:"text,omitempty"`
		Entry []sentReference `json:"entry,omitempty"`
	}
	sentNarrative struct {
		Status string `json:"status"`
		Div    string `json:"div"`
	}
	sentDocument struct {
		Type    string        `json:"resourceType"`
		ID      string        `json:"id"`
		Status  string        `json:"status"`
		Kind    sentConcept   `json:"type"`
		Subject sentReference `json:"subject"`
		Content []sentContent `json:"content"`
	}
	sentContent struct {
		Attachment sentAttachment `json:"attachment"`
	}
	sentAttachment struct {
		ContentType string `json:"contentType"`
		URL         string `json:"url"`
		Size        int    `json:"size"`
	}
	sentBinary struct {
		Type        string `json:"resourceType"`
		ID          string `json:"id"`
		ContentType string `json:"contentType"`
		Data        []byte `json:"data"`
	}
)

// facilityNames is the system of facilities' names here.
const facilityNames = "urn:amanah:facility"

// Document writes the transfer as a FHIR R4 document (HL7 FHIR 4.0.1 §3.3): a Bundle of a
// Composition and all that it names. The same Outgoing gives the same bytes.
func (o *Outgoing) Document() ([]byte, error) {
	id, at := hex.EncodeToString(o.ID[:]), o.At.UTC().Format(time.RFC3339)
	subject := sentReference{Reference: "Patient/" + Ref{Person: o.Person}.String()}
	code := "18761-7" // transfer summary note
	if o.Kind == ReferralLetter {
		code = "57133-1" // referral note
	}
	c := sentComposition{
		Type: "Composition", ID: id, Status: "final", Kind: sentConcept{Coding: []sentCoding{{"http://loinc.org", code}}, Text: o.Kind.Indonesian()},
		Subject: subject, Date: at, Title: o.Kind.Indonesian(), Author: []sentReference{{Identifier: &sentIdentifier{facilityNames, o.From}}},
		Section: []sentSection{
			{Title: "Kepada", Text: &sentNarrative{"generated", `<div xmlns="http://www.w3.org/1999/xhtml">` + o.To + `</div>`}},
		},
	}
	b := sentBundle{Type: "Bundle", Identifier: sentIdentifier{"urn:amanah:transfer", id}, Kind: "document", At: at}
	b.Entry = append(b.Entry, sentEntry{"urn:amanah:transfer:" + id, &c})
	contents := sentSection{Title: "Isi"}
	add := func(typ, id string, resource any) {
		b.Entry = append(b.Entry, sentEntry{o.Base + "/" + typ + "/" + id, resource})
		contents.Entry = append(contents.Entry, sentReference{Reference: typ + "/" + id})
	}
	for _, p := range o.Parts {
		name := p.Ref.String()
		if p.Type != "" {
			add(p.Type, name, p.Resource)
			continue
		}
		add("DocumentReference", name, sentDocument{
			Type: "DocumentReference", ID: name, Status: "current", Kind: sentConcept{Coding: []sentCoding{{"urn:amanah:document-kind", p.Kind.String()}}, Text: p.Kind.Indonesian()},
			Subject: subject, Content: []sentContent{{sentAttachment{p.ContentType, "Binary/" + name, len(p.Data)}}},
		})
		b.Entry = append(b.Entry, sentEntry{o.Base + "/Binary/" + name, sentBinary{"Binary", name, p.ContentType, p.Data}})
	}
	if len(contents.Entry) > 0 {
		c.Section = append(c.Section, contents)
	}
	return json.Marshal(&b)
}
