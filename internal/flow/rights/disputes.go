package rights

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// DisputePage is the number of disputes of one page, so that a page fits an answer.
const DisputePage = 8

// Notes is what disputes ask of the keeper.
type Notes interface {
	// SealNotes seals texts to their people.
	SealNotes(ctx context.Context, n []keeper.Note) ([][]byte, error)
	// OpenNotes opens texts, after the intent is durable.
	OpenNotes(ctx context.Context, i keeper.Intent, n []keeper.Note) ([][]byte, error)
}

// Disputes is how people contest what they were told, and how they are answered.
type Disputes struct {
	DB     store.DB
	Keeper Notes
	Now    func() time.Time
}

// Opened is a dispute with its words.
type Opened struct {
	dispute.Dispute
	Filing dispute.Filing
	Answer *dispute.Answer // nil while it waits
}

// File files a dispute for a person, once for a nonce: a retry gets the dispute that
// the first try made. dispute.ErrFiled for other words under the same nonce,
// dispute.ErrMany when too many wait.
func (f *Disputes) File(ctx context.Context, p identity.PersonID, nonce venue.Nonce, words dispute.Filing) (dispute.Dispute, error) {
	d := dispute.Dispute{
		ID: dispute.Name(p, nonce), Person: p, Digest: words.Digest(nonce),
		Filed: words.Filed, Due: words.Filed.Add(dispute.AnswerWithin),
	}
	sealed, err := f.seal(ctx, d, keeper.NoteFiled, words.Marshal())
	if err != nil {
		return d, err
	}
	d.Filing = sealed
	filed := d
	for range 4 {
		err = f.DB.Update(ctx, func(s store.Stores) (err error) {
			filed, err = file(s, d)
			return err
		})
		if fault.KindOf(err) != fault.Busy {
			break
		}
	}
	return filed, err
}

// file stores a dispute, or finds the one that the same request made before.
func file(s store.Stores, d dispute.Dispute) (dispute.Dispute, error) {
	known, err := s.Disputes.Get(d.ID)
	if err != nil {
		return d, err
	}
	if known.ID == d.ID {
		if known.Digest != d.Digest || known.Person != d.Person {
			return d, dispute.ErrFiled
		}
		return known, nil
	}
	all, err := s.Disputes.Of(d.Person)
	if err != nil {
		return d, err
	}
	if err := dispute.MayFile(all); err != nil {
		return d, err
	}
	d.Number, err = s.Disputes.File(d)
	return d, err
}

// Mine returns the page-th part, from 0, of a person's disputes, newest first, and
// whether there are more. Nothing is opened.
func (f *Disputes) Mine(ctx context.Context, p identity.PersonID, page int) ([]dispute.Dispute, bool, error) {
	var all []dispute.Dispute
	err := f.DB.View(ctx, func(s store.Stores) (err error) {
		all, err = s.Disputes.Of(p)
		return err
	})
	from, to := min(page*DisputePage, len(all)), min((page+1)*DisputePage, len(all))
	return all[from:to], to < len(all), err
}

// Own opens one of a person's disputes, by a link of theirs; dispute.ErrNone for
// somebody else's as for none.
func (f *Disputes) Own(ctx context.Context, p identity.PersonID, by identity.LinkID, n dispute.Number) (Opened, error) {
	d, err := f.numbered(ctx, n)
	if err == nil && d.Person != p {
		err = dispute.ErrNone
	}
	if err != nil {
		return Opened{}, err
	}
	return f.open(ctx, d, keeper.Intent{Actor: "link/" + by.String(), Purpose: "own-dispute", Budget: keeper.BudgetSelf})
}

// All returns the disputes that wait for an answer, or all, oldest first.
func (f *Disputes) All(ctx context.Context, answered bool) ([]dispute.Dispute, error) {
	const page = 500
	var all []dispute.Dispute
	for after := (dispute.ID{}); ; {
		var some []dispute.Dispute
		err := f.DB.View(ctx, func(s store.Stores) (err error) {
			some, err = s.Disputes.Walk(after, page, answered)
			return err
		})
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); len(some) < page {
			return all, nil
		}
		after = some[page-1].ID
	}
}

// Show opens one dispute for the desk that answers it, within its budget.
func (f *Disputes) Show(ctx context.Context, n dispute.Number, by string) (Opened, error) {
	if err := dispute.CheckClerk(by); err != nil {
		return Opened{}, err
	}
	d, err := f.numbered(ctx, n)
	if err != nil {
		return Opened{}, err
	}
	return f.open(ctx, d, keeper.Intent{Actor: by, Purpose: "dispute", Budget: keeper.BudgetStaff})
}

// Answer answers a dispute, once and for all.
func (f *Disputes) Answer(ctx context.Context, n dispute.Number, o dispute.Outcome, by, text string) (dispute.Dispute, error) {
	words, err := dispute.NewAnswer(n, o, by, text, f.Now())
	if err != nil {
		return dispute.Dispute{}, err
	}
	d, err := f.numbered(ctx, n)
	if err == nil && d.Outcome != 0 {
		err = dispute.ErrAnswered
	}
	if err != nil {
		return d, err
	}
	d.Outcome, d.Answered = o, words.At
	if d.Answer, err = f.seal(ctx, d, keeper.NoteAnswered, words.Marshal()); err != nil {
		return d, err
	}
	return d, f.DB.Update(ctx, func(s store.Stores) error { return s.Disputes.Answer(d) })
}

func (f *Disputes) numbered(ctx context.Context, n dispute.Number) (d dispute.Dispute, err error) {
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		d, err = s.Disputes.ByNumber(n)
		return err
	})
	return d, err
}

func (f *Disputes) seal(ctx context.Context, d dispute.Dispute, part keeper.NotePart, text []byte) ([]byte, error) {
	out, err := f.Keeper.SealNotes(ctx, []keeper.Note{{Person: d.Person, Matter: d.ID, Part: part, Text: text}})
	if err != nil {
		return nil, err
	}
	if len(out) != 1 {
		return nil, keeper.ErrUnavailable
	}
	return out[0], nil
}

// open opens what was written and, if there is one, the answer, under one intent.
func (f *Disputes) open(ctx context.Context, d dispute.Dispute, i keeper.Intent) (Opened, error) {
	notes := []keeper.Note{{Person: d.Person, Matter: d.ID, Part: keeper.NoteFiled, Text: d.Filing}}
	if d.Outcome != 0 {
		notes = append(notes, keeper.Note{Person: d.Person, Matter: d.ID, Part: keeper.NoteAnswered, Text: d.Answer})
	}
	rand.Read(i.ID[:])
	texts, err := f.Keeper.OpenNotes(ctx, i, notes)
	if errors.Is(err, keeper.ErrSealed) {
		err = dispute.ErrCorrupt
	}
	if err != nil {
		return Opened{}, err
	}
	if len(texts) != len(notes) {
		return Opened{}, keeper.ErrUnavailable
	}
	out := Opened{Dispute: d}
	if out.Filing, err = d.ReadFiling(texts[0]); err != nil {
		return Opened{}, err
	}
	if len(texts) > 1 {
		a, err := d.ReadAnswer(texts[1])
		if err != nil {
			return Opened{}, err
		}
		out.Answer = &a
	}
	return out, nil
}
