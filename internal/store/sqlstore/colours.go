package sqlstore

import (
	"math"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
)

const (
	getColour   = `SELECT version, sealed FROM status_colour WHERE person_id = $1`
	walkColours = `SELECT person_id, version, sealed FROM status_colour
		WHERE person_id > $1 ORDER BY person_id LIMIT $2`
	putColour = `INSERT INTO status_colour (person_id, version, sealed) VALUES ($1, $2, $3)
		ON CONFLICT (person_id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed
		WHERE status_colour.version < excluded.version`
	getEvidence = `SELECT version, sealed FROM status_evidence WHERE person_id = $1`
	putEvidence = `INSERT INTO status_evidence (person_id, version, sealed) VALUES ($1, $2, $3)
		ON CONFLICT (person_id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed
		WHERE status_evidence.version < excluded.version`
)

type colours struct{ *Tx }

var _ status.Store = colours{}

func (t colours) Colours(ids []identity.PersonID) ([]status.SealedColour, error) {
	out := make([]status.SealedColour, len(ids))
	err := t.queryEach(getColour, len(ids),
		func(i int, a *Args) {
			out[i].Person = ids[i]
			a.Number(uint64(ids[i]))
		},
		func(i int, r Row) error {
			out[i].Version, out[i].Sealed = colourVersion(r.Int(0)), r.Bytes(1)
			return nil
		})
	return out, err
}

func (t colours) PutColours(rows []status.SealedColour) error {
	return t.execEach(putColour, len(rows), func(i int, a *Args) {
		a.Number(uint64(rows[i].Person))
		a.Number(uint64(rows[i].Version))
		a.Bytes(rows[i].Sealed)
	}, nil)
}

func (t colours) WalkColours(after identity.PersonID, n int) ([]status.SealedColour, error) {
	var out []status.SealedColour
	err := t.walk(walkColours, uint64(after), n, func(r Row) error {
		out = append(out, status.SealedColour{
			Person: identity.PersonID(r.Int(0)), Version: colourVersion(r.Int(1)), Sealed: r.Bytes(2),
		})
		return nil
	})
	return out, err
}

func (t colours) Evidence(ids []identity.PersonID) ([]status.SealedEvidence, error) {
	out := make([]status.SealedEvidence, len(ids))
	err := t.queryEach(getEvidence, len(ids),
		func(i int, a *Args) {
			out[i].Person = ids[i]
			a.Number(uint64(ids[i]))
		},
		func(i int, r Row) error {
			out[i].Version, out[i].Sealed = uint64(r.Int(0)), r.Bytes(1)
			return nil
		})
	return out, err
}

func (t colours) PutEvidence(rows []status.SealedEvidence) error {
	return t.execEach(putEvidence, len(rows), func(i int, a *Args) {
		a.Number(uint64(rows[i].Person))
		a.Number(rows[i].Version)
		a.Bytes(rows[i].Sealed)
	}, nil)
}

// colourVersion reads a version; one that is none, as only somebody else writes it, is the
// last that there could be, which nothing is sealed as.
func colourVersion(n int64) uint32 {
	if n < 0 || n > math.MaxUint32 {
		return math.MaxUint32
	}
	return uint32(n)
}
