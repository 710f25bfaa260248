package server

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
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

// OpenExport gives the keys of health records' versions of people whom an approved export
// is of, after who they are is durable, within the day's ceiling over all exports.
func (k *Keeper) OpenExport(e keeper.Export, reads []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	now := k.now().Truncate(time.Millisecond)
	if len(reads) > keeper.MaxBatch {
		return keeper.Receipt{}, nil, keeper.ErrTooMany
	}
	if err := k.approvedExport(e, now); err != nil {
		return keeper.Receipt{}, nil, err
	}
	if err := k.committed(e); err != nil {
		return keeper.Receipt{}, nil, err
	}
	wants, people := 0, make([]identity.PersonID, 0, len(reads))
	for i := range reads {
		r := &reads[i]
		health, err := ofRecords(r)
		if err != nil {
			return keeper.Receipt{}, nil, err
		}
		if _, listed := slices.BinarySearch(e.People, r.Person); !listed || !health {
			return keeper.Receipt{}, nil, keeper.ErrExport
		}
		if slices.Contains(people, r.Person) || len(r.Want) > maxWants {
			return keeper.Receipt{}, nil, keeper.ErrTooMany
		}
		people = append(people, r.Person)
		wants += len(r.Want)
	}
	if len(reads) == 0 || wants > maxWants {
		return keeper.Receipt{}, nil, keeper.ErrTooMany
	}
	receipt, err := k.intendExport(e.Request.ID(), people, reads, now)
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	out := make([]keeper.Opened, len(reads))
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, r := range reads {
		out[i] = k.release(r)
	}
	return receipt, out, nil
}

// approvedExport believes an export that two officers approved (approved), of these people.
func (k *Keeper) approvedExport(e keeper.Export, now time.Time) error {
	body, err := staff.ParseExport(e.Request.Body)
	if err != nil || body.Lists(e.People) != nil || !k.approved(staff.AskExport, e.Request, e.Approvals, now) {
		return keeper.ErrExport
	}
	return nil
}

// approved reports whether the keeper believes a request of a kind (approvers).
func (k *Keeper) approved(kind staff.Ask, r staff.Request, approvals []staff.Approval, now time.Time) bool {
	return k.approvers(kind, r, approvals, now) != nil
}

// approvers are the officers who approved a request of a kind, as many as it needs or
// more, each another, as they are enrolled now, by their passkeys' signatures over all of
// it; nil when the request is not believed. The moment that an approval claims is nobody's
// signature and counts for nothing.
func (k *Keeper) approvers(kind staff.Ask, r staff.Request, approvals []staff.Approval, now time.Time) []staff.ActorID {
	if r.Kind != kind || r.Check() != nil || now.Before(r.Asked.Add(-askLife)) || !now.Before(r.Until) {
		return nil
	}
	id := r.ID()
	site := staff.Site{ID: staff.RelyingParty(k.opt.Origin), Origin: k.opt.Origin, Synced: true} // what is taken is decided when keys are enrolled
	var by []staff.ActorID
	for _, a := range approvals[:min(len(approvals), 8)] {
		who, passkey, err := k.named(a.Actor)
		if err != nil || who.Role != staff.RoleOfficer || a.Request != id || k.believes(a, site, passkey) != nil {
			return nil
		}
		if !slices.Contains(by, who.ID) {
			by = append(by, who.ID)
		}
	}
	if len(by) < kind.Needs() {
		return nil
	}
	return by
}

// intendExport journals who is opened, and returns when that is durable.
func (k *Keeper) intendExport(id staff.RequestID, people []identity.PersonID, reads []keeper.Read, now time.Time) (keeper.Receipt, error) {
	b := append(make([]byte, 0, 64+24*len(people)), id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(now.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, uint32(len(people)))
	for _, p := range people {
		b = binary.BigEndian.AppendUint64(b, uint64(p))
	}
	for _, r := range reads {
		for _, v := range r.Want {
			b = binary.BigEndian.AppendUint64(b, uint64(r.Person))
			b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
			b = binary.BigEndian.AppendUint64(b, v.Version)
		}
	}
	k.deskMu.Lock()
	if _, err := k.exports.may(id, people, now, k.opt.ExportsPerDay); err != nil {
		k.deskMu.Unlock()
		k.refused.Add(1)
		return keeper.Receipt{}, err
	}
	k.exports.note(id, people, now)
	seq, chain, wait := k.journal.Put(recExported, b)
	k.deskMu.Unlock()
	if err := wait(); err != nil {
		return keeper.Receipt{}, err
	}
	k.intents.Add(uint64(len(people)))
	r := keeper.Receipt{Intent: [16]byte(id[:16]), Seq: seq, Chain: chain, At: now}
	r.Sign(k.logKey)
	return r, nil
}

func (k *Keeper) replayExported(b []byte) error {
	const head = 32 + 8 + 4
	if len(b) < head {
		return ErrJournal
	}
	n := int(binary.BigEndian.Uint32(b[40:]))
	if n > keeper.MaxBatch || len(b) < head+8*n {
		return ErrJournal
	}
	people := make([]identity.PersonID, n)
	for i := range people {
		people[i] = identity.PersonID(binary.BigEndian.Uint64(b[head+8*i:]))
	}
	k.exports.note(staff.RequestID(b[:32]), people, time.UnixMilli(int64(binary.BigEndian.Uint64(b[32:]))))
	return nil
}
