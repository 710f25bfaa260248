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
	var asks []keeper.TagAsk
	for _, id := range slices.Compact(ids) {
		if p, ok := known[id]; ok {
			asks = append(asks, keeper.TagAsk{Facts: FactsOf(id, p), Name: record.Ref{Person: id}.String()})
		}
	}
	if err := f.add(ctx, asks, nil); err != nil {
		return false, err
	}
	at.Person = ids[len(ids)-1]
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
	known := map[identity.PersonID][][]byte{} // of those, what their documents are known by
	var ids []identity.PersonID
	for _, r := range rows {
		if r.Number == record.Standing {
			continue
		}
		if of[r.Person] == nil {
			ids = append(ids, r.Person)
		}
		of[r.Person] = append(of[r.Person], keeper.TagRecord{Name: record.RefOf(r.Person, r.Number).String(), Number: uint64(r.Number), From: norm.MinuteOf(r.Entered)})
		known[r.Person] = append(known[r.Person], r.Known)
	}
	slices.Sort(ids)
	people, err := f.open(ctx, ids, at)
	if err != nil {
		return false, err
	}
	var asks []keeper.TagAsk
	var documents [][][]byte
	n := int64(0)
	for _, id := range ids {
		if p, ok := people[id]; ok { // what is set aside is nobody's
			asks = append(asks, keeper.TagAsk{Facts: index.Facts{NIK: nikOf(p)}, Records: of[id]})
			documents = append(documents, known[id])
			n += int64(len(of[id]))
		}
	}
	if err := f.add(ctx, asks, documents); err != nil {
		return false, err
	}
	*from = rows[len(rows)-1].Seq
	if *from > at.Seq {
		at.Seq = *from
		at.Records += n
	}
	return true, f.keep(*at)
}

// add tags and appends; known is, of each ask's records, what their documents are known by.
func (f *Flow) add(ctx context.Context, asks []keeper.TagAsk, known [][][]byte) error {
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
		b.People = append(b.People, t.People...)
		if len(t.Records) == 0 {
			continue
		}
		r := index.Records{Of: t.Full, Versions: t.Records}
		for n, v := range t.Records {
			for _, d := range index.ParseKnown(known[i][n]) {
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
