package check

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

func number(id identity.PersonID) string { return strconv.FormatUint(uint64(id), 10) }

// file is what is stored of one person.
type file struct {
	person   identity.Stored
	evidence status.SealedEvidence
	colour   status.SealedColour
	binding  identity.StoredBinding
	twice    bool // rows of tags join to it more than once

	head  keeper.Head
	plain identity.Person
	open  bool
	wrong []Finding
}

func (f *file) is(table string, what What, why string) {
	f.wrong = append(f.wrong, Finding{table, number(f.person.ID), what, why})
}

func (f *file) have() []keeper.Version {
	v := []keeper.Version{{Record: keeper.RecordPerson, Version: f.person.Version}}
	if f.evidence.Version > 0 {
		v = append(v, keeper.Version{Record: keeper.RecordEvidence, Version: f.evidence.Version})
	}
	return v
}

// people goes over everybody with what belongs to them.
func (c *Check) people(ctx context.Context) error {
	for after := identity.PersonID(0); ; {
		var people []identity.Stored
		if err := c.DB.View(ctx, func(s store.Stores) (err error) {
			people, err = s.People.Walk(after, page)
			return err
		}); err != nil || len(people) == 0 {
			return err
		}
		after = people[len(people)-1].ID
		ids := make([]identity.PersonID, 0, len(people))
		for _, p := range people {
			if n := len(ids); n == 0 || ids[n-1] != p.ID {
				ids = append(ids, p.ID)
			}
		}
		if err := c.look(ctx, ids); err != nil {
			return err
		}
		c.rows("identity_person", len(ids))
	}
}

// again is how often what differs is looked at: a write may have been under way.
const again = 3

func (c *Check) look(ctx context.Context, ids []identity.PersonID) error {
	for try := 1; ; try++ {
		files, err := c.load(ctx, ids)
		if err == nil {
			err = c.judge(ctx, files)
		}
		if err != nil {
			return err
		}
		ids = ids[:0]
		for i := range files {
			f := &files[i]
			c.see(f.person.ID, registered)
			switch {
			case len(f.wrong) == 0:
				c.count(f)
			case try < again:
				ids = append(ids, f.person.ID)
			default:
				c.count(f)
				for _, w := range f.wrong {
					if err := c.found(w); err != nil {
						return err
					}
				}
			}
		}
		if len(ids) == 0 {
			return nil
		}
	}
}

func (c *Check) count(f *file) {
	for table, there := range map[string]bool{
		"status_evidence": f.evidence.Version > 0, "status_colour": f.colour.Version > 0, "identity_binding": f.binding.Person != 0,
	} {
		if there {
			c.report.Rows[table]++
		}
	}
}

func (c *Check) load(ctx context.Context, ids []identity.PersonID) ([]file, error) {
	files := make([]file, 0, len(ids))
	err := c.DB.View(ctx, func(s store.Stores) error {
		files = files[:0]
		evidence, err := s.Status.Evidence(ids)
		if err != nil {
			return err
		}
		colours, err := s.Status.Colours(ids)
		if err != nil {
			return err
		}
		for i, id := range ids {
			f := file{evidence: evidence[i], colour: colours[i]}
			all, err := s.People.Walk(id-1, 2)
			if err != nil {
				return err
			}
			if len(all) == 0 || all[0].ID != id {
				continue // erased meanwhile
			}
			f.person, f.twice = all[0], len(all) > 1 && all[1].ID == id
			if f.binding, err = s.Bindings.Get(id); err != nil {
				return err
			}
			files = append(files, f)
		}
		return nil
	})
	return files, err
}

