package check_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// cell is what an edit is of: a column of a table, its rows, or the store of documents.
type cell struct{ table, column string }

const (
	rowsOf    = "(row)"
	documents = "documents"
)

// shape is one table of the database.
type shape struct {
	columns, types, keys []string
}

// value is a row's, as SQLite has it.
type value any

// editor draws and makes edits.
type editor struct {
	*town
	rnd    *rand.Rand
	shapes map[string]shape
	cells  []cell
	now    map[string][][]value // rows, by table
	before map[string]map[string][]value
}

func newEditor(t *testing.T, s *town, seed uint64) *editor {
	t.Helper()
	e := &editor{town: s, rnd: rand.New(rand.NewPCG(seed, 1)), shapes: map[string]shape{}, now: map[string][][]value{}, before: map[string]map[string][]value{}}
	conn, err := zs.OpenConn(s.template(), zs.OpenReadOnly)
	must(t, err)
	defer conn.Close()
	must(t, sqlitex.ExecuteTransient(conn, `SELECT m.name, c.name, c.type, c.pk FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.name <> 'schema_migration' ORDER BY 1, c.cid`, &sqlitex.ExecOptions{ResultFunc: func(st *zs.Stmt) error {
		sh := e.shapes[st.ColumnText(0)]
		sh.columns, sh.types = append(sh.columns, st.ColumnText(1)), append(sh.types, st.ColumnText(2))
		if st.ColumnInt(3) > 0 {
			sh.keys = append(sh.keys, st.ColumnText(1))
		}
		e.shapes[st.ColumnText(0)] = sh
		return nil
	}}))
	older, err := zs.OpenConn(s.older(), zs.OpenReadOnly)
	must(t, err)
	defer older.Close()
	for _, table := range slices.Sorted(maps.Keys(e.shapes)) {
		sh := e.shapes[table]
		e.now[table] = rowsIn(t, conn, table, sh)
		if len(e.now[table]) < 1 {
			t.Errorf("table %s has no rows: edits of it prove nothing", table)
		}
		e.before[table] = map[string][]value{}
		for _, row := range rowsIn(t, older, table, sh) {
			e.before[table][e.key(table, row)] = row
		}
		for _, c := range append(slices.Clone(sh.columns), rowsOf) {
			e.cells = append(e.cells, cell{table, c})
		}
	}
	e.cells = append(e.cells, cell{documents, "content"}, cell{documents, rowsOf})
	return e
}

func rowsIn(t *testing.T, conn *zs.Conn, table string, sh shape) (out [][]value) {
	t.Helper()
	must(t, sqlitex.ExecuteTransient(conn, `SELECT "`+strings.Join(sh.columns, `","`)+`" FROM `+table, &sqlitex.ExecOptions{ResultFunc: func(st *zs.Stmt) error {
		var row []value
		for i := range sh.columns {
			switch st.ColumnType(i) {
			case zs.TypeInteger:
				row = append(row, st.ColumnInt64(i))
			case zs.TypeText:
				row = append(row, st.ColumnText(i))
			default:
				b := make([]byte, st.ColumnLen(i))
				st.ColumnBytes(i, b)
				row = append(row, b)
			}
		}
		out = append(out, row)
		return nil
	}}))
	return out
}

// at is a row's value of a column.
func (e *editor) at(table string, row []value, column string) value {
	return row[slices.Index(e.shapes[table].columns, column)]
}

// key names a row.
func (e *editor) key(table string, row []value) string {
	var b strings.Builder
	for _, k := range e.shapes[table].keys {
		fmt.Fprintf(&b, "%v/", e.at(table, row, k))
	}
	return b.String()
}

func same(a, b value) bool {
	if x, ok := a.([]byte); ok {
		y, _ := b.([]byte)
		return bytes.Equal(x, y)
	}
	return a == b
}

// flipped is another value of the same type.
func (e *editor) flipped(v value) value {
	switch v := v.(type) {
	case int64:
		if e.rnd.IntN(2) == 0 {
			return v + 1 - 2*int64(e.rnd.IntN(2))
		}
		return v ^ 1<<e.rnd.IntN(40)
	case string:
		if v == "" || e.rnd.IntN(4) == 0 {
			return v + "x"
		}
		b := []byte(v)
		b[e.rnd.IntN(len(b))] ^= 1
		return string(b)
	case []byte:
		if len(v) == 0 {
			return []byte{1}
		}
		b := slices.Clone(v)
		b[e.rnd.IntN(len(b))] ^= 1 << e.rnd.IntN(8)
		return b
	}
	return v
}

