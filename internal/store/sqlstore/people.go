package sqlstore

import (
	"bytes"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putPerson = `INSERT INTO identity_person (id, version, sealed, synthetic) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO NOTHING`
	putNIK = `INSERT INTO identity_nik (tag, person_id, mac) VALUES ($1, $2, $3)
		ON CONFLICT (tag) DO NOTHING`
	putPhone   = `INSERT INTO identity_phone (tag, person_id, mac) VALUES ($1, $2, $3)`
	dropPerson = `DELETE FROM identity_person WHERE id = $1`
	dropNIK    = `DELETE FROM identity_nik WHERE tag = $1 AND person_id = $2`
	findNIK    = `SELECT person_id, mac FROM identity_nik WHERE tag = $1`

	// The tags beside a person are used by nobody: who is sent a code by a registered
	// number is whom Claimants names, which holds them.
	selectPerson = `SELECT p.id, p.version, p.sealed, COALESCE(n.tag, ''), COALESCE(f.tag, ''), p.synthetic
		FROM identity_person p
		LEFT JOIN identity_nik n ON n.person_id = p.id
		LEFT JOIN identity_phone f ON f.person_id = p.id `
	getPerson   = selectPerson + `WHERE p.id = $1`
	walkPersons = selectPerson + `WHERE p.id > $1 ORDER BY p.id LIMIT $2`

	putQuarantined = `INSERT INTO identity_quarantine (id, against, version, sealed, reason, arrived, released)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET against = excluded.against, version = excluded.version,
			sealed = excluded.sealed, reason = excluded.reason, arrived = excluded.arrived, released = excluded.released`
	walkQuarantined = `SELECT id, against, version, sealed, reason, arrived, released
		FROM identity_quarantine WHERE id > $1 ORDER BY id LIMIT $2`
)

// byTag puts rows in the order of their tags: tags are random, and a batch that
// goes through their index once, from left to right, meets each page once.
func byTag(rows []int, tag func(i int) *identity.Tag) {
	slices.SortFunc(rows, func(a, b int) int { return bytes.Compare(tag(a)[:], tag(b)[:]) })
}

type people struct{ *Tx }

var _ identity.Store = people{}

// Put leaves a taken NIK to a count of rows and not to a constraint: the
// transaction stays usable, and "none is added" costs no savepoint.
func (t people) Put(add []identity.Stored) error {
	fresh := make([]bool, len(add))
	taken, known := false, false
	err := t.execEach(putPerson, len(add), func(i int, a *Args) {
		a.Number(uint64(add[i].ID))
		a.Number(add[i].Version)
		a.Bytes(add[i].Sealed)
		a.Int(bit(add[i].Synthetic))
	}, func(i int, rows int64) {
		fresh[i] = rows == 1
		known = known || rows == 0
	})
	if err != nil {
		return err
	}
	tagged := pick(len(add), func(i int) bool { return add[i].NIK != identity.Tag{} })
	byTag(tagged, func(i int) *identity.Tag { return &add[i].NIK })
	mine := make([]bool, len(tagged))
	err = t.execEach(putNIK, len(tagged), func(i int, a *Args) {
		bindTag(a, &add[tagged[i]].NIK, add[tagged[i]].ID)
		a.Bytes(t.seal(store.SealNIK, a.List))
	}, func(i int, rows int64) {
		mine[i] = rows == 1
		taken = taken || rows == 0
	})
	switch {
	case err != nil:
		return err
	case taken:
		return t.undo(add, fresh, tagged, mine)
	case known:
		return t.fail(store.ErrConstraint)
	}
	return t.putPhones(add)
}

