package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// filed is the n-th dispute as it is filed, of one of 3 people.
func filed(n int) dispute.Dispute {
	return dispute.Dispute{
		ID: id16(n), Person: identity.PersonID(1 + n%3), Digest: id32(n), Filed: at(n), Due: at(n).Add(dispute.AnswerWithin), Filing: sealed(n, 100),
	}
}

func file(t *testing.T, db store.DB, d dispute.Dispute) dispute.Dispute {
	t.Helper()
	update(t, db, func(s store.Stores) (err error) {
		d.Number, err = s.Disputes.File(d)
		return err
	})
	return d
}

func answered(d dispute.Dispute) dispute.Dispute {
	d.Outcome, d.Answered, d.Answer = dispute.Corrected, d.Filed.Add(time.Hour), sealed(d.Number.Count, 60)
	return d
}

func testDisputes(t *testing.T, db store.DB) {
	var all []dispute.Dispute
	for _, n := range []int{2, 1, 4, 3} { // of people 3, 2, 2, 1
		all = append(all, file(t, db, filed(n)))
	}
	next := filed(5)
	next.Filed = at(0).AddDate(1, 0, 0)
	next = file(t, db, next)
	for i, want := range []int{1, 2, 3, 4} {
		same(t, "number", all[i].Number, dispute.Number{Year: 2022, Count: want})
	}
	same(t, "of the next year", next.Number, dispute.Number{Year: 2023, Count: 1})
	view(t, db, func(s store.Stores) error {
		got, err1 := s.Disputes.Get(id16(1))
		same(t, "by id", got, all[1])
		none, err2 := s.Disputes.Get(id16(99))
		same(t, "unknown", none, dispute.Dispute{})
		numbered, err3 := s.Disputes.ByNumber(all[2].Number)
		same(t, "by number", numbered, all[2])
		of, err4 := s.Disputes.Of(2)
		same(t, "of a person, newest first", of, []dispute.Dispute{all[2], all[1]})
		nobody, err5 := s.Disputes.Of(9)
		same(t, "of nobody", nobody, nil)
		if _, err := s.Disputes.ByNumber(dispute.Number{Year: 2022, Count: 9}); !errors.Is(err, dispute.ErrNone) {
			t.Errorf("no such number: %v", err)
		}
		return errors.Join(err1, err2, err3, err4, err5)
	})
	again := filed(1)
	again.Digest = id32(99)
	update(t, db, func(s store.Stores) error {
		if _, err := s.Disputes.File(again); !errors.Is(err, dispute.ErrFiled) {
			t.Errorf("filed again: %v", err)
		}
		return nil
	})
	six := file(t, db, filed(6))
	same(t, "no gap after a refusal", six.Number.Count, 5)
}

func testDisputeAnswers(t *testing.T, db store.DB) {
	one, two, three := file(t, db, filed(1)), file(t, db, filed(2)), file(t, db, filed(3))
	done := answered(two)
	update(t, db, func(s store.Stores) error { return s.Disputes.Answer(done) })
	other := answered(two)
	other.Outcome = dispute.Declined
	for want, d := range map[error]dispute.Dispute{dispute.ErrAnswered: other, dispute.ErrNone: answered(filed(9))} {
		update(t, db, func(s store.Stores) error {
			if err := s.Disputes.Answer(d); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			return nil
		})
	}
	early, none := answered(one), answered(one)
	early.Answered, none.Outcome = time.Time{}, 0
	for _, d := range []dispute.Dispute{early, none} {
		wantErr(t, db, store.ErrConstraint, func(s store.Stores) error { return s.Disputes.Answer(d) })
	}
	nobody := filed(7)
	nobody.Person = 0
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error {
		_, err := s.Disputes.File(nobody)
		return err
	})
	view(t, db, func(s store.Stores) error {
		open, err1 := s.Disputes.Walk(dispute.ID{}, 9, false)
		same(t, "open", open, []dispute.Dispute{one, three})
		all, err2 := s.Disputes.Walk(id16(1), 1, true)
		same(t, "the next", all, []dispute.Dispute{done})
		rest, err3 := s.Disputes.Walk(id16(1), 9, false)
		same(t, "open after", rest, []dispute.Dispute{three})
		return errors.Join(err1, err2, err3)
	})
}

// testDisputeRace: of many filed at once each gets a number of its own, without gaps.
func testDisputeRace(t *testing.T, db store.DB) {
	var mu sync.Mutex
	var counts []int
	together(func(g int) {
		for i := range 3 {
			var n dispute.Number
			err := persist(db, func(s store.Stores) (err error) {
				n, err = s.Disputes.File(filed(1 + 3*g + i))
				return err
			})
			if err != nil {
				t.Errorf("file: %v", err)
				return
			}
			mu.Lock()
			counts = append(counts, n.Count)
			mu.Unlock()
		}
	})
	slices.Sort(counts)
	for i, n := range counts {
		if n != i+1 {
			t.Fatalf("%v", counts)
		}
	}
}
