package evidence

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

const asidePage = 1000 // records set aside that are read at a time

// asideOnce drops the rows to set aside that are aside already, against the same
// person, by this batch or an earlier one: they count as known. A file taken again
// sets nobody aside twice. Quarantine is small, so it is walked.
func (in *intake) asideOnce(ctx context.Context) error {
	rows := map[identity.PersonID][]int{} // by the person they contradict
	for _, i := range in.aside {
		if id := in.against[i]; id != 0 {
			rows[id] = append(rows[id], i)
		}
	}
	known := map[int]bool{}
	for after := identity.PersonID(0); len(rows) > 0; {
		var page []identity.Quarantined
		err := in.DB.View(ctx, func(s store.Stores) (err error) {
			page, err = s.People.Quarantined(after, asidePage)
			return err
		})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].ID
		if err := in.matchAside(ctx, page, rows, known); err != nil {
			return err
		}
	}
	kept := in.aside[:0]
	first := map[identity.Tag][]int{} // of this batch
	for _, i := range in.aside {
		if known[i] || in.anySame(first[in.tags[i]], in.rows[i].Person) {
			in.tally.Known++
			continue
		}
		first[in.tags[i]] = append(first[in.tags[i]], i)
		kept = append(kept, i)
	}
	in.aside = kept
	return nil
}

func (in *intake) anySame(rows []int, p identity.Person) bool {
	for _, i := range rows {
		if identity.SamePerson(in.rows[i].Person, p) {
			return true
		}
	}
	return false
}

// matchAside marks the rows that a page of quarantine holds. A record that does not
// open matches none: to set a row aside twice loses nothing, to drop it might.
func (in *intake) matchAside(ctx context.Context, page []identity.Quarantined, rows map[identity.PersonID][]int, known map[int]bool) error {
	var there []identity.Quarantined
	var reads []keeper.Read
	for _, q := range page {
		if len(rows[q.Against]) > 0 {
			v := []keeper.Version{{Record: keeper.RecordPerson, Version: q.Version}}
			there, reads = append(there, q), append(reads, keeper.Read{Person: q.ID, Have: v, Want: v})
		}
	}
	if len(reads) == 0 {
		return nil
	}
	_, opened, err := in.Keeper.Read(ctx, in.intent("import-compare"), reads)
	if err != nil {
		return err
	}
	if len(opened) != len(reads) {
		return keeper.ErrUnavailable
	}
	for n, q := range there {
		if opened[n].Err != nil {
			continue
		}
		b := vault.Binding{Table: vault.Quarantine, Person: q.ID, Record: uint64(keeper.RecordPerson), Version: q.Version}
		plain, err := vault.OpenRecord(opened[n].Keys[0], b, q.Sealed)
		if err != nil {
			continue
		}
		p, err := identity.OpenPerson(plain)
		if err != nil {
			continue
		}
		for _, i := range rows[q.Against] {
			known[i] = known[i] || identity.SamePerson(p, in.rows[i].Person)
		}
	}
	return nil
}
