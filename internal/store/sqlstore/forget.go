package sqlstore

import (
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
)

// byPerson and bySubject remove rows, in an order in which nothing is left that refers to
// what is gone.
var (
	byPerson = []string{
		`INSERT INTO record_upload (name, begun) SELECT DISTINCT blob, 1 FROM record_version WHERE person_id = $1 AND size > 0
			ON CONFLICT (name) DO UPDATE SET begun = excluded.begun`,
		`DELETE FROM record_follow WHERE person_id = $1`,
		`DELETE FROM record_sent WHERE person_id = $1`,
		`DELETE FROM record_version WHERE person_id = $1`,
		`DELETE FROM record_person WHERE person_id = $1`,
		`DELETE FROM status_colour WHERE person_id = $1`,
		`DELETE FROM status_evidence WHERE person_id = $1`,
		`DELETE FROM identity_card WHERE person_id = $1`,
		`DELETE FROM identity_pin WHERE person_id = $1`,
		`DELETE FROM identity_binding WHERE person_id = $1`,
		`DELETE FROM identity_guardian WHERE guardian_id = $1 OR child_id = $1`,
		`DELETE FROM identity_nik WHERE person_id = $1`,
		`DELETE FROM identity_phone WHERE person_id = $1`,
		`DELETE FROM identity_quarantine WHERE id = $1`,
		`DELETE FROM identity_person WHERE id = $1`,
	}
	bySubject = []string{
		`DELETE FROM identity_refresh WHERE link_id IN (SELECT id FROM identity_link WHERE subject = $1)`,
		`DELETE FROM identity_link WHERE subject = $1`,
	}
)

// Forget removes somebody's rows.
func (t *Tx) Forget(who identity.PersonID, subject identity.Tag) error {
	if who == 0 || subject == (identity.Tag{}) {
		return t.err // of nobody
	}
	if err := t.forgetSources(who); err != nil {
		return err
	}
	for _, sql := range byPerson {
		if err := t.exec(sql, func(a *Args) { a.Number(uint64(who)) }); err != nil {
			return err
		}
	}
	if err := t.uncount(subject); err != nil {
		return err
	}
	for _, sql := range bySubject {
		if err := t.exec(sql, func(a *Args) { a.Bytes(subject[:]) }); err != nil {
			return err
		}
	}
	return nil
}

const fewerLinked = `UPDATE partner_linked SET people = people - 1 WHERE partner_id = $1 AND people > 0`

// uncount takes somebody out of the counts of partners' people.
func (t *Tx) uncount(subject identity.Tag) error {
	var all []identity.Link
	bad, err := t.good(linksOf, 1, func(_ int, a *Args) { a.Bytes(subject[:]) }, func(_ int, r Row) error {
		var l identity.Link
		scanLink(r, &l)
		all = append(all, l)
		return nil
	})
	if all, err = without(all, bad, err); err != nil {
		return err
	}
	var of []partner.ID
	for _, l := range all {
		if l.Ended.IsZero() && !slices.Contains(of, l.Partner) {
			of = append(of, l.Partner)
		}
	}
	slices.Sort(of) // one order for all
	return t.execEach(fewerLinked, len(of), func(i int, a *Args) { a.Number(uint64(of[i])) }, nil)
}

const (
	sourcesOf   = `SELECT tag FROM record_source WHERE person_id = $1`
	dropSources = `DELETE FROM record_source WHERE person_id = $1`
)

// forgetSources removes the names by which somebody's records are found again, and has the
// ledger say of each that it is gone: one that only misses was removed by somebody else.
func (t *Tx) forgetSources(who identity.PersonID) error {
	bind := func(a *Args) { a.Number(uint64(who)) }
	var gone []store.LedgerEntry
	if err := t.query(sourcesOf, bind, func(r Row) error {
		gone = append(gone, store.LedgerEntry{Table: "record_source", Row: r.Bytes(0)})
		return nil
	}); err != nil {
		return err
	}
	if err := t.exec(dropSources, bind); err != nil || t.ledger == nil {
		return err
	}
	for i := range gone {
		gone[i].Row = t.ledger.key.Name("record_source", gone[i].Row)
	}
	if err := t.append(gone); err != nil {
		return t.fail(err)
	}
	return nil
}
