package storetest

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

func recordCases() []testCase {
	return []testCase{
		{"Records/put and get", testRecords},
		{"Records/over what the writer saw", testRecordFence},
		{"Records/one of many writers", testRecordRace},
		{"Records/what colours follow", testFollow},
		{"Records/sources", testSources},
		{"Records/out of range", testRecordRange},
		{"Uploads/begun, stale and held", testUploads},
		{"Sent/put, found and noted", testSent},
		{"Notices/put, due, moved and dropped", testNotices},
		{"Aside/set and step", testAside},
		{"Aside/one of many", testAsideRace},
	}
}

// rowOf is a version of a record.
func rowOf(person, number, version int) record.Row {
	r := record.Row{
		Person: identity.PersonID(person), Number: record.First + record.Number(number), Version: uint64(version),
		Entered: at(version), Sealed: sealed(person+number*7+version, 285),
	}
	if number%2 == 1 {
		r.Blob, r.Size = id32(person+number+version), int64(1)<<40
		r.Known = sealed(person*3+number+version, 49+4*32)
	}
	return r
}

// writeOf is a write of some records of a person over a version.
func writeOf(person, last, version int, numbers ...int) record.Write {
	w := record.Write{Person: identity.PersonID(person), Last: uint64(last)}
	for _, n := range numbers {
		w.Rows = append(w.Rows, rowOf(person, n, version))
	}
	return w
}

func putRecords(t *testing.T, db store.DB, writes ...record.Write) (moved []int) {
	t.Helper()
	update(t, db, func(s store.Stores) (err error) {
		moved, err = s.Records.Put(writes)
		return err
	})
	return moved
}

// sameRows compares rows but for the store's own numbers.
func sameRows(t *testing.T, what string, got, want []record.Row) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(record.Row{}, "Seq")); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func testRecords(t *testing.T, db store.DB) {
	same(t, "moved", putRecords(t, db, writeOf(2, 0, 1, 3, 2), writeOf(1, 0, 4, 0)), nil)
	same(t, "moved", putRecords(t, db, writeOf(2, 1, 9, 2, 4)), nil)
	view(t, db, func(s store.Stores) error {
		got, err1 := s.Records.Versions(2)
		same(t, "versions", got, []record.Version{{Number: record.First + 2, Version: 1}, {Number: record.First + 2, Version: 9}, {Number: record.First + 3, Version: 1}, {Number: record.First + 4, Version: 9}})
		nobody, err2 := s.Records.Versions(3)
		same(t, "of nobody", nobody, nil)
		rows, err3 := s.Records.Get(2, []record.Version{{Number: record.First + 4, Version: 9}, {Number: record.First + 4, Version: 1}, {Number: record.First + 3, Version: 1}})
		sameRows(t, "rows", rows, []record.Row{rowOf(2, 4, 9), {}, rowOf(2, 3, 1)})
		others, err4 := s.Records.Get(1, []record.Version{{Number: record.First + 4, Version: 9}})
		sameRows(t, "another's", others, []record.Row{{}})
		var all []record.Row
		for after := uint64(0); ; {
			page, err := s.Records.Walk(after, 2)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				if r.Seq <= after {
					t.Errorf("row %d after %d", r.Seq, after)
				}
				after = r.Seq
			}
			all = append(all, page...)
		}
		sameRows(t, "all, in order of arrival", all, []record.Row{rowOf(2, 3, 1), rowOf(2, 2, 1), rowOf(1, 0, 4), rowOf(2, 2, 9), rowOf(2, 4, 9)})
		return errors.Join(err1, err2, err3, err4)
	})
}

// testRecordFence: who did not see what is there writes nothing, and holds up nobody.
func testRecordFence(t *testing.T, db store.DB) {
	putRecords(t, db, writeOf(1, 0, 2, 1), writeOf(2, 0, 2, 1))
	moved := putRecords(t, db, writeOf(1, 0, 3, 2), writeOf(3, 0, 1, 1), writeOf(2, 1, 3, 2), writeOf(4, 7, 8, 1), writeOf(2, 2, 4, 2), writeOf(2, 2, 5, 3))
	same(t, "moved", moved, []int{0, 2, 3, 5})
	view(t, db, func(s store.Stores) error {
		for who, want := range map[identity.PersonID]int{1: 1, 2: 2, 3: 1, 4: 0} {
			got, err := s.Records.Versions(who)
			if err != nil {
				return err
			}
			if len(got) != want {
				t.Errorf("person %d has %d versions, want %d", who, len(got), want)
			}
		}
		return nil
	})
}

