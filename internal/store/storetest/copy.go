package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

// CopyDB is a database whose tables can be copied.
type CopyDB interface {
	store.DB
	store.Copier
}

// RunCopy runs the contract of store.Copier.
func RunCopy(t *testing.T, open func(t *testing.T) CopyDB) {
	t.Run("every table", func(t *testing.T) { testCopyAll(t, open(t), open(t)) })
	t.Run("one state", func(t *testing.T) { testCopyState(t, open(t)) })
	t.Run("order", func(t *testing.T) { testCopyOrder(t, open(t)) })
	t.Run("another shape", func(t *testing.T) { testCopyShape(t, open(t)) })
}

// content is every row of a snapshot, by table.
func content(t *testing.T, db store.Copier) (tables []store.Table, rows map[string][][]store.Value) {
	t.Helper()
	rows = map[string][][]store.Value{}
	if err := db.Snapshot(t.Context(), func(s store.Snapshot) (err error) {
		if tables, err = s.Tables(); err != nil {
			return err
		}
		for _, table := range tables {
			if err := s.Rows(table, func(row []store.Value) error {
				rows[table.Name] = append(rows[table.Name], row)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return tables, rows
}

// fill puts a little of everything that has parents, texts and bytes.
func fill(t *testing.T, db store.DB) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		people := persons(1, 600)
		people[3].Sealed = nil
		return errors.Join(
			s.People.Put(people),
			s.Progress.SetProgress(identity.Progress{Source: "é \x01 / Z", Offset: -5, Updated: at(3)}),
			s.Progress.SetProgress(identity.Progress{Source: "", Offset: 1<<62 + 1}),
			s.Log.Put([]accesslog.Leaf{leaf(1, 0, 3), leaf(1, 1, 0), leaf(2, 0, 256)}),
			enter(s, 1),
		)
	})
}

// enter puts a health record of somebody, whose row the engine numbers.
func enter(s store.Stores, who identity.PersonID) error {
	_, err := s.Records.Put([]record.Write{{Person: who, Rows: []record.Row{{Person: who, Number: record.Entered, Version: 1, Entered: at(1), Sealed: sealed(1, 40)}}, Follow: []record.Number{record.Entered}}})
	return err
}

func testCopyAll(t *testing.T, from, to CopyDB) {
	fill(t, from)
	tables, rows := content(t, from)
	if len(tables) < 20 || len(rows["identity_person"]) != 600 || len(rows["accesslog_leaf"]) != 3 || len(rows["identity_progress"]) != 2 {
		t.Fatalf("%d tables; %d people, %d leaves", len(tables), len(rows["identity_person"]), len(rows["accesslog_leaf"]))
	}
	for _, table := range tables {
		for part := range slices.Chunk(rows[table.Name], 250) {
			if err := to.Fill(t.Context(), table, part); err != nil {
				t.Fatalf("fill %s: %v", table.Name, err)
			}
		}
	}
	again, copied := content(t, to)
	same(t, "tables", again, tables)
	same(t, "rows", copied, rows)
	update(t, to, func(s store.Stores) error { return enter(s, 2) }) // numbers go on
	same(t, "people", getPeople(t, to, 1, 4, 600), getPeople(t, from, 1, 4, 600))
	if err := to.Fill(t.Context(), tables[0], rows[tables[0].Name]); len(rows[tables[0].Name]) > 0 && !errors.Is(err, store.ErrConstraint) {
		t.Errorf("rows that are there: %v", err)
	}
}

// testCopyState: what others write meanwhile is not in a snapshot, and they do not
// wait for it.
func testCopyState(t *testing.T, db CopyDB) {
	fill(t, db)
	if err := db.Snapshot(t.Context(), func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		update(t, db, func(s store.Stores) error { return s.People.Put(persons(1001, 1003)) })
		n := 0
		for _, table := range tables {
			if table.Name == "identity_person" {
				err = errors.Join(err, s.Rows(table, func([]store.Value) error { n++; return nil }))
			}
		}
		if n != 600 {
			t.Errorf("%d people in a snapshot of 600", n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	mine := errors.New("mine")
	if err := db.Snapshot(t.Context(), func(store.Snapshot) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("fn's error became %v", err)
	}
}

// testCopyOrder: rows ascend by key, texts by their bytes on every engine.
func testCopyOrder(t *testing.T, db CopyDB) {
	sources := []string{"a", "B", "_", "é", "z", "Z", "10", "9", ""}
	update(t, db, func(s store.Stores) (err error) {
		for _, name := range sources {
			err = errors.Join(err, s.Progress.SetProgress(identity.Progress{Source: name, Updated: time.UnixMicro(7)}))
		}
		return err
	})
	tables, rows := content(t, db)
	var table store.Table
	for _, one := range tables {
		if one.Name == "identity_progress" {
			table = one
		}
	}
	at := slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == "source" && c.Key == 1 && c.Kind == store.TextValue })
	if at < 0 {
		t.Fatalf("columns %+v", table.Columns)
	}
	var got []string
	for _, row := range rows[table.Name] {
		got = append(got, string(row[at].Bytes))
	}
	slices.Sort(sources)
	same(t, "order", got, sources)
}

func testCopyShape(t *testing.T, db CopyDB) {
	tables, _ := content(t, db)
	odd := tables[0]
	odd.Columns = append(slices.Clone(odd.Columns), store.Column{Name: "zz", Kind: store.IntValue})
	for name, table := range map[string]store.Table{
		"a column more": odd, "no such table": {Name: "nothing", Columns: odd.Columns}, `a name with "`: {Name: `x"; DROP TABLE identity_person; --`, Columns: tables[0].Columns},
	} {
		if err := db.Fill(t.Context(), table, nil); !errors.Is(err, store.ErrShape) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
