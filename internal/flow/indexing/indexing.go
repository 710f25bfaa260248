// Package indexing feeds the trace index from what is stored: people as they are
// registered, versions of records in the order in which they arrived.
//
// It goes on from where it stopped: what was appended before a crash and is appended again
// is there once. So a lost index is made again from nothing, and a server that could not
// follow catches up. It holds people's identifiers in memory for one page and writes tags
// only. Each folder has an index of its own, whole: servers with different data folders
// feed one each.
package indexing

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Keeper opens who people are, and tags.
type Keeper interface {
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
	Tags(ctx context.Context, asks []keeper.TagAsk) ([]keeper.Tagged, error)
}

// Index takes what was tagged, durably, and finds it by a patient's row.
type Index interface {
	Append(b index.Batch) error
	Whose(row leak.Row) ([]index.Tag, error)
}

// Flow feeds one index.
type Flow struct {
	DB     store.DB
	Keeper Keeper
	Index  Index
	State  durable.FS // where it stands how far the index has come
	Actor  string
	Budget keeper.Budget
	Page   int // people or versions at once: a server's tags are metered by the call
}

// Fed is how far an index has come, and what a run added.
type Fed struct {
	Person  identity.PersonID // the last one
	Seq     uint64            // of the last version of a record
	People  int64             // added in all
	Records int64
	Stuck   int64 // people whose row did not open then: amanah check names them
}

// stateName is the file of Fed.
const stateName = "fed"

// late is how many versions before the last are looked at again: where several write at
// once one may appear below others that were there before it.
const late = 256

// Where returns how far the index has come.
func (f *Flow) Where() (at Fed, err error) {
	raw, err := durable.ReadFile(f.State, stateName)
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	return at, err
}

func (f *Flow) keep(at Fed) error {
	raw, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.State, stateName, raw)
}

// Drain feeds what the index lacks; step, which may be nil, is told how far it has come.
// keeper.ErrBudget when the server's tags of the hour are used up: the rest is fed later.
func (f *Flow) Drain(ctx context.Context, step func(Fed)) (at Fed, err error) {
	if at, err = f.Where(); err != nil {
		return at, err
	}
	if step == nil {
		step = func(Fed) {}
	}
	for more := true; more; {
		if more, err = f.people(ctx, &at); err != nil {
			return at, err
		}
		step(at)
	}
	from := at.Seq - min(at.Seq, late)
	for more := true; more; {
		if more, err = f.records(ctx, &at, &from); err != nil {
			return at, err
		}
		step(at)
	}
	return at, nil
}

func (f *Flow) people(ctx context.Context, at *Fed) (more bool, err error) {
	var rows []identity.Stored
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		rows, err = s.People.Walk(at.Person, f.Page)
		return err
	})
	if err != nil || len(rows) == 0 {
		return false, err
	}
	ids := make([]identity.PersonID, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	known, err := f.open(ctx, ids, at)
	if err != nil {
		return false, err
	}
	ids = slices.DeleteFunc(slices.Compact(ids), func(id identity.PersonID) bool {
		_, ok := known[id]
		return !ok
	})
	lived, err := f.homes(ctx, ids) // who came after the last run's people may be in the index with them
	if err != nil {
		return false, err
	}
	var asks []keeper.TagAsk
	var beside []told
	for _, id := range ids {
		asks, beside = append(asks, askOf(id, known[id])), append(beside, told{nil, lived[id]})
	}
	if err := f.add(ctx, asks, beside); err != nil {
		return false, err
	}
	at.Person = rows[len(rows)-1].ID
	at.People += int64(len(asks))
	return true, f.keep(*at)
}

func (f *Flow) records(ctx context.Context, at *Fed, from *uint64) (more bool, err error) {
	var rows []record.Row
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		if rows, err = s.Records.Walk(at.Seq, 1); err != nil || len(rows) == 0 {
			return err // nothing came: what is late comes with the next
		}
		rows, err = s.Records.Walk(*from, f.Page)
		return err
	})
	if err != nil || len(rows) == 0 {
		return false, err
	}
	of := map[identity.PersonID][]keeper.TagRecord{}
	known := map[identity.PersonID][][]byte{} // what each of those is known by
	var ids, moved []identity.PersonID
	for _, r := range rows {
		if r.Number == record.Standing {
			continue
		}
		if of[r.Person] == nil {
			ids = append(ids, r.Person)
		}
		of[r.Person] = append(of[r.Person], keeper.TagRecord{Name: record.RefOf(r.Person, r.Number).String(), Number: uint64(r.Number), From: norm.MinuteOf(r.Entered)})
		known[r.Person] = append(known[r.Person], r.Known)
		if r.Number == record.Patient && index.ParseTrait(r.Known).Address != 0 {
			moved = append(moved, r.Person)
		}
	}
	slices.Sort(ids)
	people, err := f.open(ctx, ids, at)
	if err != nil {
		return false, err
	}
	lived, err := f.homes(ctx, moved)
	if err != nil {
		return false, err
	}
	var asks []keeper.TagAsk
	var beside []told
	n := int64(0)
	for _, id := range ids {
		p, ok := people[id]
		if !ok { // what is set aside is nobody's
			continue
		}
		ask := keeper.TagAsk{Facts: index.Facts{NIK: nikOf(p)}}
		if len(lived[id]) > 0 || id > at.Person { // not fed among people yet: by their row Forget finds them
			ask = askOf(id, p)
		}
		ask.Records = of[id]
		asks, beside = append(asks, ask), append(beside, told{known[id], lived[id]})
		n += int64(len(of[id]))
	}
	if err := f.add(ctx, asks, beside); err != nil {
		return false, err
	}
	*from = rows[len(rows)-1].Seq
	if *from > at.Seq {
		at.Seq = *from
		at.Records += n
	}
	return true, f.keep(*at)
}

