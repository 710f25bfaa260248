package care

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// How long a write waits for others of the same person's, and how many people go
// through one transaction.
const (
	patience  = 8 * time.Second // longer than the keeper waits for a write that died
	maxPeople = 1024
	maxRows   = 8192
)

// write does the jobs: each person's whole or not at all, many people in one
// transaction.
func (f *Flow) write(ctx context.Context, jobs []*job) error {
	if err := f.setAside(ctx, jobs); err != nil {
		return err
	}
	until := time.Now().Add(patience)
	for try := 0; ; try++ {
		batch := next(jobs)
		if len(batch) == 0 {
			return nil
		}
		waits, err := f.attempt(ctx, batch)
		if err != nil {
			return err
		}
		if !waits {
			try = 0
			continue
		}
		if time.Now().After(until) {
			for _, j := range batch {
				if !j.over {
					f.fail(ctx, j, keeper.ErrWriting)
				}
			}
			continue
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// next is the first job that is not over of each of the next people.
func next(jobs []*job) (batch []*job) {
	seen := map[identity.PersonID]bool{}
	rows := 0
	for _, j := range jobs {
		if j.done.Err != nil || j.over || seen[j.person] {
			continue
		}
		if rows += len(j.entry.Items); len(batch) == maxPeople || len(batch) > 0 && rows > maxRows {
			break
		}
		seen[j.person] = true
		batch = append(batch, j)
	}
	return batch
}

func pause(ctx context.Context, try int) error {
	most := min(2*time.Millisecond<<min(try, 6), 100*time.Millisecond)
	t := time.NewTimer(most/2 + rand.N(most/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attempt tries a batch once. Those that another write came before stay, and waits is
// true; the others are over.
func (f *Flow) attempt(ctx context.Context, batch []*job) (waits bool, err error) {
	err = f.DB.View(ctx, func(s store.Stores) error {
		for _, j := range batch {
			var err error
			if j.have, err = s.Records.Versions(j.person); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	defer func() {
		for _, j := range batch {
			if !errors.Is(err, store.ErrUnknown) { // what it names may be stored
				f.forget(ctx, j)
			}
		}
	}()
	var settled []keeper.Settled
	going := batch[:0:0]
	for _, j := range batch {
		switch err := f.plan(ctx, j); {
		case err != nil:
			f.fail(ctx, j, err)
		case len(j.lines) == 0: // all known: nothing to write, but it may not be settled yet
			if err := f.alone(ctx, j); err != nil {
				return false, err
			}
			if j.done.Version = last(j.have); j.done.Version > 0 {
				settled = append(settled, keeper.Settled{Person: j.person, Version: j.done.Version})
			}
			f.finish(j)
		default:
			going = append(going, j)
		}
	}
	// Whoever gives up from here on would keep the person's next writer waiting.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	going, waits, err = f.keys(ctx, going)
	if err != nil {
		return false, err
	}
	if err := f.check(ctx, going); err != nil {
		return false, err
	}
	moved, err := f.put(ctx, going)
	if err != nil {
		return false, err
	}
	for i, j := range going {
		if _, found := slices.BinarySearch(moved, i); found {
			waits = true
			continue
		}
		settled = append(settled, keeper.Settled{Person: j.person, Version: j.done.Version})
		f.finish(j)
	}
	if len(settled) > 0 {
		if err := f.Keeper.SettleRecords(ctx, settled); err != nil {
			return false, err
		}
	}
	return waits, nil
}

// alone does what goes with a write of which nothing is left to be written.
func (f *Flow) alone(ctx context.Context, j *job) error {
	if j.also == nil {
		return nil
	}
	return f.DB.Update(ctx, func(s store.Stores) error { return j.also(s, 0) })
}

// keys asks for the keys of the new versions and seals under them.
func (f *Flow) keys(ctx context.Context, jobs []*job) (going []*job, waits bool, err error) {
	if len(jobs) == 0 {
		return nil, false, nil
	}
	enters := make([]keeper.Enter, len(jobs))
	for i, j := range jobs {
		enters[i] = keeper.Enter{Person: j.person, Have: versions(j.have), Records: make([]keeper.Record, len(j.lines))}
		for n := range j.lines {
			enters[i].Records[n] = keeper.Record(j.lines[n].number)
		}
		enters[i].Likeness, enters[i].Traits = j.likeness(), j.traits()
	}
	entered, err := f.Keeper.WriteRecords(ctx, enters)
	if err != nil {
		return nil, false, err
	}
	if len(entered) != len(jobs) {
		return nil, false, keeper.ErrUnavailable
	}
	for i, j := range jobs {
		err := entered[i].Err
		if err == nil {
			err = j.seal(entered[i])
		}
		switch {
		case err == nil:
			going = append(going, j)
		case errors.Is(err, keeper.ErrWriting):
			waits = true
		case errors.Is(err, keeper.ErrHead) && (j.before == nil || !slices.Equal(j.before, j.have)):
			// Another write may have been stored and settled since this one looked. What
			// is still the same when it looks again was rolled back.
			j.before, waits = append([]record.Version{}, j.have...), true
		case errors.Is(err, keeper.ErrHead):
			f.fail(ctx, j, ErrAltered)
		default:
			f.fail(ctx, j, err)
		}
	}
	return going, waits, nil
}

// check makes the rows by which records are found again under their sources' names.
func (f *Flow) check(ctx context.Context, jobs []*job) error {
	var names []string
	for _, j := range jobs {
		for _, l := range j.lines {
			if l.source != "" {
				names = append(names, checkName(j.caller.Facility, l.source, record.RefOf(j.person, l.number)))
			}
		}
	}
	checks, err := f.index(ctx, len(names), func(i int) string { return names[i] })
	if err != nil {
		return err
	}
	for _, j := range jobs {
		for _, l := range j.lines {
			if l.source != "" {
				j.write.Sources = append(j.write.Sources, record.Source{Tag: l.tag, Ref: record.RefOf(j.person, l.number), Check: checks[0]})
				checks = checks[1:]
			}
		}
	}
	return nil
}

// put stores the rows, each person's over exactly what the keeper was told of.
func (f *Flow) put(ctx context.Context, jobs []*job) (moved []int, err error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	writes := make([]record.Write, len(jobs))
	size := 0
	for i, j := range jobs {
		writes[i] = j.write
		for _, r := range j.write.Rows {
			size += len(r.Sealed) + 512
		}
	}
	run := f.DB.Update
	if size > 256<<10 {
		run = f.DB.Bulk
	}
	for try := 0; ; try++ {
		err = run(ctx, func(s store.Stores) error {
			var err error
			if moved, err = s.Records.Put(writes); err != nil {
				return err
			}
			for i, j := range jobs {
				if _, skip := slices.BinarySearch(moved, i); skip || j.also == nil {
					continue
				}
				if err := j.also(s, j.done.Version); err != nil {
					return err
				}
			}
			return nil
		})
		if fault.KindOf(err) != fault.Busy || try == 5 {
			return moved, err
		}
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
}

func reader(b []byte) io.Reader { return bytes.NewReader(b) }

func typeOf(target string) string {
	typ, _, _ := strings.Cut(target, "/")
	return typ
}