// testRecordRace: of many that write over the same versions one does, each time.
func testRecordRace(t *testing.T, db store.DB) {
	var wrote atomic.Int64
	together(func(g int) {
		for range 5 {
			var moved []int
			err := persist(db, func(s store.Stores) error {
				have, err := s.Records.Versions(1)
				if err != nil {
					return err
				}
				last := 0
				for _, v := range have {
					last = max(last, int(v.Version))
				}
				moved, err = s.Records.Put([]record.Write{writeOf(1, last, last+1+g, g)})
				return err
			})
			if err != nil {
				t.Errorf("put: %v", err)
				return
			}
			if len(moved) == 0 {
				wrote.Add(1)
			}
		}
	})
	view(t, db, func(s store.Stores) error {
		have, err := s.Records.Versions(1)
		if int64(len(have)) != wrote.Load() || len(have) == 0 {
			t.Errorf("%d versions after %d writes", len(have), wrote.Load())
		}
		return err
	})
}

func testFollow(t *testing.T, db store.DB) {
	one, two := writeOf(1, 0, 1, 1, 2, 3), writeOf(2, 0, 1, 1)
	one.Follow, two.Follow = []record.Number{record.First + 3, record.First + 1}, []record.Number{record.First + 1}
	putRecords(t, db, one, two)
	lost := writeOf(2, 0, 2, 5)
	lost.Follow = []record.Number{record.First + 5}
	same(t, "moved", putRecords(t, db, lost), []int{0})
	var all []record.Follow
	view(t, db, func(s store.Stores) (err error) {
		all, err = s.Records.Following(0, 9)
		return err
	})
	want := []record.Follow{
		{Person: 1, Version: record.Version{Number: record.First + 1, Version: 1}, Entered: at(1)},
		{Person: 1, Version: record.Version{Number: record.First + 3, Version: 1}, Entered: at(1)},
		{Person: 2, Version: record.Version{Number: record.First + 1, Version: 1}, Entered: at(1)},
	}
	if d := cmp.Diff(want, all, cmpopts.IgnoreFields(record.Follow{}, "Seq")); d != "" {
		t.Fatalf("to follow (-want +got):\n%s", d)
	}
	update(t, db, func(s store.Stores) error { return s.Records.Followed([]uint64{all[0].Seq, 1 << 40}) })
	view(t, db, func(s store.Stores) error {
		next, err := s.Records.Following(all[1].Seq, 1)
		same(t, "the next", next, all[2:])
		return err
	})
}

func testSources(t *testing.T, db store.DB) {
	source := func(n, person, number int) record.Source {
		return record.Source{Tag: spread(n), Ref: record.Ref{Person: identity.PersonID(person), Number: record.Number(number)}, Check: spread(n + 50)}
	}
	w := writeOf(1, 0, 1, 1)
	w.Sources = []record.Source{source(3, 1, 65540), source(1, 1, 0), source(2, 1, 65539)}
	putRecords(t, db, w)
	later := writeOf(2, 0, 1, 1)
	later.Sources = []record.Source{source(2, 2, 65541)}
	putRecords(t, db, later)
	lost := writeOf(2, 0, 2, 1)
	lost.Sources = []record.Source{source(1, 2, 0)}
	putRecords(t, db, lost)
	view(t, db, func(s store.Stores) error {
		got, err := s.Records.Sources([]identity.Tag{spread(2), spread(9), spread(3), spread(1)})
		same(t, "sources", got, []record.Source{source(2, 2, 65541), {Tag: spread(9)}, source(3, 1, 65540), source(1, 1, 0)})
		return err
	})
}

