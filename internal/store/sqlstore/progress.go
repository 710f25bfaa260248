package sqlstore

import "github.com/amanah-project/amanah/internal/domain/identity"

const (
	getProgress = `SELECT taken, added, refused, updated FROM identity_progress WHERE source = $1`
	setProgress = `INSERT INTO identity_progress (source, taken, added, refused, updated)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (source) DO UPDATE SET taken = excluded.taken, added = excluded.added,
			refused = excluded.refused, updated = excluded.updated`
)

type progress struct{ *Tx }

var _ identity.ProgressStore = progress{}

func (t progress) Progress(source string) (identity.Progress, error) {
	var p identity.Progress
	err := t.query(getProgress,
		func(a *Args) { a.Text(source) },
		func(r Row) error {
			p = identity.Progress{
				Source: source, Offset: r.Int(0), Added: r.Int(1), Refused: r.Int(2), Updated: moment(r.Int(3)),
			}
			return nil
		})
	return p, err
}

func (t progress) SetProgress(p identity.Progress) error {
	return t.exec(setProgress, func(a *Args) {
		a.Text(p.Source)
		a.Int(p.Offset)
		a.Int(p.Added)
		a.Int(p.Refused)
		a.Time(p.Updated)
	})
}
