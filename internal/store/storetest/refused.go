package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// editor is somebody who may write the database and has no key.
type editor struct {
	t      *testing.T
	db     LedgerDB
	exec   func(sql string)
	tables []store.Table
}

// set makes a table's rows what they are in a copy.
func (e *editor) set(table string, rows map[string][][]store.Value) {
	e.t.Helper()
	e.exec("DELETE FROM " + table)
	e.add(table, rows[table])
}

func (e *editor) add(table string, rows [][]store.Value) {
	e.t.Helper()
	for _, one := range e.tables {
		if one.Name == table {
			if err := e.db.Fill(e.t.Context(), one, rows); err != nil {
				e.t.Fatal(err)
			}
		}
	}
}

// seen is what becomes of reading.
type seen string

const (
	wasServed  seen = "served"
	wasRefused seen = "refused"
	wasNothing seen = "nothing is there"
)

func (e *editor) read(db store.DB, c ledgerCase) seen {
	e.t.Helper()
	var there bool
	err := db.Update(e.t.Context(), func(s store.Stores) (err error) {
		if there, err = c.read(s); err == nil {
			err = errUndo // some count when they are asked
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrAltered):
		return wasRefused
	case !errors.Is(err, errUndo):
		e.t.Fatal(err)
	case there:
		return wasServed
	}
	return wasNothing
}

var errUndo = errors.New("undo")

// prepare puts what rows of other tables refer to.
func prepare(s store.Stores) error {
	return errors.Join(s.People.Put(persons(1, 6)), s.Venues.Put(venue.Venue{ID: 1, Name: "x", Category: venue.Mall, Declared: 9, Doors: 1}))
}

// testRefused: a row that was edited, removed, put there or put back as it once was is gone
// by by nobody, also when the ledger was cut off to match; in a database that keeps no
// ledger it is.
func testRefused(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	covered := map[string]bool{}
	for _, c := range ledgerCases() {
		covered[c.table] = true
	}
	for _, name := range store.LedgerTables() {
		if !covered[name] {
			t.Errorf("no trial of %s", name)
		}
	}
	for name, kept := range map[string]bool{"kept": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			db, exec := open(t)
			if kept {
				keep(t, db, true)
			}
			update(t, db, prepare)
			for _, c := range ledgerCases() {
				t.Run(c.table, func(t *testing.T) { editOne(t, db, exec, c, kept) })
			}
		})
	}
}

// editOne edits a table in every way before it is read.
func editOne(t *testing.T, db LedgerDB, exec func(sql string), c ledgerCase, kept bool) {
	put := func(fn func(s store.Stores) error) {
		t.Helper()
		if fn != nil {
			update(t, db, fn)
		}
	}
	put(c.put)
	if c.read == nil {
		return // nobody goes by it but a check
	}
	tables, before := content(t, db)
	e := &editor{t, db, exec, tables}
	put(c.move)
	_, now := content(t, db)
	wants := func(what string, want seen, or lack) {
		t.Helper()
		if !kept {
			want = wasServed
		}
		if got := e.read(db, c); got != want && (got != wasNothing || c.lacks&or == 0) {
			t.Errorf("%s: %s", what, got)
		}
		e.set(c.table, now)
	}
	cut := func() {
		exec("DELETE FROM store_ledger WHERE seq > " + itoa(len(before["store_ledger"])))
		e.set(c.table, before)
		wants("rolled back with the ledger", wasRefused, leftOut)
		exec("DELETE FROM store_ledger")
		e.add("store_ledger", now["store_ledger"])
	}
	wants("as it was written", wasServed, nothing)
	if kept && c.move != nil {
		cut()
	}
	if err := db.FollowLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	wants("as it was written, followed", wasServed, nothing)
	exec("UPDATE " + c.table + " " + c.edit)
	wants("edited", wasRefused, leftOut)
	if kept {
		exec("DELETE FROM " + c.table)
		wants("removed", wasRefused, removed)
	}
	if c.move != nil {
		e.set(c.table, before)
		wants("rolled back", wasRefused, leftOut)
		if kept {
			cut()
		}
	}
	if !kept {
		return
	}
	keep(t, db, false) // a server that knows nothing by itself
	wants("as it was written, anew", wasServed, nothing)
	exec("DELETE FROM store_ledger WHERE name = '" + c.table + "'")
	wants("put there", wasRefused, leftOut)
	exec("DELETE FROM store_ledger")
	e.add("store_ledger", now["store_ledger"])
	if err := db.FollowLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// testFollowed: a ledger of which entries are missing is followed by no server, and rows of
// it are gone by by none; what another server wrote is known once it was followed, and what
// is written while others read does not confuse them.
func testFollowed(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	db, exec := open(t)
	keep(t, db, true)
	tries := func(n int) func(s store.Stores) error {
		return func(s store.Stores) error { return s.Guesses.Put(id16(1), identity.Guesses{Day: 9, Wrong: n}) }
	}
	read := func(s store.Stores) error { _, err := s.Guesses.Get(id16(1)); return err }
	for n := range 5 {
		update(t, db, tries(n))
	}
	if err := db.FollowLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	view(t, db, func(s store.Stores) error {
		if err := read(s); err != nil {
			return err
		}
		for n := range 3 { // later than the state that this transaction sees
			update(t, db, tries(10+n))
			if err := errors.Join(db.FollowLedger(t.Context()), read(s)); err != nil {
				return err
			}
		}
		return nil
	})
	update(t, db, read)
	exec("DELETE FROM store_ledger WHERE seq = 2")
	view(t, db, read) // it had been followed
	keep(t, db, false)
	if err := db.FollowLedger(t.Context()); !errors.Is(err, store.ErrLedger) {
		t.Errorf("an entry less: %v", err)
	}
	wantErr(t, db, store.ErrAltered, read)
	if err := db.Bare().View(t.Context(), read); err != nil {
		t.Error(err)
	}
}
