// Package transfer is the flow by which a person's records go from one facility to
// another: as one document, made once, kept as it is, signed over its bytes by the
// platform, and fetched byte for byte by whom it was sent to and by nobody else.
//
// The document is a record of the person itself: sealed to them, covered by their head,
// opened on the word of who fetches it, so that the keeper's journal has each delivery
// before it happens. What the database says of a transfer lets a facility find it; what
// counts stands in the sealed record and in the keeper's journal. The flow sequences;
// what may be sent is decided in package record, who may ask by the keeper.
package transfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/verify"
)

// Keeper is what this flow asks of the keeper.
type Keeper interface {
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
	SignTransfer(ctx context.Context, t keeper.TransferAsk) (verify.Transfer, error)
	ReceiveTransfer(ctx context.Context, ask keeper.Ask) (keeper.Receipt, error)
	Relate(ctx context.Context, ask keeper.Ask, r keeper.Relation) error
}

// Records opens and enters records: the care flow.
type Records interface {
	Some(ctx context.Context, c care.Caller, who identity.PersonID, numbers []record.Number) ([]care.Record, error)
	Compartment(ctx context.Context, c care.Caller, who identity.PersonID, filter record.Filter) ([]care.Record, error)
	Open(ctx context.Context, c care.Caller, ref record.Ref, version uint64) (care.Record, error)
	Enter(ctx context.Context, c care.Caller, entries []care.Entry) ([]care.Done, error)
	Document(ctx context.Context, r care.Record) (care.Opened, error)
}

// Flow sends and delivers.
type Flow struct {
	DB        store.DB
	Keeper    Keeper
	Records   Records
	Documents care.Documents
	Base      string // of the platform's FHIR resources, as https://host/fhir/R4
	Now       func() time.Time
}

// listed is how long a transfer is listed, and how many are at most.
const (
	listed  = 90 * 24 * time.Hour
	maxList = 1000
)

// Asked is what a facility asks to have sent. Person and receiver are those of the signed
// request's path, as is the last day on which it may be fetched: the keeper goes by that.
type Asked struct {
	Person  identity.PersonID
	To      staff.FacilityID
	Kind    record.Kind  // TransferForm or ReferralLetter
	Records []record.Ref // none: all that is not void
}

// Send makes a document of a person's records for another facility, and keeps it.
// staff.ErrNoPlace for a facility that is not known, keeper.ErrSending for one's own.
func (f *Flow) Send(ctx context.Context, by care.Caller, a Asked) (record.Ref, verify.Transfer, error) {
	fail := func(err error) (record.Ref, verify.Transfer, error) { return record.Ref{}, verify.Transfer{}, err }
	if err := by.Rights.Need(staff.View | staff.Enter); err != nil {
		return fail(err)
	}
	if err := record.MaySend(a.Kind, a.Person, a.Records); err != nil {
		return fail(err)
	}
	if err := f.place(ctx, a.To); err != nil {
		return fail(err)
	}
	p, err := staff.ParseProof(by.Ask.Proof)
	if err != nil {
		return fail(care.ErrOpenless)
	}
	parts, err := f.open(ctx, by, a)
	if err != nil {
		return fail(err)
	}
	out := record.Outgoing{
		Base: f.Base, ID: p.Name(), Kind: a.Kind, Person: a.Person, From: string(by.Facility), To: string(a.To), At: f.Now(), Parts: parts,
	}
	raw, err := out.Document()
	if err != nil {
		return fail(err)
	}
	ref, version, t, err := f.keep(ctx, by, a, p.Name(), raw)
	if err != nil {
		return fail(err)
	}
	tags, err := f.tags(ctx, by.Facility, a.To)
	if err != nil {
		return fail(err)
	}
	// A server that dies here has a document that nobody is told of: whoever sends again
	// is right to.
	return ref, t, f.DB.Update(ctx, func(s store.Stores) error {
		return s.Sent.Put(record.Sent{
			Ref: ref, Version: version, From: tags[0], To: tags[1], At: t.Sent, Until: t.Until, Digest: t.Digest, Size: t.Size,
		})
	})
}

