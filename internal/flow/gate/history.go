package gate

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// HistoryDays is how far back a person sees their own visits.
const HistoryDays = 14

// PageSize is the number of visits of one page, so that a page fits an answer.
const PageSize = 6

// Reader is what the history asks of the keeper.
type Reader interface {
	// Pseudonyms returns the person's pseudonym of each day; zero for a day
	// whose key is destroyed.
	Pseudonyms(ctx context.Context, who identity.PersonID, days []day.Day) ([]venue.Pseudonym, error)
	// OpenEvents opens sealed events of one day, after the intent is durable.
	OpenEvents(ctx context.Context, i keeper.Intent, d day.Day, events []keeper.SealedEvent) ([]keeper.Event, error)
}

// History shows people their own visits.
type History struct {
	DB     store.DB
	Keeper Reader
	Now    func() time.Time
}

// Page is a part of a person's history, newest first.
type Page struct {
	Visits []Past
	More   bool
}

// Past is one visit as its visitor sees it.
type Past struct {
	Visit   venue.Visit
	Colour  status.Colour
	Partner partner.ID
}

// Page returns the page-th part of a person's history, from 0.
func (h *History) Page(ctx context.Context, who Member, page int) (Page, error) {
	now := h.Now()
	visits, err := h.visits(ctx, who.Person, now)
	if err != nil {
		return Page{}, err
	}
	from, to := min(page*PageSize, len(visits)), min((page+1)*PageSize, len(visits))
	out := Page{More: to < len(visits)}
	refs := make([]venue.LeafRef, to-from)
	for i, v := range visits[from:to] {
		refs[i] = v.Leaf
	}
	sealed, err := h.sealed(ctx, refs)
	if err != nil {
		return Page{}, err
	}
	for i, v := range visits[from:to] {
		past, err := h.open(ctx, who, v, sealed[i])
		if err != nil {
			return Page{}, err
		}
		out.Visits = append(out.Visits, past)
	}
	return out, nil
}

// trails are the person's days as far back as they may see, without those whose
// key is gone.
func (h *History) trails(ctx context.Context, who identity.PersonID, now time.Time) ([]venue.Trail, error) {
	days := make([]day.Day, HistoryDays)
	for i := range days {
		days[i] = day.Of(now).Add(-i)
	}
	names, err := h.Keeper.Pseudonyms(ctx, who, days)
	if err != nil {
		return nil, err
	}
	trails := make([]venue.Trail, 0, len(days))
	for i, name := range names {
		if name != (venue.Pseudonym{}) {
			trails = append(trails, venue.Trail{Day: days[i], Who: name})
		}
	}
	return trails, nil
}

func (h *History) visits(ctx context.Context, who identity.PersonID, now time.Time) ([]venue.Visit, error) {
	trails, err := h.trails(ctx, who, now)
	if err != nil {
		return nil, err
	}
	var visits []venue.Visit
	err = h.DB.View(ctx, func(s store.Stores) error {
		of, err := s.Visits.Of(trails)
		visits = slices.Concat(of...)
		return err
	})
	if err == nil && slices.ContainsFunc(visits, func(v venue.Visit) bool { return v.Altered }) {
		return nil, store.ErrAltered
	}
	slices.SortFunc(visits, func(a, b venue.Visit) int { return b.Entered.Compare(a.Entered) })
	return visits, err
}

// names are the partners' names.
func (h *History) names(ctx context.Context) (map[partner.ID]string, error) {
	out := map[partner.ID]string{}
	err := h.DB.View(ctx, func(s store.Stores) error {
		all, err := s.Partners.All()
		for _, p := range all {
			out[p.ID] = p.Name
		}
		return err
	})
	return out, err
}

// sealed finds events in their leaves.
func (h *History) sealed(ctx context.Context, refs []venue.LeafRef) ([]keeper.SealedEvent, error) {
	out := make([]keeper.SealedEvent, len(refs))
	err := h.DB.View(ctx, func(s store.Stores) error {
		for i, ref := range refs {
			leaf, err := s.Log.Get(ref.Gate, ref.Seq)
			if err != nil {
				return err
			}
			if ref.Index < 0 || ref.Index >= len(leaf.Events) {
				return venue.ErrDetail
			}
			e := leaf.Events[ref.Index]
			out[i] = keeper.SealedEvent{ID: e.ID, Sealed: e.Sealed}
		}
		return nil
	})
	return out, err
}

func (h *History) open(ctx context.Context, who Member, v venue.Visit, sealed keeper.SealedEvent) (Past, error) {
	i := keeper.Intent{Actor: "link/" + who.Link.String(), Purpose: "own-history", Budget: keeper.BudgetSelf}
	rand.Read(i.ID[:])
	events, err := h.Keeper.OpenEvents(ctx, i, v.Day, []keeper.SealedEvent{sealed})
	if err != nil {
		return Past{}, err
	}
	e := events[0]
	detail, err := venue.ParseDetail(e.Detail)
	if err != nil {
		return Past{}, err
	}
	t, err := status.ParseTimeline(e.Timeline)
	if err != nil || e.Person != who.Person || detail.Visit != v.ID {
		return Past{}, ErrCorrupt
	}
	now, _ := t.At(detail.At)
	return Past{Visit: v, Colour: now.Colour, Partner: detail.Partner}, nil
}