func testRecordRange(t *testing.T, db store.DB) {
	const far = 1 << 63
	with := func(change func(w *record.Write)) record.Write {
		w := writeOf(1, 0, 1, 1, 2)
		change(&w)
		return w
	}
	for name, w := range map[string]record.Write{
		"nobody":           with(func(w *record.Write) { w.Person = 0 }),
		"no rows":          with(func(w *record.Write) { w.Rows = nil }),
		"another's":        with(func(w *record.Write) { w.Rows[1].Person = 2 }),
		"two versions":     with(func(w *record.Write) { w.Rows[1].Version = 2 }),
		"no version":       with(func(w *record.Write) { w.Rows[0].Version, w.Rows[1].Version = 0, 0 }),
		"not above":        with(func(w *record.Write) { w.Last = 1 }),
		"a record twice":   with(func(w *record.Write) { w.Rows[1].Number = w.Rows[0].Number }),
		"no health record": with(func(w *record.Write) { w.Rows[0].Number = 2 }),
		"nothing sealed":   with(func(w *record.Write) { w.Rows[0].Sealed = nil }),
		"person far":       with(func(w *record.Write) { w.Person, w.Rows[0].Person, w.Rows[1].Person = far, far, far }),
		"number far":       with(func(w *record.Write) { w.Rows[1].Number = far }),
		"version far":      with(func(w *record.Write) { w.Rows[0].Version, w.Rows[1].Version = far, far }),
		"negative size":    with(func(w *record.Write) { w.Rows[1].Size = -1 }),
		"source of nobody": with(func(w *record.Write) { w.Sources = []record.Source{{Tag: spread(1)}} }),
		"source far":       with(func(w *record.Write) { w.Sources = []record.Source{{Tag: spread(1), Ref: record.Ref{Person: far}}} }),
	} {
		err := persist(db, func(s store.Stores) error {
			_, err := s.Records.Put([]record.Write{w})
			return err
		})
		if !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: got %v, want ErrConstraint", name, err)
		}
	}
	view(t, db, func(s store.Stores) error {
		for _, who := range []identity.PersonID{1, 2, far} {
			if got, err := s.Records.Versions(who); err != nil || len(got) > 0 {
				t.Errorf("person %d: %v %v", who, got, err)
			}
		}
		got, err := s.Records.Get(far, []record.Version{{Number: far, Version: far}})
		sameRows(t, "far", got, []record.Row{{}})
		return err
	})
}

// caseOf is something set aside.
func caseOf(n int) record.Aside {
	return record.Aside{
		ID: identity.PersonID(n), Arrived: at(n), Reason: record.ReasonName, State: record.Waiting,
		Steps: []record.Step{{To: record.Waiting, Against: 7, By: "client-rs-99-001", Why: record.ReasonName, At: at(n)}},
	}
}

func testAside(t *testing.T, db store.DB) {
	for _, n := range []int{12, 10, 11} {
		update(t, db, func(s store.Stores) error { return s.Aside.Set(caseOf(n)) })
	}
	attached := record.Step{To: record.Attached, Against: 8, Version: 3, By: "staff-1", Why: "same-person", At: at(50)}
	back := record.Step{To: record.Waiting, Against: 8, Version: 4, By: "staff-2", Why: "mistake", At: at(60)}
	steps := []struct {
		id   identity.PersonID
		from record.State
		step record.Step
		want error
	}{
		{10, record.Waiting, attached, nil}, {10, record.Waiting, attached, record.ErrSettled}, {10, record.Attached, back, nil},
		{10, record.Waiting, attached, nil}, {99, record.Waiting, attached, record.ErrCase},
	}
	for i, c := range steps {
		update(t, db, func(s store.Stores) error {
			if err := s.Aside.Step(c.id, c.from, c.step); !errors.Is(err, c.want) {
				t.Errorf("step %d: got %v, want %v", i, err, c.want)
			}
			return nil
		})
	}
	want := caseOf(10)
	want.State, want.Steps = record.Attached, append(want.Steps, attached, back, attached)
	view(t, db, func(s store.Stores) error {
		got, err1 := s.Aside.Get(10)
		same(t, "one", got, want)
		_, err := s.Aside.Get(99)
		if !errors.Is(err, record.ErrCase) {
			t.Errorf("no such: %v", err)
		}
		waiting, err2 := s.Aside.Walk(0, 9, record.Waiting)
		same(t, "waiting", waiting, []record.Aside{caseOf(11), caseOf(12)})
		all, err3 := s.Aside.Walk(10, 1, 0)
		same(t, "the next of all", all, []record.Aside{caseOf(11)})
		return errors.Join(err1, err2, err3)
	})
	for name, a := range map[string]record.Aside{"again": caseOf(10), "nobody": caseOf(0), "without its step": {ID: 20, State: record.Waiting}} {
		wantErr(t, db, store.ErrConstraint, func(s store.Stores) error { return s.Aside.Set(a) })
		_ = name
	}
}

// testAsideRace: of many that deal with a case one does.
func testAsideRace(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.Aside.Set(caseOf(5)) })
	var won atomic.Int64
	together(func(g int) {
		err := persist(db, func(s store.Stores) error {
			return s.Aside.Step(5, record.Waiting, record.Step{To: record.Rejected, By: "staff-1", Why: "nobody", At: at(g)})
		})
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, record.ErrSettled):
			t.Errorf("step: %v", err)
		}
	})
	view(t, db, func(s store.Stores) error {
		a, err := s.Aside.Get(5)
		if won.Load() != 1 || len(a.Steps) != 2 || !slices.ContainsFunc(a.Steps, func(s record.Step) bool { return s.To == record.Rejected }) {
			t.Errorf("%d won, %+v", won.Load(), a)
		}
		return err
	})
}