func (c *Check) judge(ctx context.Context, files []file) error {
	ids := make([]identity.PersonID, len(files))
	reads := make([]keeper.Read, len(files))
	subjects := make([][]byte, len(files))
	for i := range files {
		ids[i] = files[i].person.ID
		reads[i] = keeper.Read{Person: ids[i], Have: files[i].have(), Want: files[i].have()}
		subjects[i] = binary.BigEndian.AppendUint64(nil, uint64(ids[i]))
	}
	heads, err := c.Keeper.Heads(ctx, ids)
	if err != nil {
		return err
	}
	tags, err := c.Keeper.Index(ctx, keeper.KindSubject, subjects)
	if err != nil {
		return err
	}
	_, opened, err := c.Keeper.Read(ctx, c.intent(), reads)
	if err != nil {
		return err
	}
	if len(opened) != len(files) || len(heads) != len(files) || len(tags) != len(files) {
		return keeper.ErrUnavailable
	}
	for i := range files {
		c.subjects[tags[i]] = true
		files[i].head = heads[i]
		files[i].unseal(opened[i])
	}
	if err := c.tags(ctx, files); err != nil {
		return err
	}
	return c.colours(ctx, files)
}

// unseal opens a person's rows, or says why they do not open.
func (f *file) unseal(o keeper.Opened) {
	switch {
	case errors.Is(o.Err, keeper.ErrErased):
		f.is("identity_person", LeftOver, "the person is erased")
		return
	case errors.Is(o.Err, keeper.ErrPerson):
		f.is("identity_person", Foreign, "the keeper knows no such person")
		return
	case errors.Is(o.Err, keeper.ErrHead):
		f.older()
		return
	case o.Err != nil || len(o.Keys) != len(f.have()):
		f.is("identity_person", Altered, "the keeper gives no key")
		return
	}
	place := vault.Binding{Table: vault.People, Person: f.person.ID, Record: uint64(keeper.RecordPerson), Version: f.person.Version}
	raw, err := vault.OpenRecord(o.Keys[0], place, f.person.Sealed)
	if err == nil {
		f.plain, err = identity.OpenPerson(raw)
	}
	if f.open = err == nil; !f.open {
		f.is("identity_person", Altered, "does not open in its place")
	}
	if f.evidence.Version > 0 {
		place := vault.Binding{Table: vault.Evidence, Person: f.person.ID, Record: uint64(keeper.RecordEvidence), Version: f.evidence.Version}
		raw, err := vault.OpenRecord(o.Keys[1], place, f.evidence.Sealed)
		if err == nil {
			_, err = status.ParseEvidence(raw)
		}
		if err != nil {
			f.is("status_evidence", Altered, "does not open in its place")
		}
	}
	f.numbers(o.Keys[0])
}

// older says which row differs from the head.
func (f *file) older() {
	newest := max(f.person.Version, f.evidence.Version)
	switch {
	case newest > f.head.Version:
		f.is("identity_person", Foreign, "of a version that was never given")
	case f.evidence.Version == 0 && f.head.Version > f.person.Version:
		f.is("status_evidence", Missing, "the keeper's head has more versions")
	case newest < f.head.Version:
		f.is("status_evidence", RolledBack, "older than the keeper's head, which it or the person's row differs from")
	default:
		f.is("identity_person", Altered, "its versions are not those of the keeper's head")
	}
}

// numbers opens the numbers a person is bound to.
func (f *file) numbers(key keeper.Secret) {
	b := &f.binding
	if b.Person == 0 {
		return
	}
	if b.Version != f.person.Version {
		f.is("identity_binding", RolledBack, "under another version of the person's attributes")
		return
	}
	place := vault.Binding{Table: vault.Bindings, Person: f.person.ID, Record: uint64(keeper.RecordPerson), Version: f.person.Version}
	for _, n := range []struct {
		tag    identity.Tag
		sealed []byte
	}{{b.Phone, b.Bound}, {b.Next, b.Waiting}} {
		if n.tag == (identity.Tag{}) && len(n.sealed) == 0 {
			continue
		}
		raw, err := vault.OpenRecord(key, place, n.sealed)
		if err == nil {
			_, err = identity.OpenNumber(raw)
		}
		if err != nil {
			f.is("identity_binding", Altered, "a number does not open in its place")
		}
	}
}

