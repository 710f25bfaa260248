package permit

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// allowance is what one budget permits.
type allowance struct {
	perHour  int // people, or opens for BudgetSelf
	per10Min int // people, whatever else holds; zero is no such limit
	global   bool
}

func (p *Permits) allowanceOf(b keeper.Budget) (allowance, bool) {
	switch b {
	case keeper.BudgetSelf:
		return allowance{perHour: 60}, true
	case keeper.BudgetStaff:
		return allowance{perHour: 10, per10Min: 50}, true
	case keeper.BudgetJob:
		return allowance{perHour: p.opt.JobPerHour, global: true}, true
	case keeper.BudgetImport:
		return allowance{perHour: 1 << 40, global: true}, true
	}
	return allowance{}, false
}

// spender remembers what an actor opened within the hour.
type spender struct {
	opens []opened
}

type opened struct {
	at     time.Time
	people int
}

func (s *spender) within(now time.Time, d time.Duration) int {
	n := 0
	for _, o := range s.opens {
		if now.Sub(o.at) < d {
			n += o.people
		}
	}
	return n
}

// spend counts n opens against an actor's budget, and those of them that are of
// health records and nobody's signature against the ceiling of such, or returns
// ErrBudget and counts nothing.
func (p *Permits) spend(i keeper.Intent, n, unsigned int) error {
	allowed, ok := p.allowanceOf(i.Budget)
	if !ok || i.Actor == "" || len(i.Actor) > 64 || i.Purpose == "" || len(i.Purpose) > 32 {
		return keeper.ErrRole
	}
	name := spenderName(i.Budget, strings.ToValidUTF8(i.Actor, "?"), allowed) // as it is journaled
	p.budgetMu.Lock()
	defer p.budgetMu.Unlock()
	now := p.now()
	s, all := p.spender(name, now), p.spender(unsignedName, now)
	if s.over(now, allowed, n) || unsigned > 0 && all.over(now, allowance{perHour: p.opt.UnsignedPerHour}, unsigned) {
		p.refused.Add(1)
		return keeper.ErrBudget
	}
	s.add(now, n)
	if unsigned > 0 {
		all.add(now, unsigned)
	}
	p.tidy(now)
	return nil
}

func spenderName(b keeper.Budget, actor string, allowed allowance) string {
	name := hex.EncodeToString([]byte{byte(b)})
	if !allowed.global {
		name += actor
	}
	return name
}

// unsignedName is no budget's and no actor's.
const unsignedName = "unsigned"

func (p *Permits) spender(name string, now time.Time) *spender {
	s := p.spent[name]
	if s == nil {
		s = &spender{}
		p.spent[name] = s
	}
	for len(s.opens) > 0 && now.Sub(s.opens[0].at) >= time.Hour {
		s.opens = s.opens[1:]
	}
	return s
}

func (s *spender) over(now time.Time, allowed allowance, n int) bool {
	return s.within(now, time.Hour)+n > allowed.perHour ||
		allowed.per10Min > 0 && s.within(now, 10*time.Minute)+n > allowed.per10Min
}

func (s *spender) add(now time.Time, n int) {
	if last := len(s.opens) - 1; last >= 0 && now.Sub(s.opens[last].at) < time.Second {
		s.opens[last].people += n // else a busy job is remembered open by open
	} else {
		s.opens = append(s.opens, opened{now, n})
	}
}

// tidy forgets actors that opened nothing within the hour, now and then.
func (p *Permits) tidy(now time.Time) {
	if rand.IntN(1024) != 0 {
		return
	}
	for name, s := range p.spent {
		if len(s.opens) == 0 || now.Sub(s.opens[len(s.opens)-1].at) >= time.Hour {
			delete(p.spent, name)
		}
	}
}

// Intend counts n opens, journals the intent that names what they read, and returns when it
// is durable. What somebody signs is opened by Signed and Export; nothing else opens.
func (p *Permits) Intend(role keeper.Role, i keeper.Intent, reads []keeper.Read, n int) (r keeper.Receipt, e journal.Entry, err error) {
	wants := 0
	for _, r := range reads {
		wants += len(r.Want)
	}
	if len(reads) > keeper.MaxBulk || wants > maxWants {
		return r, e, keeper.ErrTooMany
	}
	if i.Budget == keeper.BudgetImport && role != keeper.RoleAdmin {
		return r, e, keeper.ErrRole
	}
	unsigned, err := keeper.CountRecords(reads)
	if err != nil {
		return r, e, err
	}
	if unsigned > 0 && i.Budget == keeper.BudgetStaff {
		return r, e, keeper.ErrRole // staff sign what they ask: OpenRecords
	}
	if role == keeper.RoleAdmin {
		unsigned = 0
	}
	if err := p.spend(i, n, unsigned); err != nil {
		return r, e, err
	}
	now := p.now().Truncate(time.Millisecond)
	b := intent{i.ID, i.Budget, now, strings.ToValidUTF8(i.Actor, "?"), i.Purpose, n, nil}.encode(reads)
	p.mu.Lock()
	wait := p.enter(journal.KindIntent, b)
	p.mu.Unlock()
	if e, err = wait(); err != nil {
		return r, e, err
	}
	p.intents.Add(1)
	if role == keeper.RoleAdmin {
		p.operated.Add(peopleIn(reads))
	}
	return p.receipt(i.ID, e, now), e, nil
}

// OpenedByOperator is how often commands on the admin socket opened who somebody is, since New.
func (p *Permits) OpenedByOperator() uint64 { return p.operated.Load() }

// peopleIn is of how many people reads open who they are.
func peopleIn(reads []keeper.Read) (n uint64) {
	for _, r := range reads {
		if slices.ContainsFunc(r.Want, func(v keeper.Version) bool { return v.Record == keeper.RecordPerson }) {
			n++
		}
	}
	return n
}

// enter journals what is opened. The caller holds mu.
func (p *Permits) enter(kind byte, payload []byte) (wait func() (journal.Entry, error)) {
	seq, wait := p.journal.Enter(kind, payload)
	p.noted(seq, kind, payload)
	return wait
}

func (p *Permits) receipt(id [16]byte, e journal.Entry, now time.Time) keeper.Receipt {
	r := keeper.Receipt{Intent: id, Seq: e.Seq, Chain: e.Chain, At: now}
	r.Sign(p.logKey)
	return r
}

// maxWants bounds the versions of one intent, whose record must fit journal.MaxRecord.
const maxWants = journal.MaxRecord / 64

// replayIntent counts again what was opened within the hour before the keeper
// started: a restart gives nobody more.
func (p *Permits) replayIntent(b []byte) error {
	i, ok := parseIntent(b)
	if !ok {
		return journal.ErrBroken
	}
	now := p.now()
	allowed, ok := p.allowanceOf(i.budget)
	if now.Sub(i.at) >= time.Hour || !ok || i.budget == keeper.BudgetImport {
		return nil
	}
	p.spender(spenderName(i.budget, i.actor, allowed), now).add(i.at, i.n)
	people := map[identity.PersonID]bool{}
	for at := range i.versions.n() {
		if v := i.versions.at(at); v.Record >= keeper.FirstRecord {
			people[v.Person] = true
		}
	}
	if len(people) > 0 {
		p.spender(unsignedName, now).add(i.at, len(people))
	}
	return nil
}
