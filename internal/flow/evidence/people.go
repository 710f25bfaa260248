package evidence

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Newcomer is one row of a registry.
type Newcomer struct {
	Line   int64
	Person identity.Person // checked with Person.Check
}

// intake is one batch of people on its way in.
type intake struct {
	*Flow
	rows    []Newcomer
	tags    []identity.Tag
	phones  []identity.Tag // zero for none
	against []identity.PersonID
	fresh   []int // rows to register
	aside   []int // rows to set aside
	tally   Tally
}

// People registers a batch. A NIK that is registered already is compared with the
// row: the same person counts as known, another one is set aside in quarantine
// with nothing overwritten. With the rows goes how far the source has come.
func (f *Flow) People(ctx context.Context, rows []Newcomer, p identity.Progress) (Tally, error) {
	in := &intake{Flow: f}
	for _, r := range rows {
		if f.Reserved.Holds(r.Person.NIK) {
			in.tally.Refusals = append(in.tally.Refusals, Refusal{r.Line, canary.ErrReserved})
			continue
		}
		in.rows = append(in.rows, r)
	}
	if len(in.rows) > 0 {
		if err := in.index(ctx); err != nil {
			return in.tally, err
		}
		if err := in.compare(ctx); err != nil {
			return in.tally, err
		}
		if err := in.asideOnce(ctx); err != nil {
			return in.tally, err
		}
	}
	return in.tally, in.write(ctx, p)
}

func (in *intake) index(ctx context.Context) error {
	niks := make([][]byte, len(in.rows))
	var phones [][]byte
	for i, r := range in.rows {
		niks[i] = []byte(r.Person.NIK.Reveal())
		if !r.Person.Phone.IsZero() {
			phones = append(phones, []byte(r.Person.Phone.Reveal()))
		}
	}
	var err error
	if in.tags, err = in.Keeper.Index(ctx, keeper.KindNIK, niks); err != nil {
		return err
	}
	in.phones = make([]identity.Tag, len(in.rows))
	if len(phones) == 0 {
		return nil
	}
	found, err := in.Keeper.Index(ctx, keeper.KindPhone, phones)
	if err != nil {
		return err
	}
	for i, r := range in.rows {
		if !r.Person.Phone.IsZero() {
			in.phones[i], found = found[0], found[1:]
		}
	}
	return nil
}

// compare tells the new from the known and the contradicting.
func (in *intake) compare(ctx context.Context) error {
	in.against = make([]identity.PersonID, len(in.rows))
	err := in.DB.View(ctx, func(s store.Stores) (err error) {
		in.against, err = s.People.ByNIK(in.tags)
		return err
	})
	if err != nil {
		return err
	}
	first := make(map[identity.Tag]int, len(in.rows)) // of this batch
	var stored []int
	for i, t := range in.tags {
		before, again := first[t]
		switch {
		case in.against[i] != 0:
			stored = append(stored, i)
		case !again:
			first[t] = i
			in.fresh = append(in.fresh, i)
		case identity.SamePerson(in.rows[before].Person, in.rows[i].Person):
			in.tally.Known++
		default:
			in.aside = append(in.aside, i)
		}
	}
	return in.compareStored(ctx, stored)
}

func (in *intake) compareStored(ctx context.Context, rows []int) error {
	ids := make([]identity.PersonID, len(rows))
	for n, i := range rows {
		ids[n] = in.against[i]
	}
	files, err := in.load(ctx, ids)
	if err != nil {
		return err
	}
	if err := in.open(ctx, "import-compare", files, false); err != nil {
		return err
	}
	for n, i := range rows {
		var there identity.Person
		err := files[n].err
		if err == nil {
			there, err = identity.OpenPerson(files[n].opened)
		}
		switch {
		case err != nil:
			in.tally.Refusals = append(in.tally.Refusals, Refusal{in.rows[i].Line, ErrOpen})
		case identity.SamePerson(there, in.rows[i].Person):
			in.tally.Known++
		default:
			in.aside = append(in.aside, i)
		}
	}
	return nil
}

// write registers, seals and stores what is new, in one transaction.
func (in *intake) write(ctx context.Context, p identity.Progress) error {
	var keys []keeper.Registered
	if n := len(in.fresh) + len(in.aside); n > 0 {
		var err error
		if keys, err = in.Keeper.Register(ctx, n); err != nil {
			return err
		}
	}
	people, colours, err := in.sealFresh(ctx, keys)
	if err != nil {
		return err
	}
	set, err := in.sealAside(keys[len(people):], people)
	if err != nil {
		return err
	}
	in.tally.Added, in.tally.Set = len(people), len(set)
	p.Added += int64(len(people))
	p.Refused += int64(len(in.tally.Refusals))
	p.Updated = in.Now()
	if err := in.keep(in.tally); err != nil {
		return err
	}
	err = in.DB.Bulk(ctx, func(s store.Stores) error {
		if err := s.People.Put(people); err != nil {
			return err
		}
		if err := s.Status.PutColours(colours); err != nil {
			return err
		}
		if err := s.People.Quarantine(set); err != nil {
			return err
		}
		return s.Progress.SetProgress(p)
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	// From now on the keeper knows that these people's rows were there.
	settled := make([]keeper.Settled, len(keys))
	for i, k := range keys {
		settled[i] = keeper.Settled{Person: k.ID, Version: k.Version}
	}
	return in.Keeper.Settle(ctx, settled)
}

func (in *intake) sealFresh(ctx context.Context, keys []keeper.Registered) ([]identity.Stored, []status.SealedColour, error) {
	people := make([]identity.Stored, len(in.fresh))
	ids := make([]identity.PersonID, len(in.fresh))
	evidence := make([]status.Evidence, len(in.fresh))
	for n, i := range in.fresh {
		k := keys[n]
		sealed, err := seal(vault.People, k, in.rows[i].Person)
		if err != nil {
			return nil, nil, err
		}
		people[n] = identity.Stored{ID: k.ID, Version: k.Version, Sealed: sealed, NIK: in.tags[i], Phone: in.phones[i], Synthetic: in.rows[i].Person.NIK.Synthetic()}
		ids[n], evidence[n].Birth = k.ID, in.rows[i].Person.Birth
	}
	colours, err := in.decide(ctx, ids, evidence)
	return people, colours, err
}

func (in *intake) sealAside(keys []keeper.Registered, people []identity.Stored) ([]identity.Quarantined, error) {
	now := in.Now()
	registered := make(map[identity.Tag]identity.PersonID, len(people))
	for _, p := range people {
		registered[p.NIK] = p.ID
	}
	set := make([]identity.Quarantined, len(in.aside))
	for n, i := range in.aside {
		k := keys[n]
		sealed, err := seal(vault.Quarantine, k, in.rows[i].Person)
		if err != nil {
			return nil, err
		}
		against := in.against[i]
		if against == 0 {
			against = registered[in.tags[i]] // by an earlier row of this batch
		}
		set[n] = identity.Quarantined{ID: k.ID, Against: against, Version: k.Version, Sealed: sealed, Reason: ReasonDiffers, Arrived: now}
	}
	return set, nil
}

func seal(t vault.Table, k keeper.Registered, p identity.Person) ([]byte, error) {
	plain, err := p.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return vault.SealRecord(k.Key, vault.Binding{Table: t, Person: k.ID, Record: uint64(keeper.RecordPerson), Version: k.Version}, plain)
}
