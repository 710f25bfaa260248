package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putBinding = `INSERT INTO identity_binding (person_id, phone, next, ripe, version, bound, waiting)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (person_id) DO UPDATE SET phone = excluded.phone, next = excluded.next, ripe = excluded.ripe,
			version = excluded.version, bound = excluded.bound, waiting = excluded.waiting`
	selectBinding = `SELECT person_id, phone, next, ripe, version, bound, waiting FROM identity_binding `
	getBinding    = selectBinding + `WHERE person_id = $1`
	ripeBindings  = selectBinding + `WHERE ripe > 0 AND ripe <= $1 ORDER BY ripe, person_id LIMIT $2`
	claimants     = `SELECT b.person_id, 1, b.phone FROM identity_binding b WHERE b.phone = $1 AND length(b.phone) > 0
		UNION
		SELECT f.person_id, 0, f.mac FROM identity_phone f WHERE f.tag = $1 AND NOT EXISTS (
			SELECT 1 FROM identity_binding o WHERE o.person_id = f.person_id AND length(o.phone) > 0)
		ORDER BY 1`

	putGuardian = `INSERT INTO identity_guardian (guardian_id, child_id, recorded, proof, office, ended)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (guardian_id, child_id, recorded) DO UPDATE SET ended = excluded.ended
			WHERE identity_guardian.ended = 0`
	selectGuardian = `SELECT guardian_id, child_id, recorded, proof, office, ended FROM identity_guardian `
	childrenOf     = selectGuardian + `WHERE guardian_id = $1 AND ended = 0 ORDER BY child_id, recorded`
	guardiansOf    = selectGuardian + `WHERE child_id = $1 AND ended = 0 ORDER BY guardian_id, recorded`

	putGuesses = `INSERT INTO identity_guess (nik, day, wrong, sent) VALUES ($1, $2, $3, $4)
		ON CONFLICT (nik) DO UPDATE SET day = excluded.day, wrong = excluded.wrong, sent = excluded.sent`
	getGuesses  = `SELECT day, wrong, sent FROM identity_guess WHERE nik = $1`
	oldGuesses  = `SELECT nik FROM identity_guess WHERE day < $1 ORDER BY day, nik LIMIT $2`
	dropGuesses = `DELETE FROM identity_guess WHERE nik = $1`
)

type bindings struct{ *Tx }

var _ identity.BindingStore = bindings{}

func (t bindings) Put(b identity.StoredBinding) error {
	return t.exec(putBinding, func(a *Args) {
		a.Number(uint64(b.Person))
		a.Bytes(given(&b.Phone))
		a.Bytes(given(&b.Next))
		a.Time(b.Ripe)
		a.Number(b.Version)
		a.Bytes(b.Bound)
		a.Bytes(b.Waiting)
	})
}

// given is a tag as stored: empty when there is none.
func given(tag *identity.Tag) []byte {
	if *tag == (identity.Tag{}) {
		return []byte{}
	}
	return tag[:]
}

func (t bindings) Get(who identity.PersonID) (b identity.StoredBinding, err error) {
	err = t.query(getBinding,
		func(a *Args) { a.Number(uint64(who)) },
		func(r Row) error {
			b = binding(r)
			return nil
		})
	return b, err
}

func (t bindings) Claimants(phone identity.Tag) (out []identity.PersonID, err error) {
	if phone == (identity.Tag{}) {
		return nil, t.err
	}
	bad := false
	err = t.query(claimants,
		func(a *Args) { a.Bytes(phone[:]) },
		func(r Row) error {
			who := identity.PersonID(r.Int(0))
			if r.Int(1) == 0 && !t.whole(store.SealPhone, r.Bytes(2), func(a *Args) { bindTag(a, &phone, who) }) {
				bad = true
			}
			out = append(out, who)
			return nil
		})
	if err == nil && bad {
		err = t.fail(store.ErrAltered)
	}
	for _, who := range out {
		if err == nil { // bound to it, or bound to no other
			err = t.held("identity_binding", func(a *Args) { a.Number(uint64(who)) })
		}
	}
	return out, err
}

func (t bindings) Ripe(at time.Time, n int) ([]identity.StoredBinding, error) {
	return firstGood(t.Tx, ripeBindings, n, func(a *Args) { a.Time(at) }, binding)
}

func binding(r Row) identity.StoredBinding {
	b := identity.StoredBinding{
		Binding: identity.Binding{Person: identity.PersonID(r.Int(0)), Ripe: moment(r.Int(3))},
		Version: uint64(r.Int(4)), Bound: r.Bytes(5), Waiting: r.Bytes(6),
	}
	copy(b.Phone[:], r.Bytes(1)) // empty when there is none
	copy(b.Next[:], r.Bytes(2))
	return b
}

type guardians struct{ *Tx }

var _ identity.GuardianStore = guardians{}

func (t guardians) Put(g identity.Guardianship) error {
	return t.exec(putGuardian, func(a *Args) {
		a.Number(uint64(g.Guardian))
		a.Number(uint64(g.Child))
		a.Time(g.Recorded)
		a.Int(int64(g.Proof))
		a.Text(g.Office)
		a.Time(g.Ended)
	})
}

func (t guardians) Of(guardian identity.PersonID) ([]identity.Guardianship, error) {
	return t.list(childrenOf, guardian)
}

func (t guardians) Guardians(child identity.PersonID) ([]identity.Guardianship, error) {
	return t.list(guardiansOf, child)
}

func (t guardians) list(sql string, who identity.PersonID) (out []identity.Guardianship, err error) {
	err = t.query(sql,
		func(a *Args) { a.Number(uint64(who)) },
		func(r Row) error {
			out = append(out, identity.Guardianship{
				Guardian: identity.PersonID(r.Int(0)), Child: identity.PersonID(r.Int(1)), Recorded: moment(r.Int(2)),
				Proof: identity.Proof(r.Int(3)), Office: r.Text(4), Ended: moment(r.Int(5)),
			})
			return nil
		})
	return out, err
}

type guesses struct{ *Tx }

var _ identity.GuessStore = guesses{}

func (t guesses) Put(nik identity.Tag, g identity.Guesses) error {
	return t.exec(putGuesses, func(a *Args) {
		a.Bytes(nik[:])
		a.Int(int64(g.Day))
		a.Int(int64(g.Wrong))
		a.Int(int64(g.Sent))
	})
}

func (t guesses) Get(nik identity.Tag) (g identity.Guesses, err error) {
	if err := t.held("identity_guess", func(a *Args) { a.Bytes(nik[:]) }); err != nil {
		return g, err
	}
	err = t.query(getGuesses,
		func(a *Args) { a.Bytes(nik[:]) },
		func(r Row) error {
			g = identity.Guesses{Day: day.Day(r.Int(0)), Wrong: int(r.Int(1)), Sent: int(r.Int(2))}
			return nil
		})
	return g, err
}

func (t guesses) Forget(before day.Day, n int) (int, error) {
	niks, err := firstGood(t.Tx, oldGuesses, n, func(a *Args) { a.Int(int64(before)) }, func(r Row) (nik identity.Tag) {
		r.Fixed(0, nik[:])
		return nik
	})
	if err != nil {
		return 0, err
	}
	err = t.execEach(dropGuesses, len(niks), func(i int, a *Args) { a.Bytes(niks[i][:]) }, nil)
	if err != nil {
		return 0, err
	}
	return len(niks), nil
}
