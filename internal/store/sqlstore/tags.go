package sqlstore

import (
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// bindTag binds what store.SealNIK and store.SealPhone cover: whose a NIK or a telephone
// number is. It never changes, so that a row whose MAC holds is true as long as its person
// is there, also when it is put back.
func bindTag(a *Args, tag *identity.Tag, who identity.PersonID) {
	a.Bytes(tag[:])
	a.Number(uint64(who))
}

// tagAll gives every row of a table of tags its MAC, of a database from before there
// were any.
func (t *Tx) tagAll(name string) error {
	table := store.Seals()[name].Table
	untagged := `SELECT tag, person_id FROM ` + quote(table) + ` WHERE (tag, person_id) > ($1, $2) AND length(mac) = 0
		ORDER BY tag, person_id LIMIT $3`
	sealTag := `UPDATE ` + quote(table) + ` SET mac = $3 WHERE tag = $1 AND person_id = $2`
	type row struct {
		tag []byte
		who int64
	}
	bind := func(a *Args, r row) {
		a.Bytes(r.tag)
		a.Int(r.who)
	}
	for last := (row{tag: []byte{}}); ; {
		var some []row
		if err := t.queryEach(untagged, 1, func(_ int, a *Args) {
			bind(a, last)
			a.Int(sealAtOnce)
		}, func(_ int, r Row) error {
			some = append(some, row{r.Bytes(0), r.Int(1)})
			return nil
		}); err != nil {
			return err
		}
		if len(some) == 0 {
			return nil
		}
		if err := t.execEach(sealTag, len(some), func(i int, a *Args) {
			bind(a, some[i])
			a.Bytes(t.seal(name, a.List))
		}, nil); err != nil {
			return err
		}
		last = some[len(some)-1]
	}
}
