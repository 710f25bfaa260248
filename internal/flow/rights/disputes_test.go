package rights_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/rights"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// plainNotes seals nothing; the keeper's own tests cover that.
type plainNotes struct {
	intents []keeper.Intent
	fail    error
}

func (k *plainNotes) SealNotes(_ context.Context, n []keeper.Note) ([][]byte, error) {
	out := make([][]byte, len(n))
	for i := range n {
		out[i] = n[i].Text
	}
	return out, k.fail
}

func (k *plainNotes) OpenNotes(ctx context.Context, i keeper.Intent, n []keeper.Note) ([][]byte, error) {
	k.intents = append(k.intents, i)
	return k.SealNotes(ctx, n)
}

func (w *world) disputes() (*rights.Disputes, *plainNotes) {
	k := &plainNotes{}
	return &rights.Disputes{DB: w.db, Keeper: k, Now: func() time.Time { return w.now }}, k
}

func words(t *testing.T, text string, now time.Time) dispute.Filing {
	t.Helper()
	f, err := dispute.NewFiling("colour", text, now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFileOnce: a retry, later and from another device too, gets the same dispute;
// other words under the same nonce are refused and lose nothing.
func TestFileOnce(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	f, _ := w.disputes()
	first, err := f.File(ctx, 7, venue.Nonce{1}, words(t, "a", w.now))
	if err != nil {
		t.Fatal(err)
	}
	if !first.Due.Equal(w.now.Add(72 * time.Hour)) {
		t.Errorf("due %v", first.Due)
	}
	again, err := f.File(ctx, 7, venue.Nonce{1}, words(t, "a", w.now.Add(time.Minute)))
	if err != nil || again.Number != first.Number || !again.Due.Equal(first.Due) {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := f.File(ctx, 7, venue.Nonce{1}, words(t, "b", w.now)); !errors.Is(err, dispute.ErrFiled) {
		t.Errorf("other words: %v", err)
	}
	theirs, err := f.File(ctx, 8, venue.Nonce{1}, words(t, "a", w.now))
	if err != nil || theirs.Number == first.Number {
		t.Errorf("somebody else's nonce: %+v, %v", theirs, err)
	}
	all, _, err := f.Mine(ctx, 7, 0)
	if err != nil || len(all) != 1 {
		t.Errorf("%d disputes, %v", len(all), err)
	}
}

// TestTooMany: a person has so many that wait, and may file again when one is answered.
func TestTooMany(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	f, _ := w.disputes()
	var last dispute.Dispute
	for n := range byte(dispute.MaxOpen) {
		var err error
		if last, err = f.File(ctx, 7, venue.Nonce{n}, words(t, "a", w.now)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.File(ctx, 7, venue.Nonce{99}, words(t, "a", w.now)); !errors.Is(err, dispute.ErrMany) {
		t.Errorf("one more: %v", err)
	}
	if again, err := f.File(ctx, 7, venue.Nonce{4}, words(t, "a", w.now)); err != nil || again.Number != last.Number {
		t.Errorf("a retry: %v", err)
	}
	if _, err := f.Answer(ctx, last.Number, dispute.Declined, "desk/17", "no"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.File(ctx, 7, venue.Nonce{99}, words(t, "a", w.now)); err != nil {
		t.Errorf("after an answer: %v", err)
	}
}

// TestAnswerReachesThePerson: and nobody else; each opening is an intent of who opens.
func TestAnswerReachesThePerson(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	f, k := w.disputes()
	d, err := f.File(ctx, 7, venue.Nonce{1}, words(t, "salah", w.now))
	if err != nil {
		t.Fatal(err)
	}
	if o, err := f.Own(ctx, 7, identity.LinkID{1}, d.Number); err != nil || o.Answer != nil || o.Filing.Text != "salah" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := f.Own(ctx, 8, identity.LinkID{1}, d.Number); !errors.Is(err, dispute.ErrNone) {
		t.Errorf("somebody else: %v", err)
	}
	if _, err := f.Show(ctx, d.Number, "Ibu Rina"); !errors.Is(err, dispute.ErrClerk) {
		t.Errorf("a name: %v", err)
	}
	if o, err := f.Show(ctx, d.Number, "desk/17"); err != nil || o.Filing.Text != "salah" {
		t.Errorf("%+v, %v", o, err)
	}
	w.now = w.now.Add(73 * time.Hour)
	if _, err := f.Answer(ctx, d.Number, dispute.Upheld, "desk/17", "benar"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Answer(ctx, d.Number, dispute.Declined, "desk/18", "tidak"); !errors.Is(err, dispute.ErrAnswered) {
		t.Errorf("again: %v", err)
	}
	o, err := f.Own(ctx, 7, identity.LinkID{1}, d.Number)
	if err != nil || o.Answer == nil || o.Answer.By != "desk/17" || o.Answer.Text != "benar" || !o.Overdue(w.now) {
		t.Errorf("%+v, %v", o, err)
	}
	if len(k.intents) != 3 || k.intents[1].Actor != "desk/17" || k.intents[1].Budget != keeper.BudgetStaff || k.intents[2].Budget != keeper.BudgetSelf {
		t.Errorf("intents %+v", k.intents)
	}
	waiting, err := f.All(ctx, false)
	all, err2 := f.All(ctx, true)
	if len(waiting) != 0 || len(all) != 1 || errors.Join(err, err2) != nil {
		t.Errorf("%d wait of %d", len(waiting), len(all))
	}
	k.fail = keeper.ErrSealed
	if _, err := f.Own(ctx, 7, identity.LinkID{1}, d.Number); !errors.Is(err, dispute.ErrCorrupt) {
		t.Errorf("what does not open: %v", err)
	}
}

// TestNothingFiledWithoutTheKeeper: what cannot be sealed is not stored.
func TestNothingFiledWithoutTheKeeper(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	f, k := w.disputes()
	k.fail = keeper.ErrUnavailable
	if _, err := f.File(ctx, 7, venue.Nonce{1}, words(t, "a", w.now)); !errors.Is(err, keeper.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if err := w.db.View(ctx, func(s store.Stores) error {
		all, err := s.Disputes.Of(7)
		if len(all) != 0 {
			t.Errorf("%d disputes", len(all))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
