package server

import (
	"cmp"
	"encoding/binary"
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

func (k *Keeper) allowanceOf(b keeper.Budget) (allowance, bool) {
	switch b {
	case keeper.BudgetSelf:
		return allowance{perHour: 60}, true
	case keeper.BudgetStaff:
		return allowance{perHour: 10, per10Min: 50}, true
	case keeper.BudgetJob:
		return allowance{perHour: k.opt.JobPerHour, global: true}, true
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
func (k *Keeper) spend(i keeper.Intent, n, unsigned int) error {
	allowed, ok := k.allowanceOf(i.Budget)
	if !ok || i.Actor == "" || len(i.Actor) > 64 || i.Purpose == "" || len(i.Purpose) > 32 {
		return keeper.ErrRole
	}
	name := spenderName(i.Budget, strings.ToValidUTF8(i.Actor, "?"), allowed) // as it is journaled
	k.budgetMu.Lock()
	defer k.budgetMu.Unlock()
	now := k.now()
	s, all := k.spender(name, now), k.spender(unsignedName, now)
	if s.over(now, allowed, n) || unsigned > 0 && all.over(now, allowance{perHour: k.opt.UnsignedPerHour}, unsigned) {
		k.refused.Add(1)
		return keeper.ErrBudget
	}
	s.add(now, n)
	if unsigned > 0 {
		all.add(now, unsigned)
	}
	k.tidy(now)
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

func (k *Keeper) spender(name string, now time.Time) *spender {
	s := k.spent[name]
	if s == nil {
		s = &spender{}
		k.spent[name] = s
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
func (k *Keeper) tidy(now time.Time) {
	if rand.IntN(1024) != 0 {
		return
	}
	for name, s := range k.spent {
		if len(s.opens) == 0 || now.Sub(s.opens[len(s.opens)-1].at) >= time.Hour {
			delete(k.spent, name)
		}
	}
}

// intend journals an intent and returns when it is durable. It is the only way to
// anything that opens.
func (k *Keeper) intend(i keeper.Intent, reads []keeper.Read, n int, role keeper.Role) (keeper.Receipt, error) {
	if i.Budget == keeper.BudgetImport && role != keeper.RoleAdmin {
		return keeper.Receipt{}, keeper.ErrRole
	}
	unsigned, err := countRecords(reads)
	if err != nil {
		return keeper.Receipt{}, err
	}
	if unsigned > 0 && i.Budget == keeper.BudgetStaff {
		return keeper.Receipt{}, keeper.ErrRole // staff sign what they ask: OpenRecords
	}
	if role == keeper.RoleAdmin {
		unsigned = 0
	}
	if err := k.spend(i, n, unsigned); err != nil {
		return keeper.Receipt{}, err
	}
	now, actor := k.now().Truncate(time.Millisecond), strings.ToValidUTF8(i.Actor, "?")
	b := make([]byte, 0, 128+24*len(reads))
	b = append(b, i.ID[:]...)
	b = append(b, byte(i.Budget))
	b = binary.BigEndian.AppendUint64(b, uint64(now.UnixMilli()))
	b = append(b, byte(len(actor)))
	b = append(b, actor...)
	b = append(b, byte(len(i.Purpose)))
	b = append(b, i.Purpose...)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for _, r := range reads {
		for _, v := range r.Want {
			b = binary.BigEndian.AppendUint64(b, uint64(r.Person))
			b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
			b = binary.BigEndian.AppendUint64(b, v.Version)
		}
	}
	k.deskMu.Lock()
	seq, chain, wait := k.journal.Put(recIntent, b)
	k.noted(seq, recIntent, b)
	k.deskMu.Unlock()
	if err := wait(); err != nil {
		return keeper.Receipt{}, err
	}
	k.intents.Add(1)
	r := keeper.Receipt{Intent: i.ID, Seq: seq, Chain: chain, At: now}
	r.Sign(k.logKey)
	return r, nil
}

// maxWants bounds the versions of one intent, whose record must fit journal.MaxRecord.
const maxWants = journal.MaxRecord / 64

// Read gives the keys of the versions an intent names, after it is durable.
func (k *Keeper) Read(role keeper.Role, i keeper.Intent, reads []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	wants := 0
	for _, r := range reads {
		wants += len(r.Want)
	}
	if len(reads) > keeper.MaxBulk || wants > maxWants {
		return keeper.Receipt{}, nil, keeper.ErrTooMany
	}
	receipt, err := k.intend(i, reads, len(reads), role)
	if err != nil {
		return receipt, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]keeper.Opened, len(reads))
	for n, r := range reads {
		out[n] = k.release(r)
	}
	return receipt, out, nil
}

func (k *Keeper) release(r keeper.Read) keeper.Opened {
	s, err := k.person(r.Person)
	if err != nil {
		return keeper.Opened{Err: err}
	}
	var ok, behind bool
	if health, _ := ofRecords(&r); health {
		ok, behind = k.health.of(r.Person).agrees(keeper.RecordsHead(r.Have))
	} else {
		ok, behind = s.agrees(r.Have)
	}
	if !ok && binds {
		return keeper.Opened{Err: keeper.ErrHead}
	}
	key, err := k.keyOf(r.Person, s)
	if err != nil {
		return keeper.Opened{Err: err}
	}
	out := keeper.Opened{Behind: behind}
	for _, want := range r.Want {
		if _, held := slices.BinarySearchFunc(r.Have, want, order); !held && binds {
			return keeper.Opened{Err: keeper.ErrHead}
		}
		v, err := versionKey(key, uint64(want.Record), want.Version)
		if err != nil {
			return keeper.Opened{Err: err}
		}
		out.Keys = append(out.Keys, v)
	}
	return out
}

// order is that of versions in a head: a list that agrees with one is ascending.
func order(a, b keeper.Version) int {
	return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Version, b.Version))
}

// Index computes blind-index tags. The server's own look-ups are metered, so that
// whoever takes it over cannot enumerate the country.
func (k *Keeper) Index(role keeper.Role, kind keeper.Kind, values [][]byte) ([]identity.Tag, error) {
	if len(values) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if kind < keeper.KindNIK || kind > keeper.KindBlob {
		return nil, keeper.ErrRole
	}
	if role != keeper.RoleAdmin && !k.mayIndex(kind, len(values)) {
		k.refused.Add(1)
		return nil, keeper.ErrBudget
	}
	out := make([]identity.Tag, len(values))
	for i, v := range values {
		out[i] = identity.Tag(mac(k.index, append([]byte{byte(kind)}, v...)))
	}
	return out, nil
}

func (k *Keeper) mayIndex(kind keeper.Kind, n int) bool {
	switch kind {
	case keeper.KindSource:
		return k.sources.take(k.now(), n)
	case keeper.KindBlob:
		k.blobs.Add(uint64(n)) // who can name the content has it
		return true
	}
	return k.meter.take(k.now(), n)
}

// replayIntent counts again what was opened within the hour before the keeper
// started: a restart gives nobody more.
func (k *Keeper) replayIntent(b []byte) error {
	const head = 16 + 1 + 8
	if len(b) < head+1 || len(b) < head+1+int(b[head])+1 {
		return ErrJournal
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(b[17:])))
	actor, rest := string(b[head+1:head+1+int(b[head])]), b[head+1+int(b[head]):]
	if len(rest) < 1+int(rest[0])+4 {
		return ErrJournal
	}
	rest = rest[1+int(rest[0]):]
	n := int(binary.BigEndian.Uint32(rest))
	now, budget := k.now(), keeper.Budget(b[16])
	allowed, ok := k.allowanceOf(budget)
	if age := now.Sub(at); age >= time.Hour || !ok || budget == keeper.BudgetImport {
		return nil
	}
	k.spender(spenderName(budget, actor, allowed), now).add(at, n)
	people := map[uint64]bool{}
	for rest = rest[4:]; len(rest) >= 24; rest = rest[24:] {
		if keeper.Record(binary.BigEndian.Uint64(rest[8:])) >= firstRecord {
			people[binary.BigEndian.Uint64(rest)] = true
		}
	}
	if len(people) > 0 {
		k.spender(unsignedName, now).add(at, len(people))
	}
	return nil
}
