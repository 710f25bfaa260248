package gate

import (
	"context"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// Expire ends up to n visits whose stay is over, at the minute it was over, and
// returns how many it ended. Whoever forgot to check out must not fill a venue.
func Expire(ctx context.Context, db store.DB, now time.Time, n int) (int, error) {
	var ended int
	err := db.Update(ctx, func(s store.Stores) error {
		ended = 0
		due, err := s.Visits.Due(now, n)
		if err != nil || len(due) == 0 {
			return err
		}
		leaving := make([]venue.Leaving, len(due))
		for i, v := range due {
			leaving[i] = venue.Leaving{ID: v.ID, At: v.LeavesBy}
		}
		ended, err = leave(s, due, leaving)
		return err
	})
	return ended, err
}

// CheckOut ends one visit at a venue, by its ticket's serial, for the staff at
// the venue's doors. They learn nothing but whether it was open.
func CheckOut(ctx context.Context, db store.DB, at venue.ID, id venue.VisitID, now time.Time) error {
	return db.Update(ctx, func(s store.Stores) error {
		found, err := s.Visits.Get([]venue.VisitID{id})
		if err != nil {
			return err
		}
		v := found[0]
		if v.Venue != at || !v.Open() {
			return venue.ErrNoVisit
		}
		_, err = leave(s, found, []venue.Leaving{{ID: id, At: now.Truncate(time.Second)}})
		return err
	})
}

// leave closes visits and takes their parties out of the venues' counts.
func leave(s store.Stores, visits []venue.Visit, leaving []venue.Leaving) (int, error) {
	done, err := s.Visits.Leave(leaving)
	if err != nil {
		return 0, err
	}
	gone, total := map[venue.ID]int{}, 0
	for i, n := range done {
		gone[visits[i].Venue] -= n * visits[i].Party
		total += n
	}
	deltas := make([]venue.Delta, 0, len(gone))
	for id, by := range gone {
		deltas = append(deltas, venue.Delta{Venue: id, By: by})
	}
	slices.SortFunc(deltas, func(a, b venue.Delta) int { return int(int64(a.Venue) - int64(b.Venue)) })
	return total, s.Venues.Add(deltas)
}

// Forget removes the visits and asks of days before d, at most n of each, and
// returns how many of the more numerous it removed.
func Forget(ctx context.Context, db store.DB, before time.Time, n int) (int, error) {
	var gone int
	err := db.Bulk(ctx, func(s store.Stores) error {
		visits, err := s.Visits.Forget(before, n)
		if err != nil {
			return err
		}
		asks, err := s.Asks.Forget(before, n)
		gone = max(visits, asks)
		return err
	})
	return gone, err
}
