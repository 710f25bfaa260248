package server

import (
	"bytes"
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

func note(person byte, matter byte, part keeper.NotePart, text string) keeper.Note {
	return keeper.Note{Person: 1, Matter: [16]byte{7: matter, 15: person}, Part: part, Text: []byte(text)}
}

func sealNote(t *testing.T, k *Keeper, n keeper.Note) keeper.Note {
	t.Helper()
	out, err := k.people.SealNotes([]keeper.Note{n})
	if err != nil {
		t.Fatal(err)
	}
	n.Text = out[0]
	return n
}

func openNote(k *Keeper, n keeper.Note) ([]byte, error) {
	out, err := k.OpenNotes(keeper.RoleServe, importerOf(keeper.BudgetSelf), []keeper.Note{n})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// TestNotes: a note opens in its place only, its length tells nothing, and it is
// there after a restart.
func TestNotes(t *testing.T) {
	c := newClock()
	k := start(t, durabletest.New(1), c)
	register(t, k, 2)
	sealed := sealNote(t, k, note(0, 1, keeper.NoteFiled, "warna saya salah"))
	for _, n := range []keeper.Note{note(0, 2, keeper.NoteFiled, ""), note(0, 3, keeper.NoteAnswered, string(make([]byte, keeper.MaxNote)))} {
		other := sealNote(t, k, n)
		if len(other.Text) != len(sealed.Text) {
			t.Errorf("%d and %d bytes", len(other.Text), len(sealed.Text))
		}
		if got, err := openNote(k, other); err != nil || !bytes.Equal(got, n.Text) {
			t.Errorf("%q, %v", got, err)
		}
	}
	for name, spoil := range map[string]func(n *keeper.Note){
		"another person": func(n *keeper.Note) { n.Person = 2 },
		"another matter": func(n *keeper.Note) { n.Matter[0]++ },
		"another part":   func(n *keeper.Note) { n.Part = keeper.NoteAnswered },
		"altered":        func(n *keeper.Note) { n.Text = append(bytes.Clone(n.Text[:40]), n.Text[41:]...) },
		"empty":          func(n *keeper.Note) { n.Text = nil },
	} {
		bad := sealed
		spoil(&bad)
		if _, err := openNote(k, bad); !errors.Is(err, keeper.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, n := range map[string]keeper.Note{"nobody": {Person: 3}, "zero": {}} {
		if _, err := k.people.SealNotes([]keeper.Note{n}); !errors.Is(err, keeper.ErrPerson) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := note(0, 1, keeper.NoteFiled, string(make([]byte, keeper.MaxNote+1)))
	if _, err := k.people.SealNotes([]keeper.Note{long}); !errors.Is(err, keeper.ErrTooMany) {
		t.Errorf("too long: %v", err)
	}
	again := restart(t, k, c)
	t.Cleanup(func() { again.Close() })
	if got, err := openNote(again, sealed); err != nil || string(got) != "warna saya salah" {
		t.Errorf("after a restart: %q, %v", got, err)
	}
}

// TestNotesMoveNoHead: notes do not make what the database holds of a person look
// rolled back; a record's version, which is the control, does.
func TestNotesMoveNoHead(t *testing.T) {
	k, _ := fresh(t, 1)
	sealNote(t, k, note(0, 1, keeper.NoteFiled, "x"))
	if o, err := read(k, 1, person1()); err != nil || o.Err != nil || o.Behind {
		t.Errorf("%v %v behind %v", err, o.Err, o.Behind)
	}
	if _, err := write(k, 1, keeper.RecordNote, person1()); err != nil {
		t.Fatal(err)
	}
	if o, err := read(k, 1, person1()); err != nil || o.Err == nil && !o.Behind {
		t.Errorf("control: %v %v", err, o.Err)
	}
}

// TestNotesNeedAnIntent: what opens notes is counted and journaled before; a member
// of staff opens ten an hour.
func TestNotesNeedAnIntent(t *testing.T) {
	k, _ := fresh(t, 1)
	sealed := sealNote(t, k, note(0, 1, keeper.NoteFiled, "x"))
	if _, err := k.OpenNotes(keeper.RoleAdmin, keeper.Intent{}, []keeper.Note{sealed}); !errors.Is(err, keeper.ErrRole) {
		t.Errorf("without an intent: %v", err)
	}
	before, _ := k.Permits.Counts()
	staff := keeper.Intent{ID: [16]byte{1}, Actor: "desk/17", Purpose: "dispute", Budget: keeper.BudgetStaff}
	for n := range 11 {
		_, err := k.OpenNotes(keeper.RoleAdmin, staff, []keeper.Note{sealed})
		if n < 10 && err != nil || n == 10 && !errors.Is(err, keeper.ErrBudget) {
			t.Errorf("%d: %v", n, err)
		}
	}
	if n, _ := k.Permits.Counts(); n-before != 10 {
		t.Errorf("%d intents", n-before)
	}
}
