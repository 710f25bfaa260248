package care_test

import (
	"errors"
	"path/filepath"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// TestEditedRows: whoever writes the database serves nobody another record than the one
// that was entered. Each edit is made on a database of its own; a person whom it does not
// concern reads as before.
func TestEditedRows(t *testing.T) {
	for name, c := range map[string]struct {
		sql   string
		want  error // of opening all that person 1 has
		list  bool  // the list of versions is another one: nothing opens and nothing is written
		write error // of another write
	}{
		"nothing":                        {`SELECT 1`, nil, false, nil},
		"another record's of the person": {`UPDATE record_version SET sealed = (SELECT sealed FROM record_version WHERE person_id = 1 AND number = 65538 AND version = 2) WHERE person_id = 1 AND number = 65539`, care.ErrAltered, false, nil},
		"another person's":               {`UPDATE record_version SET sealed = (SELECT sealed FROM record_version WHERE person_id = 2 AND number = 65538) WHERE person_id = 1 AND number = 65539`, care.ErrAltered, false, nil},
		"a bit":                          {`UPDATE record_version SET sealed = CAST(sealed || x'00' AS BLOB) WHERE person_id = 1 AND number = 65538`, care.ErrAltered, false, nil},
		"an older version's":             {`UPDATE record_version SET sealed = (SELECT sealed FROM record_version WHERE person_id = 1 AND number = 65538 AND version = 1) WHERE person_id = 1 AND number = 65538 AND version = 2`, care.ErrAltered, false, nil},
		"a record deleted":               {`DELETE FROM record_version WHERE person_id = 1 AND number = 65539`, care.ErrAltered, true, nil},
		"a correction deleted":           {`DELETE FROM record_version WHERE person_id = 1 AND number = 65538 AND version = 2`, care.ErrAltered, true, nil},
		"an old version deleted":         {`DELETE FROM record_version WHERE person_id = 1 AND number = 65538 AND version = 1`, care.ErrAltered, true, nil},
		"the restriction deleted":        {`DELETE FROM record_version WHERE person_id = 1 AND number = 65537`, care.ErrAltered, true, nil},
		"all deleted":                    {`DELETE FROM record_version WHERE person_id = 1`, care.ErrAltered, true, nil},
		"another number":                 {`UPDATE record_version SET number = 70000 WHERE person_id = 1 AND number = 65539`, care.ErrAltered, true, nil},
		"given to another person":        {`UPDATE record_version SET person_id = 3 WHERE person_id = 1 AND number = 65539`, care.ErrAltered, true, nil},
		"a version invented":             {`INSERT INTO record_version (person_id, number, version, entered, sealed, blob, size) SELECT 1, 70000, 3, entered, sealed, blob, size FROM record_version WHERE person_id = 1 AND number = 65538 AND version = 1`, care.ErrAltered, true, nil},
		"when it came (sealed, too)":     {`UPDATE record_version SET entered = 1 WHERE person_id = 1`, nil, false, nil},
		"the highest version lowered":    {`UPDATE record_person SET last = 1 WHERE person_id = 1`, nil, false, keeper.ErrWriting},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			db, err := sqlite.Open(path, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s := caretest.New(t, db)
			who, other := s.Register(nikA, nameA, birthA), s.Register(nikB, "Budi Contoh", "1990-08-15")
			d := must(s, who, immunization(who, "2021-07-01", "208"), immunization(who, "2021-08-01", "208"))
			if _, err := s.Care.Correct(t.Context(), hospital, d.Placed[0].Ref, d.Version, s.Read(immunization(who, "2021-07-02", "208"))); err != nil {
				t.Fatal(err)
			}
			must(s, other, immunization(other, "2021-07-01", "208"))
			if err := s.Care.Hold(t.Context(), office, who, true, "court-order"); err != nil {
				t.Fatal(err)
			}
			edit(t, path, c.sql)
			all, err := s.Care.Everything(t.Context(), hospital, who)
			if !errors.Is(err, c.want) || err != nil && len(all) > 0 {
				t.Errorf("%d records, %v; want %v", len(all), err, c.want)
			}
			if n := count(s, other); n != 1 {
				t.Errorf("the other person has %d", n)
			}
			done, err := s.Care.Enter(t.Context(), hospital, []care.Entry{{Person: who, Items: []care.Item{{Resource: s.Read(immunization(who, "2021-09-01", "208"))}}}})
			if err != nil {
				t.Fatal(err)
			}
			rolledBack := c.list
			if got := done[0].Err; (got != nil) != rolledBack && !errors.Is(got, c.write) {
				t.Errorf("another write: %v", got)
			}
			for _, ref := range []record.Ref{d.Placed[0].Ref, d.Placed[1].Ref, {Person: who, Number: 70000}} {
				if _, err := s.Care.History(t.Context(), hospital, ref); rolledBack && !errors.Is(err, care.ErrAltered) {
					t.Errorf("history of %s: %v", ref, err)
				}
			}
		})
	}
}

func edit(t *testing.T, path, sql string) {
	t.Helper()
	c, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteTransient(c, sql, nil); err != nil {
		t.Fatal(err)
	}
}