// told is what stands beside an ask's records.
type told struct {
	known [][]byte // of each of its records
	homes []home   // of the person, oldest first
}

// home is where somebody lives, as a tag, from when on.
type home struct {
	from    norm.Minute
	address index.Tag
}

// homes returns where some people lived, by all versions of their Patient: the first one that
// is known is taken for what held before, too.
func (f *Flow) homes(ctx context.Context, who []identity.PersonID) (map[identity.PersonID][]home, error) {
	if len(who) == 0 {
		return nil, nil
	}
	var out map[identity.PersonID][]home
	err := f.DB.View(ctx, func(s store.Stores) error {
		out = map[identity.PersonID][]home{}
		for _, id := range who {
			have, err := s.Records.Versions(id)
			if err != nil {
				return err
			}
			rows, err := s.Records.Get(id, slices.DeleteFunc(have, func(v record.Version) bool { return v.Number != record.Patient }))
			if err != nil {
				return err
			}
			out[id] = homesOf(rows)
		}
		return nil
	})
	return out, err
}

func homesOf(rows []record.Row) (out []home) {
	for _, r := range rows {
		switch h := (home{norm.MinuteOf(r.Entered), index.ParseTrait(r.Known).Address}); {
		case h.address == 0:
		case len(out) == 0:
			out = append(out, home{0, h.address})
		case out[len(out)-1].address != h.address:
			out = append(out, h)
		}
	}
	return out
}

// identities are one person's as they are tagged, with where they lived.
func (t *told) identities(tagged []index.Identity) (out []index.Identity) {
	for _, id := range tagged {
		if id.Kind != index.Person || len(t.homes) == 0 {
			out = append(out, id)
			continue
		}
		for _, h := range t.homes {
			id.From, id.Address = max(id.From, h.from), h.address
			out = append(out, id)
		}
	}
	return out
}

// add tags and appends; beside is what stands beside each ask's records.
func (f *Flow) add(ctx context.Context, asks []keeper.TagAsk, beside []told) error {
	if len(asks) == 0 {
		return nil
	}
	tagged, err := f.Keeper.Tags(ctx, asks)
	if err != nil {
		return err
	}
	if len(tagged) != len(asks) {
		return keeper.ErrUnavailable
	}
	var b index.Batch
	for i, t := range tagged {
		b.People = append(b.People, beside[i].identities(t.People)...)
		if len(t.Records) == 0 {
			continue
		}
		r := index.Records{Of: t.Full, Versions: t.Records}
		for n := range r.Versions {
			v, known := &r.Versions[n], beside[i].known[n]
			v.Visit = index.ParseTrait(known).Visit
			for _, d := range index.ParseKnown(known) {
				d.Of, d.Row, d.From = t.Full, v.Row, v.From
				r.Documents = append(r.Documents, d)
			}
		}
		b.Records = append(b.Records, r)
	}
	return f.Index.Append(b)
}

// Forget takes somebody out of the index at its next merge: for who is erased. Their number
// finds them, for nobody can open who they were any more.
func (f *Flow) Forget(ctx context.Context, who identity.PersonID) error {
	tagged, err := f.Keeper.Tags(ctx, []keeper.TagAsk{{Name: record.Ref{Person: who}.String()}})
	if err != nil {
		return err
	}
	if len(tagged) != 1 || len(tagged[0].People) == 0 {
		return keeper.ErrUnavailable
	}
	all, err := f.Index.Whose(tagged[0].People[0].Row)
	if err != nil || len(all) == 0 {
		return err
	}
	var b index.Batch
	for _, full := range all {
		b.People = append(b.People, index.Identity{Full: full, Bind: full, Kind: index.Gone})
	}
	return f.Index.Append(b)
}

// open returns who some people are; whoever is erased, or not registered, is left out.
func (f *Flow) open(ctx context.Context, ids []identity.PersonID, at *Fed) (map[identity.PersonID]identity.Person, error) {
	known, stuck, err := evidence.Known(ctx, f.DB, f.Keeper, keeper.Intent{Actor: f.Actor, Purpose: "trace-index", Budget: f.Budget}, ids)
	at.Stuck += int64(stuck)
	return known, err
}

func nikOf(p identity.Person) norm.NIK {
	n, _ := norm.ParseNIK([]byte(p.NIK.Reveal()))
	return n
}

// askOf asks for a person's own tags.
func askOf(id identity.PersonID, p identity.Person) keeper.TagAsk {
	return keeper.TagAsk{Facts: FactsOf(id, p), Name: record.Ref{Person: id}.String()}
}

// FactsOf is what an index finds a registered person by.
func FactsOf(id identity.PersonID, p identity.Person) index.Facts {
	var w norm.Words
	f := index.Facts{NIK: nikOf(p), Ref: uint64(id), Name: w.Name(nil, []byte(p.Name.Reveal()))}
	on := p.Birth.Start()
	if d, ok := norm.NewDate(on.Year(), int(on.Month()), on.Day()); ok && p.Birth != 0 {
		f.Birth = d
	}
	if !p.Phone.IsZero() {
		f.Phone, _ = norm.ParsePhone([]byte(p.Phone.Reveal()))
	}
	return f
}