// place returns staff.ErrNoPlace unless a facility works here.
func (f *Flow) place(ctx context.Context, id staff.FacilityID) error {
	return f.DB.View(ctx, func(s store.Stores) error {
		all, err := s.Staff.Facilities()
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.ID == id && one.Ended.IsZero() {
				return nil
			}
		}
		return staff.ErrNoPlace
	})
}

// open opens what is to be sent, with the bytes of documents.
func (f *Flow) open(ctx context.Context, by care.Caller, a Asked) ([]record.Part, error) {
	var all []care.Record
	var err error
	if len(a.Records) == 0 {
		all, err = f.Records.Compartment(ctx, by, a.Person, record.Filter{})
	} else {
		numbers := make([]record.Number, len(a.Records))
		for i, r := range a.Records {
			numbers[i] = r.Stored()
		}
		all, err = f.Records.Some(ctx, by, a.Person, numbers)
	}
	if err != nil {
		return nil, err
	}
	var parts []record.Part
	left := int64(record.MaxSentBytes)
	for _, r := range all {
		if r.Transfer != nil { // what was sent before is sent by who has it
			continue
		}
		p := record.Part{Ref: r.Ref, Type: r.Type, Kind: r.Kind, ContentType: r.ContentType}
		if r.Type != "" {
			p.Resource, err = r.Resource()
			left -= int64(len(p.Resource))
		} else if r.Content.Document != nil {
			if left -= r.Content.Document.Size; left >= 0 {
				p.Data, err = f.read(ctx, r)
			}
		} else {
			continue // withdrawn: there is nothing in it
		}
		if err != nil {
			return nil, err
		}
		if left < 0 {
			return nil, record.ErrSendSize
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, record.ErrNone
	}
	return parts, nil
}

func (f *Flow) read(ctx context.Context, r care.Record) ([]byte, error) {
	o, err := f.Records.Document(ctx, r)
	if err != nil {
		return nil, err
	}
	b := make([]byte, o.Size())
	_, err = readFull(o, b)
	return b, errors.Join(err, o.Close())
}

// keep seals the document, has it stated, and enters it as a record of the person.
func (f *Flow) keep(ctx context.Context, by care.Caller, a Asked, id [16]byte, raw []byte) (record.Ref, uint64, verify.Transfer, error) {
	fail := func(err error) (record.Ref, uint64, verify.Transfer, error) {
		return record.Ref{}, 0, verify.Transfer{}, err
	}
	d, err := f.Documents.Seal(ctx, a.Person, a.Kind, reader(raw))
	if err != nil {
		return fail(err)
	}
	t, err := f.Keeper.SignTransfer(ctx, keeper.TransferAsk{ID: id, Digest: sha256.Sum256(raw), Size: int64(len(raw))})
	if err != nil {
		return fail(err)
	}
	meta := record.Meta{Kind: a.Kind, ContentType: ContentType, From: t.Sent, Until: t.Sent, Document: &d, Transfer: &t}
	done, err := f.Records.Enter(ctx, by, []care.Entry{{Person: a.Person, Items: []care.Item{{Meta: meta}}}})
	if err == nil {
		err = done[0].Err
	}
	if err != nil {
		return fail(err)
	}
	one := done[0].Placed[0]
	return one.Ref, one.Version, t, nil
}

// ContentType is a transfer document's.
const ContentType = "application/fhir+json"

// tags name facilities to the database.
func (f *Flow) tags(ctx context.Context, ids ...staff.FacilityID) ([]identity.Tag, error) {
	values := make([][]byte, len(ids))
	for i, id := range ids {
		values[i] = []byte("transfer\x00" + string(id))
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindSource, values)
	if err == nil && len(tags) != len(ids) {
		err = keeper.ErrUnavailable
	}
	return tags, err
}

// Lists are the transfers of one facility of the last 90 days, the newest first.
type Lists struct {
	To, From []record.Sent
}

// List returns what was sent to a facility and by it.
func (f *Flow) List(ctx context.Context, by care.Caller) (l Lists, err error) {
	tags, err := f.tags(ctx, by.Facility)
	if err != nil {
		return l, err
	}
	since := f.Now().Add(-listed)
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		if l.To, err = s.Sent.To(tags[0], since, maxList); err == nil {
			l.From, err = s.Sent.From(tags[0], since, maxList)
		}
		return err
	})
	return l, err
}
