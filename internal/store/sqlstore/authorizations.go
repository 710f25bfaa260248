package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

const (
	addAuthorization = `INSERT INTO identity_authorization
			(id, partner_id, version, code, used, link_id, tries, expires, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO NOTHING`
	moveAuthorization = `UPDATE identity_authorization SET partner_id = $2, version = $3, code = $4, used = $5,
			link_id = $6, tries = $7, expires = $8, sealed = $9
		WHERE id = $1 AND version = $10`
	selectAuthorization = `SELECT id, partner_id, version, code, used, link_id, tries, expires, sealed
		FROM identity_authorization `
	getAuthorization     = selectAuthorization + `WHERE id = $1`
	codeAuthorization    = selectAuthorization + `WHERE code = $1 AND length(code) > 0`
	expiredAuthorization = `SELECT id FROM identity_authorization WHERE expires < $1 ORDER BY expires, id LIMIT $2`
	dropAuthorization    = `DELETE FROM identity_authorization WHERE id = $1`
)

type authorizations struct{ *Tx }

var _ identity.AuthorizationStore = authorizations{}

// Put leaves a lost race to a count of rows and not to a constraint: the
// transaction stays usable.
func (t authorizations) Put(z identity.Authorization) error {
	sql := addAuthorization
	if z.Version > 1 {
		sql = moveAuthorization
	}
	var wrote int64
	err := t.execEach(sql, 1, func(_ int, a *Args) {
		a.Bytes(z.ID[:])
		a.Number(uint64(z.Partner))
		a.Number(z.Version)
		a.Bytes(givenCode(&z.Code))
		a.Int(bit(z.Used))
		a.Bytes(z.Link[:])
		a.Int(int64(z.Tries))
		a.Time(z.Expires)
		a.Bytes(z.Sealed)
		if z.Version > 1 {
			a.Number(z.Version - 1)
		}
	}, func(_ int, rows int64) { wrote = rows })
	if err == nil && wrote == 0 {
		return identity.ErrNoAuthorization
	}
	return err
}

// givenCode is a code as stored: empty when none was given.
func givenCode(code *[32]byte) []byte {
	if *code == [32]byte{} {
		return []byte{}
	}
	return code[:]
}

func (t authorizations) Get(id identity.AuthorizationID) (identity.Authorization, error) {
	if err := t.held("identity_authorization", func(a *Args) { a.Bytes(id[:]) }); err != nil {
		return identity.Authorization{}, err
	}
	return t.one(getAuthorization, id[:])
}

func (t authorizations) ByCode(code [32]byte) (identity.Authorization, error) {
	z, err := t.one(codeAuthorization, givenCode(&code))
	if err == nil && z.Version > 0 {
		err = t.held("identity_authorization", func(a *Args) { a.Bytes(z.ID[:]) })
	}
	if err != nil {
		return identity.Authorization{}, err
	}
	return z, nil
}

func (t authorizations) one(sql string, key []byte) (z identity.Authorization, err error) {
	err = t.query(sql, func(a *Args) { a.Bytes(key) }, func(r Row) error {
		r.Fixed(0, z.ID[:])
		z.Partner, z.Version = partner.ID(r.Int(1)), uint64(r.Int(2))
		copy(z.Code[:], r.Bytes(3)) // empty when none was given
		z.Used = r.Int(4) != 0
		r.Fixed(5, z.Link[:])
		z.Tries, z.Expires, z.Sealed = int(r.Int(6)), moment(r.Int(7)), r.Bytes(8)
		return nil
	})
	return z, err
}

func (t authorizations) Forget(before time.Time, n int) (int, error) {
	ids, err := firstGood(t.Tx, expiredAuthorization, n, func(a *Args) { a.Time(before) }, func(r Row) (id identity.AuthorizationID) {
		r.Fixed(0, id[:])
		return id
	})
	if err != nil {
		return 0, err
	}
	gone := 0
	err = t.execEach(dropAuthorization, len(ids),
		func(i int, a *Args) { a.Bytes(ids[i][:]) },
		func(_ int, rows int64) { gone += int(rows) })
	if err != nil {
		return 0, err
	}
	return gone, nil
}
