package care

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/store"
)

// told remembers what versions say of a colour from when they were written until the
// colour has followed, so that they are opened for it only after a restart, or when
// there are too many.
type told struct {
	mu    sync.Mutex
	items map[place]status.Evidence
	wake  chan struct{}
}

type place struct {
	who identity.PersonID
	record.Version
}

// maxTold bounds what is remembered; the rest is opened again.
const maxTold = 16384

func (t *told) keep(who identity.PersonID, v record.Version, e status.Evidence) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.items == nil {
		t.items, t.wake = map[place]status.Evidence{}, make(chan struct{}, 1)
	}
	if len(t.items) < maxTold {
		t.items[place{who, v}] = e
	}
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *told) take(who identity.PersonID, v record.Version) (e status.Evidence, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok = t.items[place{who, v}]
	return e, ok
}

func (t *told) has(who identity.PersonID, v record.Version) bool {
	_, ok := t.take(who, v)
	return ok
}

func (t *told) drop(who identity.PersonID, v record.Version) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.items, place{who, v})
}

func (t *told) woken() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wake == nil {
		t.items, t.wake = map[place]status.Evidence{}, make(chan struct{}, 1)
	}
	return t.wake
}

// Followed is what a Drain did.
type Followed struct {
	Versions int // of which the colour has followed
	Refused  int // of those, what can never be evidence, such as a dose before the birth
	Stuck    int // versions that do not open, or whose person's evidence does not
}

// Follow drains whenever something was entered, and at least every so often, until ctx
// is done. What others entered is theirs to let follow, an import's above all, and is
// opened here when it waited for all of every, or was there before Follow was called.
// report may be nil.
func (f *Flow) Follow(ctx context.Context, every time.Duration, report func(Followed, error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	leave := func(record.Follow) bool { return false }
	for {
		done, err := f.drainBut(ctx, leave)
		if report != nil && (err != nil || done != (Followed{})) {
			report(done, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.told.woken():
		}
		young := f.Now().Add(-every)
		leave = func(w record.Follow) bool { return w.Entered.After(young) && !f.told.has(w.Person, w.Version) }
	}
}

// drainPage is how many versions one pass takes, and fewDone how many leave the table in a
// transaction beside others.
const (
	drainPage = 1024
	fewDone   = 64
)

// Drain lets colours follow all versions that wait for it. It may be run again and by
// several at once: what was told already changes nothing.
func (f *Flow) Drain(ctx context.Context) (Followed, error) {
	return f.drainBut(ctx, func(record.Follow) bool { return false })
}

// drainBut is Drain of what is not to be left for now.
func (f *Flow) drainBut(ctx context.Context, leave func(record.Follow) bool) (all Followed, err error) {
	for after := uint64(0); ; {
		var page []record.Follow
		err := f.DB.View(ctx, func(s store.Stores) (err error) {
			page, err = s.Records.Following(after, drainPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return all, err
		}
		after = page[len(page)-1].Seq
		if page = slices.DeleteFunc(page, leave); len(page) == 0 {
			continue
		}
		if err := f.drain(ctx, page, &all); err != nil {
			return all, err
		}
	}
}

func (f *Flow) drain(ctx context.Context, page []record.Follow, all *Followed) error {
	var tellings []status.Telling
	var told, done []record.Follow // told in the order of tellings
	for _, w := range page {
		items, ok, err := f.says(ctx, w)
		switch {
		case err != nil:
			if ctx.Err() != nil || !stuck(err) {
				return err
			}
			all.Stuck++
			continue
		case ok:
			told = append(told, w)
			tellings = append(tellings, status.Telling{Person: w.Person, Ref: record.RefOf(w.Person, w.Number).String(), Items: items})
		default:
			done = append(done, w)
		}
	}
	if len(tellings) > 0 {
		refused, err := f.Colours.Tell(ctx, tellings)
		if err != nil {
			return err
		}
		for i, w := range told {
			switch why := refused[i]; {
			case why == nil:
			case fault.KindOf(why) == fault.Invalid:
				all.Refused++
			default:
				all.Stuck++
				continue
			}
			done = append(done, w)
		}
	}
	seqs := make([]uint64, len(done))
	for i, w := range done {
		seqs[i] = w.Seq
	}
	run := f.DB.Update
	if len(seqs) > fewDone { // a thousand rows of a large table are not done within a closure's time
		run = f.DB.Bulk
	}
	if err := run(ctx, func(s store.Stores) error { return s.Records.Followed(seqs) }); err != nil {
		return err
	}
	all.Versions += len(done)
	for _, w := range done {
		f.told.drop(w.Person, w.Version)
	}
	return nil
}

// stuck reports whether an error is of one person's records alone.
func stuck(err error) bool {
	return errors.Is(err, ErrAltered) || errors.Is(err, record.ErrContent)
}

// says returns what a version says of a colour; false when a later one of its record
// says it instead.
func (f *Flow) says(ctx context.Context, w record.Follow) (status.Evidence, bool, error) {
	late := false
	if err := f.DB.View(ctx, func(s store.Stores) error {
		have, err := s.Records.Versions(w.Person)
		late = current(have, w.Number) > w.Version.Version
		return err
	}); err != nil || late {
		return status.Evidence{}, false, err
	}
	if e, ok := f.told.take(w.Person, w.Version); ok {
		return e, true, nil
	}
	o, err := f.unseal(ctx, w.Person, func([]record.Version) []record.Version { return []record.Version{w.Version} }, f.platform("colour-of-record", ""))
	if err != nil {
		return status.Evidence{}, false, err
	}
	e, err := f.evidence(ctx, &o.records[0])
	return e, true, err
}

// evidence reads an opened record again.
func (f *Flow) evidence(ctx context.Context, r *Record) (status.Evidence, error) {
	if r.Void() || !record.Tells(r.Type) {
		return status.Evidence{}, nil
	}
	one := []Record{*r}
	if err := f.fill(ctx, one); err != nil {
		return status.Evidence{}, err
	}
	raw, err := one[0].Resource()
	if err != nil {
		return status.Evidence{}, err
	}
	resource, err := f.Reader.Read(raw)
	var invalid *fhir.Invalid
	if errors.As(err, &invalid) {
		return status.Evidence{}, record.ErrContent
	}
	if err != nil {
		return status.Evidence{}, err
	}
	return record.Evidence(resource, r.Ref), nil
}