// statement is one change of the database.
type statement struct {
	sql  string
	args []any
}

func (e *editor) where(table string, row []value) (string, []any) {
	var parts []string
	var args []any
	for _, k := range e.shapes[table].keys {
		parts, args = append(parts, `"`+k+`" = ?`), append(args, e.at(table, row, k))
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

func (e *editor) set(table string, row []value, column string, v value) statement {
	where, args := e.where(table, row)
	return statement{`UPDATE ` + table + ` SET "` + column + `" = ?` + where, append([]any{v}, args...)}
}

func (e *editor) insert(table string, row []value) statement {
	sh := e.shapes[table]
	var args []any
	for _, v := range row {
		args = append(args, v)
	}
	return statement{`INSERT INTO ` + table + ` ("` + strings.Join(sh.columns, `","`) + `") VALUES (?` + strings.Repeat(",?", len(sh.columns)-1) + `)`, args}
}

func (e *editor) drop(table string, row []value) statement {
	where, args := e.where(table, row)
	return statement{`DELETE FROM ` + table + where, args}
}

// draw draws an edit of a cell: its name, and what it takes; none when the draw would
// change nothing.
func (e *editor) draw(c cell) (op string, do []statement) {
	rows := e.now[c.table]
	row := rows[e.rnd.IntN(len(rows))]
	was, had := e.before[c.table][e.key(c.table, row)]
	if c.column == rowsOf {
		switch e.rnd.IntN(3) {
		case 0:
			return "delete", []statement{e.drop(c.table, row)}
		case 1:
			sh, fresh := e.shapes[c.table], slices.Clone(row)
			i := slices.Index(sh.columns, sh.keys[e.rnd.IntN(len(sh.keys))])
			fresh[i] = e.flipped(fresh[i])
			return "insert", []statement{e.insert(c.table, fresh)}
		}
		if !had || slices.EqualFunc(was, row, same) {
			return "roll back", nil
		}
		return "roll back", []statement{e.drop(c.table, row), e.insert(c.table, was)}
	}
	v := e.at(c.table, row, c.column)
	switch e.rnd.IntN(4) {
	case 0:
		return "flip", []statement{e.set(c.table, row, c.column, e.flipped(v))}
	case 1:
		other := rows[e.rnd.IntN(len(rows))]
		if w := e.at(c.table, other, c.column); !same(v, w) && !slices.Contains(e.shapes[c.table].keys, c.column) {
			return "swap", []statement{e.set(c.table, row, c.column, w), e.set(c.table, other, c.column, v)}
		}
		return "swap", nil
	case 2:
		if !had || same(e.at(c.table, was, c.column), v) {
			return "roll back", nil
		}
		return "roll back", []statement{e.set(c.table, row, c.column, e.at(c.table, was, c.column))}
	}
	from := c.table // a value of the same name, of whatever table
	if names := e.named(c.column); len(names) > 1 {
		from = names[e.rnd.IntN(len(names))]
	}
	w := e.at(from, e.now[from][e.rnd.IntN(len(e.now[from]))], c.column)
	if same(v, w) {
		return "re-point", nil
	}
	return "re-point", []statement{e.set(c.table, row, c.column, w)}
}

func (e *editor) named(column string) (out []string) {
	for _, table := range slices.Sorted(maps.Keys(e.shapes)) {
		if slices.Contains(e.shapes[table].columns, column) && len(e.now[table]) > 0 {
			out = append(out, table)
		}
	}
	return out
}

// edit is one drawn edit.
type edit struct {
	cell
	op    string
	do    []statement
	files func(dir string) error // of documents
}

// next draws the next edit that changes something.
func (e *editor) next(t *testing.T) edit {
	for {
		c := e.cells[e.rnd.IntN(len(e.cells))]
		if c.table == documents {
			op, files := e.paper(t, c)
			return edit{cell: c, op: op, files: files}
		}
		if op, do := e.draw(c); len(do) > 0 {
			return edit{cell: c, op: op, do: do}
		}
	}
}

// paper draws an edit of a document.
func (e *editor) paper(t *testing.T, c cell) (string, func(dir string) error) {
	t.Helper()
	var names []string
	must(t, filepath.WalkDir(e.documents(), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "0" {
			rel, _ := filepath.Rel(e.documents(), path)
			names = append(names, rel)
		}
		return err
	}))
	one, other := names[e.rnd.IntN(len(names))], names[e.rnd.IntN(len(names))]
	change := func(fn func(b []byte) []byte) func(dir string) error {
		return func(dir string) error {
			b, err := os.ReadFile(filepath.Join(dir, one))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, one), fn(b), 0o600)
		}
	}
	at := e.rnd.IntN(40_000)
	if c.column == rowsOf {
		if e.rnd.IntN(2) == 0 {
			return "delete", func(dir string) error { return os.Remove(filepath.Join(dir, one)) }
		}
		return "insert", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, filepath.Dir(one), fmt.Sprintf("%060x", at+1)), []byte("x"), 0o600)
		}
	}
	switch e.rnd.IntN(4) {
	case 0:
		return "flip", change(func(b []byte) []byte { b[at%len(b)] ^= 1; return b })
	case 1:
		return "truncate", change(func(b []byte) []byte { return b[:at%len(b)] })
	case 2:
		return "extend", change(func(b []byte) []byte { return append(b, byte(at)) })
	}
	if one == other {
		return "delete", func(dir string) error { return os.Remove(filepath.Join(dir, one)) }
	}
	return "swap", func(dir string) error {
		a, b := filepath.Join(dir, one), filepath.Join(dir, other)
		return errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b))
	}
}

