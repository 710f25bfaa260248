package permit

import (
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// exportTimes is how often one export may open one person: once, and again when its
// machine stopped before the part with that person was whole.
const exportTimes = 3

// exports counts whom exports opened; the journal tells a keeper that starts again.
type exports struct {
	day    day.Day
	people int // of the day, over all exports
	opened map[exported]times
}

// times is how often, and when first.
type times struct {
	n  int
	at time.Time
}

type exported struct {
	request staff.RequestID
	who     identity.PersonID
}

// may returns how many of people count against the day, or ErrBudget.
func (x *exports) may(id staff.RequestID, people []identity.PersonID, now time.Time, ceiling int) (fresh int, err error) {
	if d := day.Of(now); d > x.day {
		x.day, x.people = d, 0
	}
	for _, p := range people {
		n := x.opened[exported{id, p}].n
		if n >= exportTimes {
			return 0, keeper.ErrBudget
		}
		if n == 0 {
			fresh++
		}
	}
	if x.people+fresh > ceiling {
		return 0, keeper.ErrBudget
	}
	return fresh, nil
}

// note counts them.
func (x *exports) note(id staff.RequestID, people []identity.PersonID, at time.Time) {
	if d := day.Of(at); d > x.day {
		x.day, x.people = d, 0
		for k, t := range x.opened { // an export that is over opens nobody
			if at.Sub(t.at) > staff.ExportLife {
				delete(x.opened, k)
			}
		}
	}
	for _, p := range people {
		k := exported{id, p}
		t := x.opened[k]
		if t.n == 0 {
			t.at = at
			if day.Of(at) == x.day {
				x.people++
			}
		}
		t.n++
		x.opened[k] = t
	}
}

// Export is one that two officers approved, of its people.
type Export struct {
	permits *Permits
	keeper.Export
	now time.Time
}

// Export believes an export that two officers approved, of these people.
func (p *Permits) Export(e keeper.Export) (*Export, error) {
	return &Export{p, e, p.now().Truncate(time.Millisecond)}, p.ApprovedExport(e)
}

// ApprovedExport returns nil when two officers approved an export, of these people.
func (p *Permits) ApprovedExport(e keeper.Export) error {
	body, err := staff.ParseExport(e.Request.Body)
	if err != nil || body.Lists(e.People) != nil || p.Approved(staff.AskExport, e.Request, e.Approvals) == nil {
		return keeper.ErrExport
	}
	return nil
}

// Open journals which people's health records are opened, within the day's ceiling over all
// exports, and returns when that is durable.
func (x *Export) Open(reads []keeper.Read) (r keeper.Receipt, e journal.Entry, err error) {
	if len(reads) == 0 || len(reads) > keeper.MaxBatch { // before each is held against the others
		return r, e, keeper.ErrTooMany
	}
	wants, people := 0, make([]identity.PersonID, 0, len(reads))
	for i := range reads {
		one := &reads[i]
		health, err := one.OfRecords()
		if err != nil {
			return r, e, err
		}
		if _, listed := slices.BinarySearch(x.People, one.Person); !listed || !health {
			return r, e, keeper.ErrExport
		}
		if slices.Contains(people, one.Person) || len(one.Want) > maxWants {
			return r, e, keeper.ErrTooMany
		}
		people = append(people, one.Person)
		wants += len(one.Want)
	}
	if wants > maxWants {
		return r, e, keeper.ErrTooMany
	}
	p, id := x.permits, x.Request.ID()
	p.mu.Lock()
	if _, err := p.exports.may(id, people, x.now, p.opt.ExportsPerDay); err != nil {
		p.mu.Unlock()
		p.refused.Add(1)
		return r, e, err
	}
	p.exports.note(id, people, x.now)
	wait := p.enter(journal.KindExported, exporting{id: id, at: x.now, people: people}.encode(reads))
	p.mu.Unlock()
	if e, err = wait(); err != nil {
		return r, e, err
	}
	p.intents.Add(uint64(len(people)))
	return p.receipt([16]byte(id[:16]), e, x.now), e, nil
}

func (p *Permits) replayExported(b []byte) error {
	x, ok := parseExporting(b)
	if !ok {
		return journal.ErrBroken
	}
	p.exports.note(x.id, x.people, x.at)
	return nil
}
