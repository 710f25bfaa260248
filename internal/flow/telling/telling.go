// Package telling tells people by message what happened with their records: that they were
// opened in an emergency, sent to another facility, or taken along.
//
// It stands beside care and never in its way: what happened is in the keeper's journal
// before anything is opened, and this flow follows the journal. A message that fails is
// tried again for three days, whatever server comes to it; one may come twice, when a
// server stops between sending it and noting so.
package telling

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Keeper says what happened.
type Keeper interface {
	Notices(ctx context.Context, after uint64, n int) ([]notice.Notice, error)
}

// Teller brings a message to somebody; false when there is nobody to tell.
type Teller interface {
	Tell(ctx context.Context, i keeper.Intent, who identity.PersonID, m consent.Message) (bool, error)
}

// Flow tells people.
type Flow struct {
	DB     store.DB
	Keeper Keeper
	To     Teller
	Now    func() time.Time
}

const (
	source = "notices" // how far the journal was followed, beside imports
	page   = 500       // notices taken over at once
	// batch are brought beside each other, each within patience: less than the time to
	// the next try, so that no two servers bring one at once.
	batch    = 8
	patience = 45 * time.Second
)

// Told is what a run did.
type Told struct {
	Brought int
	Nobody  int // people without a number, or erased
	Failed  int // tried again later
	Late    int // given up after three days
}

// Run follows the journal and brings what is due. Its error is of the database or the
// keeper; a messenger that fails is counted.
func (f *Flow) Run(ctx context.Context) (t Told, err error) {
	if err := f.gather(ctx); err != nil {
		return t, err
	}
	for {
		n, err := f.bring(ctx, &t)
		if err != nil || n < batch {
			return t, err
		}
	}
}

// gather lets wait what came since the last place that was followed.
func (f *Flow) gather(ctx context.Context) error {
	for {
		var after int64
		if err := f.DB.View(ctx, func(s store.Stores) error {
			p, err := s.Progress.Progress(source)
			after = p.Offset
			return err
		}); err != nil {
			return err
		}
		got, err := f.Keeper.Notices(ctx, uint64(after), page)
		if err != nil || len(got) == 0 {
			return err
		}
		places := make([]uint64, len(got))
		for i, n := range got {
			places[i] = n.Place
		}
		now := f.Now()
		err = f.DB.Update(ctx, func(s store.Stores) error {
			p, err := s.Progress.Progress(source)
			if err != nil || p.Offset != after { // another server was faster
				return err
			}
			if err := s.Notices.Put(places, now); err != nil {
				return err
			}
			return s.Progress.SetProgress(identity.Progress{
				Source: source, Offset: int64(places[len(places)-1]), Added: p.Added + int64(len(places)), Refused: p.Refused, Updated: now,
			})
		})
		if err != nil {
			return err
		}
	}
}

// bring tries those that are due, a batch at most, and returns how many there were.
func (f *Flow) bring(ctx context.Context, t *Told) (int, error) {
	due, now := []notice.Waiting(nil), f.Now()
	err := f.DB.Update(ctx, func(s store.Stores) (err error) {
		if due, err = s.Notices.Due(now, batch); err != nil {
			return err
		}
		for _, w := range due {
			w.Tries++
			w.Due = notice.Again(w.Tries, now)
			if err := s.Notices.Move(w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	results := make([]result, len(due))
	var all sync.WaitGroup
	for i, w := range due {
		all.Go(func() { results[i] = f.one(ctx, w.Place) })
	}
	all.Wait()
	var gone []uint64
	for i, r := range results {
		err = errors.Join(err, r.err)
		if r.count != nil {
			*r.count(t)++
		}
		if r.gone {
			gone = append(gone, due[i].Place)
		}
	}
	if len(gone) > 0 {
		err = errors.Join(err, f.DB.Update(context.WithoutCancel(ctx), func(s store.Stores) error { return s.Notices.Drop(gone) }))
	}
	return len(due), err
}

// result is what came of one.
type result struct {
	count func(t *Told) *int
	gone  bool
	err   error
}

func (f *Flow) one(ctx context.Context, place uint64) result {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got, err := f.Keeper.Notices(ctx, place-1, 1)
	if err != nil {
		return result{err: err}
	}
	if len(got) != 1 || got[0].Place != place {
		return result{count: func(t *Told) *int { return &t.Late }, gone: true}
	}
	i := keeper.Intent{Actor: "notices", Purpose: "notice", Budget: keeper.BudgetJob}
	rand.Read(i.ID[:])
	told, err := f.To.Tell(ctx, i, got[0].Person, message(got[0]))
	switch {
	case err != nil:
		return result{count: func(t *Told) *int { return &t.Failed }}
	case !told:
		return result{count: func(t *Told) *int { return &t.Nobody }, gone: true}
	}
	return result{count: func(t *Told) *int { return &t.Brought }, gone: true}
}

// message says what and when, and nothing else: not where, which may tell of what somebody
// is treated for, and not who. It is in Indonesian: nobody said what they read.
func message(n notice.Notice) consent.Message {
	kind := map[notice.Kind]consent.Kind{
		notice.Emergency: consent.KindEmergency, notice.Sent: consent.KindSent, notice.Taken: consent.KindTaken,
	}[n.Kind]
	return consent.Message{Kind: kind, Lang: "id", At: n.At}
}