var errEngine = errors.New("the database refused the edit")

// engine makes edits on a copy of the town's database.
type engine interface {
	// with makes some and hands the database to fn; errEngine when it refuses them.
	with(t *testing.T, do []statement, fn func(db check.Database) error) error
}

// try makes an edit and says what a check finds.
func (s *town) try(t *testing.T, on engine, ed edit, alter func(*check.Check)) (out []check.Finding, err error) {
	papers := s.documents()
	if ed.files != nil {
		dir, err := os.MkdirTemp(s.dir, "papers")
		must(t, err)
		defer os.RemoveAll(dir)
		papers = filepath.Join(dir, "documents")
		s.cloneDocuments(t, papers)
		must(t, ed.files(papers))
	}
	err = on.with(t, ed.do, func(db check.Database) error {
		c := check.Check{
			DB: db, Keeper: s.k, Blobs: disk.Look(durable.OS(papers)), Log: s.keys.Log[:], LedgerKey: []byte(s.keys.Ledger), Mark: s.mark,
			Site: deskSite, Actor: "test", VisitDays: 30, Found: func(f check.Finding) error { out = append(out, f); return nil },
		}
		if alter != nil {
			alter(&c)
		}
		_, err := c.Run(t.Context())
		return err
	})
	return out, err
}

// sqliteCopy is a copy of the town's database: an edit is made beside who has it open, and
// undone after the check.
type sqliteCopy struct {
	db   *sqlite.DB
	conn *zs.Conn
	e    *editor
}

func newSQLiteCopy(t *testing.T, s *town) *sqliteCopy {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	s.copyTo(t, s.template(), path)
	db, err := sqlite.Open(path, sqlite.Options{Limit: time.Minute, Readers: 2})
	must(t, err)
	conn, err := zs.OpenConn(path, zs.OpenReadWrite)
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(conn.Close(), db.Close())) })
	return &sqliteCopy{db, conn, newEditor(t, s, 0)}
}

func (c *sqliteCopy) run(do []statement, keys string) error {
	err := sqlitex.ExecuteTransient(c.conn, "PRAGMA foreign_keys = "+keys, nil)
	for _, st := range append(append([]statement{{sql: "BEGIN IMMEDIATE"}}, do...), statement{sql: "COMMIT"}) {
		if err == nil {
			err = sqlitex.ExecuteTransient(c.conn, st.sql, &sqlitex.ExecOptions{Args: st.args})
		}
	}
	if err != nil && !c.conn.AutocommitEnabled() {
		err = errors.Join(err, sqlitex.ExecuteTransient(c.conn, "ROLLBACK", nil))
	}
	return err
}

func (c *sqliteCopy) with(t *testing.T, do []statement, fn func(db check.Database) error) error {
	if err := c.run(do, "OFF"); err != nil {
		return errors.Join(errEngine, err)
	}
	var undo []statement
	for table := range touched(do) {
		undo = append(undo, statement{sql: "DELETE FROM " + table})
		for _, row := range c.e.now[table] {
			undo = append(undo, c.e.insert(table, row))
		}
	}
	defer func() { must(t, c.run(undo, "OFF")) }()
	return fn(c.db)
}

