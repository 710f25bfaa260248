package consent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/consenttest"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/store"
)

// numbers is an attempt in which somebody sees to their number, proved.
func (s *site) numbers(nik identity.NIK) consent.Attempt {
	s.Helper()
	id, err := s.Flow.Start(ctx, browser, "here")
	if err != nil {
		s.Fatal(err)
	}
	if err := s.Flow.Begin(ctx, s.load(id), nik, "here", "en"); err != nil {
		s.Fatal(err)
	}
	if err := s.Flow.Prove(ctx, s.load(id), s.Outbox.Next(s.T).Code); err != nil {
		s.Fatal(err)
	}
	return s.load(id)
}

func (s *site) settle(want int) {
	s.Helper()
	if n, err := consent.Settle(ctx, s.Plain, s.Now(), 50); err != nil || n != want {
		s.Fatalf("%d settled, want %d: %v", n, want, err)
	}
}

// TestFirstNumber: bound at a facility; the registry's is one already, unless two
// people have it.
func TestFirstNumber(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		nik   identity.NIK
		phone int
		want  error
	}{
		"the registry's own":        {s.siti, 1, nil},
		"another than the registry": {s.siti, 11, identity.ErrPhoneBound},
		"claimed by another":        {s.phoneless, 1, identity.ErrPhoneClaimed},
		"nobody":                    {s.nobody, 12, consent.ErrNoPerson},
	} {
		if err := s.Records.Bind(ctx, c.nik, consenttest.Phone(c.phone)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Records.Bind(ctx, s.phoneless, consenttest.Phone(6)); err != nil {
		t.Fatal(err)
	}
	s.begun(s.phoneless)
	if m := s.Outbox.Next(t); m.To != consenttest.Phone(6) {
		t.Error("the code went elsewhere")
	}
}

// TestNumberClaimedByTwo proves neither; once one of them has another bound, it is
// the other's alone.
func TestNumberClaimedByTwo(t *testing.T) {
	s := open(t)
	if err := s.Records.Bind(ctx, s.shared, consenttest.Phone(4)); !errors.Is(err, identity.ErrPhoneClaimed) {
		t.Fatalf("one that two have: %v", err)
	}
	if err := s.Records.Bind(ctx, s.shared, consenttest.Phone(44)); err != nil {
		t.Fatal(err)
	}
	for nik, phone := range map[identity.NIK]int{s.shared: 44, s.sharing: 4} {
		s.begun(nik)
		if m := s.Outbox.Next(t); m.To != consenttest.Phone(phone) {
			t.Error("the code went elsewhere")
		}
	}
}

// TestAnotherNumberWaits three days, the old one is told at once and may object.
func TestAnotherNumberWaits(t *testing.T) {
	s := open(t)
	ripe, err := s.Records.Rebind(ctx, s.siti, consenttest.Phone(21))
	if err != nil || !ripe.Equal(s.Now().Add(identity.RebindDelay)) {
		t.Fatalf("%v, %v", ripe, err)
	}
	if m := s.Outbox.Next(t); m.To != consenttest.Phone(1) || m.Kind != consent.KindNewNumber || !m.At.Equal(ripe) {
		t.Errorf("the old number was told: %+v", m)
	}
	if again, err := s.Records.Rebind(ctx, s.siti, consenttest.Phone(21)); err != nil || !again.IsZero() {
		t.Errorf("asked again: %v, %v", again, err)
	}
	if _, err := s.Records.Rebind(ctx, s.siti, consenttest.Phone(22)); !errors.Is(err, identity.ErrPhoneWaits) {
		t.Errorf("a third: %v", err)
	}
	s.Forward(identity.RebindDelay - time.Second)
	s.settle(0)
	a := s.numbers(s.siti) // by the old number
	if n, err := s.Flow.Numbers(ctx, a); err != nil || n.Bound != "••••001" || n.Waiting != "••••021" || !n.Ripe.Equal(ripe) {
		t.Errorf("shown: %+v, %v", n, err)
	}
	if err := s.Flow.CancelNumber(ctx, a); err != nil {
		t.Fatal(err)
	}
	s.Forward(time.Hour)
	s.settle(0)
	s.proved(s.siti)
	if err := s.Flow.CancelNumber(ctx, s.numbers(s.siti)); !errors.Is(err, identity.ErrNoneWaits) {
		t.Errorf("none waits: %v", err)
	}

	// Nobody objects.
	a = s.numbers(s.siti)
	if err := s.Flow.AskNumber(ctx, a, consenttest.Phone(23), "here", "en"); err != nil {
		t.Fatal(err)
	}
	if m := s.Outbox.Next(t); m.Kind != consent.KindNewNumber || m.To != consenttest.Phone(1) {
		t.Errorf("the old number was told: %+v", m)
	}
	s.Forward(identity.RebindDelay)
	s.settle(1)
	s.begun(s.siti)
	m := s.Outbox.Next(t)
	if m.To != consenttest.Phone(23) {
		t.Error("codes go to the old number")
	}
	// Whoever holds the old one only cannot object any more.
	if err := s.Flow.CancelNumber(ctx, a); !errors.Is(err, identity.ErrNoAuthorization) {
		t.Errorf("an attempt of before: %v", err)
	}
	// The old one is free for somebody else.
	if err := s.Records.Bind(ctx, s.phoneless, consenttest.Phone(1)); err != nil {
		t.Errorf("the old number: %v", err)
	}
}

// TestANewNumberThatIsAnothers is taken like any, so that asking tells nothing of
// whose it is, and dropped when it would take over.
func TestANewNumberThatIsAnothers(t *testing.T) {
	s := open(t)
	a := s.numbers(s.siti)
	s.Counts.Take()
	if err := s.Flow.AskNumber(ctx, a, consenttest.Phone(4), "here", "en"); err != nil {
		t.Fatal(err)
	}
	taken := s.Counts.Take()
	s.Outbox.Next(t)
	if err := s.Flow.CancelNumber(ctx, a); err != nil {
		t.Fatal(err)
	}
	s.Counts.Take()
	if err := s.Flow.AskNumber(ctx, a, consenttest.Phone(77), "here", "en"); err != nil {
		t.Fatal(err)
	}
	free := s.Counts.Take()
	s.Outbox.Next(t)
	for _, c := range []map[string]int{taken, free} { // the courier's own
		for _, what := range []string{"keeper read link-message of 1", "view", "people get", "evidence get", "binding get"} {
			delete(c, what)
		}
	}
	if d := consenttest.Differ(taken, free); d != "" {
		t.Errorf("a number that is somebody's costs otherwise: %s", d)
	}
	if err := s.Flow.CancelNumber(ctx, a); err != nil {
		t.Fatal(err)
	}
	if err := s.Flow.AskNumber(ctx, a, consenttest.Phone(4), "here", "en"); err != nil {
		t.Fatal(err)
	}
	s.Outbox.Next(t)
	s.Forward(identity.RebindDelay)
	s.settle(1)
	s.begun(s.siti)
	if m := s.Outbox.Next(t); m.To != consenttest.Phone(1) {
		t.Error("a number that is another's took over")
	}
	if _, err := s.Records.Rebind(ctx, s.siti, consenttest.Phone(4)); !errors.Is(err, identity.ErrPhoneClaimed) {
		t.Errorf("at a facility it is told: %v", err)
	}
}

// TestAWaitThatCannotBeTold is no wait.
func TestAWaitThatCannotBeTold(t *testing.T) {
	s := open(t)
	s.Outbox.Fail = errors.New("no gateway")
	if _, err := s.Records.Rebind(ctx, s.siti, consenttest.Phone(21)); !errors.Is(err, consent.ErrNotTold) {
		t.Errorf("untold: %v", err)
	}
	s.Outbox.Fail = nil
	s.Forward(identity.RebindDelay)
	s.settle(0)
	s.Records.Messenger = nil
	if _, err := s.Records.Rebind(ctx, s.siti, consenttest.Phone(21)); !errors.Is(err, consent.ErrNoMessenger) {
		t.Errorf("no messenger: %v", err)
	}
}

// TestAThiefOfTheDatabaseCutsNoWait: the moment is sealed with the number.
func TestAThiefOfTheDatabaseCutsNoWait(t *testing.T) {
	s := open(t)
	if _, err := s.Records.Rebind(ctx, s.siti, consenttest.Phone(21)); err != nil {
		t.Fatal(err)
	}
	s.Outbox.Next(t)
	s.Update(func(st store.Stores) error {
		b, err := st.Bindings.Get(1)
		b.Ripe = s.Now()
		return errors.Join(err, st.Bindings.Put(b))
	})
	s.settle(1)
	s.Counts.Take()
	s.begun(s.siti)
	s.Brought(1)
	s.begun(s.nobody)
	s.Brought(2)
	if !s.Outbox.Empty() {
		t.Error("a code went to a number before its time")
	}
}

func TestForgetGuesses(t *testing.T) {
	s := open(t)
	s.begun(s.nobody)
	if n, err := consent.Forget(ctx, s.Plain, s.Now(), 9); err != nil || n != 0 {
		t.Errorf("today's: %d, %v", n, err)
	}
	if n, err := consent.Forget(ctx, s.Plain, s.Now().Add(24*time.Hour), 9); err != nil || n != 1 {
		t.Errorf("yesterday's: %d, %v", n, err)
	}
}