// tags compares the blind indexes with what people's rows say.
func (c *Check) tags(ctx context.Context, files []file) error {
	var niks, phones [][]byte
	for i := range files {
		if f := &files[i]; f.open {
			niks = append(niks, []byte(f.plain.NIK.Reveal()))
			if !f.plain.Phone.IsZero() {
				phones = append(phones, []byte(f.plain.Phone.Reveal()))
			}
		}
	}
	byNIK, err := c.Keeper.Index(ctx, keeper.KindNIK, niks)
	if err != nil {
		return err
	}
	byPhone, err := c.Keeper.Index(ctx, keeper.KindPhone, phones)
	if err != nil {
		return err
	}
	for i := range files {
		f := &files[i]
		if !f.open {
			continue
		}
		var phone identity.Tag
		nik := byNIK[0]
		byNIK = byNIK[1:]
		if !f.plain.Phone.IsZero() {
			phone, byPhone = byPhone[0], byPhone[1:]
		}
		f.tagged("identity_nik", f.person.NIK, nik)
		f.tagged("identity_phone", f.person.Phone, phone)
		if f.plain.NIK.Synthetic() != f.person.Synthetic {
			f.is("identity_person", Altered, "says otherwise of its NIK's province")
		}
		if f.twice {
			f.is("identity_nik", Foreign, "more tags than one name this person")
		}
	}
	return nil
}

func (f *file) tagged(table string, stored, want identity.Tag) {
	switch none := (identity.Tag{}); {
	case stored == want:
	case stored == none:
		f.is(table, Missing, "the person's row has such an identifier")
	case want == none:
		f.is(table, Foreign, "the person's row has no such identifier")
	default:
		f.is(table, Altered, "another tag than that of the person's row")
	}
}

// colours compares sealed colours with their heads.
func (c *Check) colours(ctx context.Context, files []file) error {
	rows := make([]status.SealedColour, 0, len(files))
	of := make([]int, 0, len(files))
	for i := range files {
		f := &files[i]
		if f.colour.Version > 0 {
			rows, of = append(rows, f.colour), append(of, i)
		} else if f.head.Colour > 0 {
			f.is("status_colour", Missing, "the keeper sealed one")
		}
	}
	seals, err := c.Keeper.CheckColours(ctx, rows)
	if err != nil {
		return err
	}
	if len(seals) != len(rows) {
		return keeper.ErrUnavailable
	}
	for n, i := range of {
		switch seals[n] {
		case keeper.SealHolds:
		case keeper.SealOld:
			files[i].is("status_colour", RolledBack, "older than the keeper's head; the next sweep decides it anew")
		case keeper.SealErased:
			files[i].is("status_colour", LeftOver, "the person is erased")
		default:
			files[i].is("status_colour", Altered, "does not open in its place")
		}
	}
	return nil
}

// quarantine goes over the records set aside.
func (c *Check) quarantine(ctx context.Context) error {
	for after := identity.PersonID(0); ; {
		var rows []identity.Quarantined
		if err := c.DB.View(ctx, func(s store.Stores) (err error) {
			rows, err = s.People.Quarantined(after, page)
			return err
		}); err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		reads := make([]keeper.Read, len(rows))
		for i, q := range rows {
			v := []keeper.Version{{Record: keeper.RecordPerson, Version: q.Version}}
			reads[i] = keeper.Read{Person: q.ID, Have: v, Want: v}
		}
		_, opened, err := c.Keeper.Read(ctx, c.intent(), reads)
		if err != nil {
			return err
		}
		if len(opened) != len(rows) {
			return keeper.ErrUnavailable
		}
		for i, q := range rows {
			c.see(q.ID, aside)
			if what, why := setAside(q, opened[i]); what != "" {
				if err := c.found(Finding{"identity_quarantine", number(q.ID), what, why}); err != nil {
					return err
				}
			}
		}
		c.rows("identity_quarantine", len(rows))
	}
}

func setAside(q identity.Quarantined, o keeper.Opened) (What, string) {
	switch {
	case errors.Is(o.Err, keeper.ErrErased):
		return LeftOver, "the person is erased"
	case errors.Is(o.Err, keeper.ErrPerson):
		return Foreign, "the keeper knows no such person"
	case o.Err != nil || len(o.Keys) != 1:
		return RolledBack, "its version is not the keeper's head"
	}
	place := vault.Binding{Table: vault.Quarantine, Person: q.ID, Record: uint64(keeper.RecordPerson), Version: q.Version}
	if _, err := vault.OpenRecord(o.Keys[0], place, q.Sealed); err != nil {
		return Altered, "does not open in its place"
	}
	return "", ""
}