var tableOf = regexp.MustCompile(`^(?:UPDATE|INSERT INTO|DELETE FROM) (\w+)`)

// touched are the tables of statements.
func touched(do []statement) map[string]bool {
	out := map[string]bool{}
	for _, st := range do {
		out[tableOf.FindStringSubmatch(st.sql)[1]] = true
	}
	return out
}

// tally counts edits of a table by what became of them.
type tally struct{ edits, detected, harmless, open, refused int }

// TestEdits is the administrator of the database: edits drawn uniformly over every
// table, column and document, on SQLite and on PostgreSQL. Each is found by a check, or
// refused by it with an error, or docs/dba.md has the argument why it does nothing to
// anybody, or says that it is open. TestEditsUnbound is the control.
func TestEdits(t *testing.T) {
	n, on, workers := 150, 40, 1
	if os.Getenv("SOAK") == "1" {
		n, on, workers = 10_000, 3_000, 4
	}
	s := newTown(t)
	t.Run("sqlite", func(t *testing.T) { editAll(t, s, func() engine { return newSQLiteCopy(t, s) }, n, workers, 4) })
	t.Run("postgres", func(t *testing.T) { editAll(t, s, func() engine { return newPostgresCopy(t, s) }, on, 1, 5) })
}

func editAll(t *testing.T, s *town, open func() engine, n, workers int, seed uint64) {
	on := open()
	if found, err := s.try(t, on, edit{}, nil); err != nil || len(found) > 0 {
		t.Fatalf("before any edit: %v\n%s", err, noted(found))
	}
	argued := arguments(t)
	e := newEditor(t, s, seed)
	work := make(chan edit, workers)
	tallies, passed, unargued := map[string]*tally{}, map[string]int{}, map[string]int{}
	var mu sync.Mutex
	var done sync.WaitGroup
	for i := range workers {
		mine := on
		if i > 0 {
			mine = open()
		}
		done.Go(func() {
			for ed := range work {
				found, err := s.try(t, mine, ed, nil)
				mu.Lock()
				y := tallies[ed.table]
				if y == nil {
					y = &tally{}
					tallies[ed.table] = y
				}
				what := ed.table + "." + ed.column + " " + ed.op
				switch kind, isArgued := argued[ed.cell]; {
				case errors.Is(err, errEngine):
					y.refused++
					y.edits--
				case err != nil, len(found) > 0:
					y.detected++
				case kind == "open":
					y.open++
					passed[what]++
				case isArgued:
					y.harmless++
					passed[what]++
				default:
					unargued[what]++
				}
				y.edits++
				mu.Unlock()
			}
		})
	}
	for range n {
		work <- e.next(t)
	}
	close(work)
	done.Wait()
	for what, n := range unargued {
		t.Errorf("%s: %d edits went unseen, and docs/dba.md has no argument", what, n)
	}
	t.Logf("went unseen: %v", passed)
	report(t, tallies)
}

func report(t *testing.T, tallies map[string]*tally) {
	t.Helper()
	var b strings.Builder
	sum := tally{}
	line := func(name string, y tally) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", name, y.edits, y.detected, y.harmless, y.open, y.refused)
	}
	for _, table := range slices.Sorted(maps.Keys(tallies)) {
		y := *tallies[table]
		line(table, y)
		sum.edits, sum.detected, sum.harmless, sum.open, sum.refused = sum.edits+y.edits, sum.detected+y.detected, sum.harmless+y.harmless, sum.open+y.open, sum.refused+y.refused
	}
	line("all", sum)
	t.Logf("| table | edits | detected | harmless | open | refused by the engine |\n%s", b.String())
}

// arguments reads docs/dba.md: what a check does not see, and why that does nothing to
// anybody or that it is open.
func arguments(t *testing.T) map[cell]string {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/dba.md")
	must(t, err)
	out, kind := map[cell]string{}, ""
	for line := range strings.Lines(string(raw)) {
		switch {
		case strings.HasPrefix(line, "## Harmless"):
			kind = "harmless"
		case strings.HasPrefix(line, "## Open"):
			kind = "open"
		case strings.HasPrefix(line, "## "):
			kind = ""
		}
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if kind == "" || len(cells) != 3 || cells[0] == "table" || strings.HasPrefix(cells[0], "-") {
			continue
		}
		for _, column := range strings.Split(cells[1], ", ") {
			out[cell{cells[0], column}] = kind
		}
	}
	return out
}