// undo takes back the rows of a Put that met a taken NIK.
func (t people) undo(add []identity.Stored, fresh []bool, tagged []int, mine []bool) error {
	niks := pick(len(tagged), func(i int) bool { return mine[i] })
	err := t.execEach(dropNIK, len(niks), func(i int, a *Args) {
		p := &add[tagged[niks[i]]]
		a.Bytes(p.NIK[:])
		a.Number(uint64(p.ID))
	}, nil)
	if err != nil {
		return err
	}
	persons := pick(len(add), func(i int) bool { return fresh[i] })
	err = t.execEach(dropPerson, len(persons), func(i int, a *Args) {
		a.Number(uint64(add[persons[i]].ID))
	}, nil)
	if err != nil {
		return err
	}
	return identity.ErrNIKTaken
}

func (t people) putPhones(add []identity.Stored) error {
	known := pick(len(add), func(i int) bool { return add[i].Phone != identity.Tag{} })
	byTag(known, func(i int) *identity.Tag { return &add[i].Phone })
	return t.execEach(putPhone, len(known), func(i int, a *Args) {
		bindTag(a, &add[known[i]].Phone, add[known[i]].ID)
		a.Bytes(t.seal(store.SealPhone, a.List))
	}, nil)
}

// ByNIK fails as a whole where one of the tags leads to whom nobody wrote: left out it
// would be a NIK that is free.
func (t people) ByNIK(tags []identity.Tag) ([]identity.PersonID, error) {
	out := make([]identity.PersonID, len(tags))
	bad := false
	order := pick(len(tags), func(int) bool { return true })
	byTag(order, func(i int) *identity.Tag { return &tags[i] })
	err := t.queryEach(findNIK, len(tags),
		func(i int, a *Args) { a.Bytes(tags[order[i]][:]) },
		func(i int, r Row) error {
			who := identity.PersonID(r.Int(0))
			bad = bad || !t.whole(store.SealNIK, r.Bytes(1), func(a *Args) { bindTag(a, &tags[order[i]], who) })
			out[order[i]] = who
			return nil
		})
	if err == nil && bad {
		return nil, t.fail(store.ErrAltered)
	}
	return out, err
}

func (t people) Get(ids []identity.PersonID) ([]identity.Stored, error) {
	out := make([]identity.Stored, len(ids))
	err := t.queryEach(getPerson, len(ids),
		func(i int, a *Args) { a.Number(uint64(ids[i])) },
		func(i int, r Row) error {
			out[i] = person(r)
			return nil
		})
	return out, err
}

func (t people) Walk(after identity.PersonID, n int) ([]identity.Stored, error) {
	var out []identity.Stored
	err := t.walk(walkPersons, uint64(after), n, func(r Row) error {
		out = append(out, person(r))
		return nil
	})
	return out, err
}

func person(r Row) identity.Stored {
	p := identity.Stored{ID: identity.PersonID(r.Int(0)), Version: uint64(r.Int(1)), Sealed: r.Bytes(2)}
	copy(p.NIK[:], r.Bytes(3)) // empty when there is none
	copy(p.Phone[:], r.Bytes(4))
	p.Synthetic = r.Int(5) != 0
	return p
}

func (t people) Quarantine(q []identity.Quarantined) error {
	return t.execEach(putQuarantined, len(q), func(i int, a *Args) {
		a.Number(uint64(q[i].ID))
		a.Number(uint64(q[i].Against))
		a.Number(q[i].Version)
		a.Bytes(q[i].Sealed)
		a.Text(q[i].Reason)
		a.Time(q[i].Arrived)
		a.Int(bit(q[i].Released))
	}, nil)
}

func (t people) Quarantined(after identity.PersonID, n int) ([]identity.Quarantined, error) {
	var out []identity.Quarantined
	err := t.walk(walkQuarantined, uint64(after), n, func(r Row) error {
		out = append(out, identity.Quarantined{
			ID:       identity.PersonID(r.Int(0)),
			Against:  identity.PersonID(r.Int(1)),
			Version:  uint64(r.Int(2)),
			Sealed:   r.Bytes(3),
			Reason:   r.Text(4),
			Arrived:  moment(r.Int(5)),
			Released: r.Int(6) != 0,
		})
		return nil
	})
	return out, err
}
