package consent_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/consenttest"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/store"
)

var (
	ctx      = context.Background()
	browser  = consent.Browser{9}
	grown, _ = day.New(1990, time.March, 4)
	young, _ = day.New(2008, time.November, 27) // of age in two days
	small, _ = day.New(2020, time.January, 5)
)

// site is a world with a family: Siti, her children Budi and Ani, and two
// strangers who share a number.
type site struct {
	*testing.T
	*consenttest.World
	siti, budi, ani, shared, sharing, phoneless, nobody identity.NIK
}

func open(t *testing.T) *site {
	s := &site{T: t, World: consenttest.Open(t)}
	s.siti, s.budi, s.ani = consenttest.NIK(1, grown), consenttest.NIK(2, young), consenttest.NIK(3, small)
	s.shared, s.sharing, s.phoneless = consenttest.NIK(4, grown), consenttest.NIK(5, grown), consenttest.NIK(6, grown)
	s.nobody = consenttest.NIK(7, grown)
	person := func(nik identity.NIK, name string, birth day.Day, phone int) identity.Person {
		p := identity.Phone{}
		if phone > 0 {
			p = consenttest.Phone(phone)
		}
		return consenttest.Person(t, nik, name, birth, p)
	}
	s.Register(
		person(s.siti, "Siti Nur'aini", grown, 1), person(s.budi, "Budi", young, 0), person(s.ani, "Ani", small, 0),
		person(s.shared, "Agus", grown, 4), person(s.sharing, "Dewi", grown, 4), person(s.phoneless, "Rina", grown, 0),
	)
	return s
}

// begun is an attempt in which a NIK was typed.
func (s *site) begun(nik identity.NIK) consent.Attempt {
	s.Helper()
	id := s.Push()
	if err := s.Flow.Seize(ctx, id, browser); err != nil {
		s.Fatal(err)
	}
	if err := s.Flow.Begin(ctx, s.load(id), nik, "here", "id"); err != nil {
		s.Fatal(err)
	}
	return s.load(id)
}

func (s *site) load(id identity.AuthorizationID) consent.Attempt {
	s.Helper()
	a, err := s.Flow.Load(ctx, id, browser)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// proved is an attempt whose code was right.
func (s *site) proved(nik identity.NIK) consent.Attempt {
	s.Helper()
	a := s.begun(nik)
	if err := s.Flow.Prove(ctx, a, s.Outbox.Next(s.T).Code); err != nil {
		s.Fatal(err)
	}
	return s.load(a.ID)
}

func oneTime(n int) identity.OneTime {
	c, err := identity.ParseOneTime(fmt.Sprintf("%06d", n))
	if err != nil {
		panic(err)
	}
	return c
}

func TestFromNIKToConsent(t *testing.T) {
	s := open(t)
	a := s.begun(s.siti)
	m := s.Outbox.Next(t)
	if m.Kind != consent.KindCode || m.To != consenttest.Phone(1) || m.Partner != "Toko Maya" || m.Lang != "id" {
		t.Errorf("the message: %+v", m)
	}
	if _, err := s.Flow.Choices(ctx, a); !errors.Is(err, identity.ErrStep) {
		t.Errorf("choices before the proof: %v", err)
	}
	if err := s.Flow.Consent(ctx, a); !errors.Is(err, identity.ErrStep) {
		t.Errorf("consent before the proof: %v", err)
	}
	if err := s.Flow.Prove(ctx, a, m.Code); err != nil {
		t.Fatal(err)
	}
	if err := s.Flow.Prove(ctx, a, m.Code); !errors.Is(err, identity.ErrStep) {
		t.Errorf("the code again: %v", err)
	}
	a = s.load(a.ID)
	all, err := s.Flow.Choices(ctx, a)
	if err != nil || len(all) != 1 || all[0].Name != "S••• N•••" || all[0].Child {
		t.Fatalf("choices: %+v, %v", all, err)
	}
	if err := s.Flow.Choose(ctx, a, "0123"); !errors.Is(err, identity.ErrChoice) {
		t.Errorf("somebody else: %v", err)
	}
	if err := s.Flow.Choose(ctx, a, all[0].Pick); err != nil {
		t.Fatal(err)
	}
	if err := s.Flow.Consent(ctx, a); err != nil {
		t.Fatal(err)
	}
	p := s.Page(a.ID)
	if p.Step() != identity.StepDone || p.Person != 1 || p.Guardian != 0 || !p.Until.IsZero() || !p.Proved {
		t.Errorf("what is left for the token: %+v", p)
	}
}

func TestAttemptsAreOneBrowsers(t *testing.T) {
	s := open(t)
	id := s.Push()
	if _, err := s.Flow.Load(ctx, id, consent.Browser{}); !errors.Is(err, identity.ErrNoAuthorization) {
		t.Errorf("no browser before one came: %v", err)
	}
	if err := s.Flow.Seize(ctx, id, browser); err != nil {
		t.Fatal(err)
	}
	if err := s.Flow.Seize(ctx, id, browser); err != nil {
		t.Errorf("the same browser again: %v", err)
	}
	other := consent.Browser{8}
	if err := s.Flow.Seize(ctx, id, other); !errors.Is(err, identity.ErrNoAuthorization) {
		t.Errorf("another browser: %v", err)
	}
	if _, err := s.Flow.Load(ctx, id, other); !errors.Is(err, identity.ErrNoAuthorization) {
		t.Errorf("read by another browser: %v", err)
	}
	s.Forward(identity.AttemptLife)
	if _, err := s.Flow.Load(ctx, id, browser); !errors.Is(err, identity.ErrNoAuthorization) {
		t.Errorf("after its time: %v", err)
	}
}

// TestGuardians: a child's link carries the guardian's consent, until the day they
// are of age and not a moment longer.
func TestGuardians(t *testing.T) {
	s := open(t)
	for _, child := range []identity.NIK{s.ani, s.budi} {
		until, err := s.Records.Guard(ctx, s.siti, child, identity.FamilyCard, "facility-12")
		if err != nil || !until.After(s.Now()) {
			t.Fatalf("%v, %v", until, err)
		}
	}
	a := s.proved(s.siti)
	all, err := s.Flow.Choices(ctx, a)
	if err != nil || len(all) != 3 || all[1].Name != "B•••" || !all[1].Child || !all[1].Until.Equal(identity.OfAge(young)) {
		t.Fatalf("choices: %+v, %v", all, err)
	}
	if err := s.Flow.Choose(ctx, a, all[1].Pick); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Flow.Choices(ctx, s.load(a.ID)); err != nil || !c[1].Taken || c[0].Taken || c[2].Taken {
		t.Errorf("chosen: %+v, %v", c, err)
	}
	if err := s.Flow.Consent(ctx, a); err != nil {
		t.Fatal(err)
	}
	if p := s.Page(a.ID); p.Person != 2 || p.Guardian != 1 || !p.Until.Equal(identity.OfAge(young)) {
		t.Errorf("the child's link: %+v", p)
	}

	// Of age between the choice and the consent, and no longer a choice after.
	s.Forward(identity.OfAge(young).Sub(s.Now()) - time.Minute)
	a = s.proved(s.siti)
	if all, err = s.Flow.Choices(ctx, a); err != nil || len(all) != 3 {
		t.Fatalf("a minute before: %+v, %v", all, err)
	}
	if err := s.Flow.Choose(ctx, a, all[1].Pick); err != nil {
		t.Fatal(err)
	}
	s.Forward(time.Minute)
	if err := s.Flow.Consent(ctx, a); !errors.Is(err, identity.ErrOfAge) {
		t.Errorf("of age at the consent: %v", err)
	}
	if all, err = s.Flow.Choices(ctx, a); err != nil || len(all) != 2 || all[1].Name != "A•••" {
		t.Errorf("of age: %+v, %v", all, err)
	}
	if _, err := s.Records.Guard(ctx, s.siti, s.budi, identity.FamilyCard, "facility-12"); !errors.Is(err, identity.ErrOfAge) {
		t.Errorf("recorded for one of age: %v", err)
	}

	// A guardianship that ended carries no consent, and takes the child's links.
	if err := s.Flow.Choose(ctx, a, all[1].Pick); err != nil {
		t.Fatal(err)
	}
	if err := s.Records.Unguard(ctx, s.siti, s.ani); err != nil {
		t.Fatal(err)
	}
	if err := s.Flow.Consent(ctx, a); !errors.Is(err, identity.ErrChoice) {
		t.Errorf("after it ended: %v", err)
	}
	if err := s.Records.Unguard(ctx, s.siti, s.ani); !errors.Is(err, consent.ErrNoGuardian) {
		t.Errorf("ended again: %v", err)
	}
}

func TestRecordingGuardiansIsRefused(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		guardian, child identity.NIK
		office          string
		want            error
	}{
		"oneself":          {s.ani, s.ani, "facility-12", identity.ErrOneself},
		"an adult":         {s.ani, s.siti, "facility-12", identity.ErrOfAge},
		"nobody's child":   {s.siti, s.nobody, "facility-12", consent.ErrNoPerson},
		"a person's name":  {s.siti, s.ani, "Dr Sari", identity.ErrOffice},
		"guardian nowhere": {s.nobody, s.ani, "facility-12", consent.ErrNoPerson},
	} {
		if _, err := s.Records.Guard(ctx, c.guardian, c.child, identity.FamilyCard, c.office); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNobodyIsToldNothing: who has no number of their own, and who is nobody, never
// proves anything, whatever is typed, and no message leaves.
func TestNobodyIsToldNothing(t *testing.T) {
	s := open(t)
	for name, nik := range map[string]identity.NIK{
		"nobody": s.nobody, "claimed by two": s.shared, "claimed by two, the other": s.sharing, "no number": s.phoneless,
	} {
		a := s.begun(nik)
		for range identity.TriesPerAttempt {
			if err := s.Flow.Prove(ctx, a, oneTime(1)); !errors.Is(err, identity.ErrFactor) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.Flow.Prove(ctx, a, oneTime(1)); !errors.Is(err, identity.ErrFactorSpent) {
			t.Errorf("%s, once too often: %v", name, err)
		}
		if p := s.Page(a.ID); p.Asked != 0 || p.Proved {
			t.Errorf("%s: %+v", name, p)
		}
	}
	s.begun(s.siti)
	if m := s.Outbox.Next(t); m.To != consenttest.Phone(1) || !s.Outbox.Empty() {
		t.Error("somebody else was sent a code")
	}
}

// TestGuessedCodes: of 10,000 guesses for one NIK on one day, over any number of
// attempts, ten are looked at; the right code after them opens nothing, until the
// next day. A NIK of nobody runs out alike.
func TestGuessedCodes(t *testing.T) {
	for name, of := range map[string]func(*site) identity.NIK{
		"somebody": func(s *site) identity.NIK { return s.siti }, "nobody": func(s *site) identity.NIK { return s.nobody },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			looked, begun := 0, 0
			var a consent.Attempt
			var factor [32]byte
			for n := range 10_000 {
				if n%identity.TriesPerAttempt == 0 {
					id := s.Push()
					if err := s.Flow.Seize(ctx, id, browser); err != nil {
						t.Fatal(err)
					}
					err := s.Flow.Begin(ctx, s.load(id), of(s), "here", "id")
					if err != nil && !errors.Is(err, identity.ErrFactorSpent) {
						t.Fatal(err)
					}
					if err == nil {
						begun++
						a = s.load(id)
						factor = a.Asking.Page.Factor
					}
				}
				wrong := oneTime(n)
				if factor == wrong.Hash(s.Flow.Key, a.ID) {
					continue // a guess that is right is no guess
				}
				switch err := s.Flow.Prove(ctx, a, wrong); {
				case errors.Is(err, identity.ErrFactor):
					looked++
				case !errors.Is(err, identity.ErrFactorSpent):
					t.Fatal(err)
				}
			}
			if looked > identity.TriesPerDay || looked < identity.TriesPerDay-1 || begun != 2 {
				t.Errorf("%d guesses were looked at, in %d attempts", looked, begun)
			}
		})
	}
}

func TestTheRightCodeAfterTooManyOpensNothing(t *testing.T) {
	s := open(t)
	a := s.begun(s.siti)
	code := s.Outbox.Next(t).Code
	s.Update(func(st store.Stores) error {
		nik := s.Page(a.ID).NIK
		g, err := st.Guesses.Get(nik)
		g.Wrong = identity.TriesPerDay
		return errors.Join(err, st.Guesses.Put(nik, g))
	})
	if err := s.Flow.Prove(ctx, a, code); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("the right code: %v", err)
	}
	if err := s.Flow.Begin(ctx, a, s.siti, "here", "id"); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("another code: %v", err)
	}
	s.Forward(24 * time.Hour)
	s.proved(s.siti)
}

// TestAGuessIsCountedBeforeItIsLookedAt: when the database is gone after the count,
// the guess stays counted and nothing is told.
func TestAGuessIsCountedBeforeItIsLookedAt(t *testing.T) {
	s := open(t)
	a := s.begun(s.siti)
	code := s.Outbox.Next(t).Code
	counted := func() (wrong int) {
		s.View(func(st store.Stores) error {
			g, err := st.Guesses.Get(s.Page(a.ID).NIK)
			wrong = g.Wrong
			return err
		})
		return wrong
	}
	whole := s.Flow.DB
	gone := errors.New("gone")
	s.Flow.DB = &failing{whole, 1, gone}
	if err := s.Flow.Prove(ctx, a, code); !errors.Is(err, gone) {
		t.Errorf("lost after the count: %v", err)
	}
	if counted() != 1 || s.Page(a.ID).Proved {
		t.Errorf("%d counted", counted())
	}
	s.Flow.DB = whole
	if err := s.Flow.Prove(ctx, a, code); err != nil {
		t.Fatal(err)
	}
	if counted() != 1 {
		t.Errorf("%d counted after the right one: its own is taken back, no other", counted())
	}
}

// failing lets some updates through.
type failing struct {
	store.DB
	left int
	err  error
}

func (f *failing) Update(ctx context.Context, fn func(store.Stores) error) error {
	if f.left == 0 {
		return f.err
	}
	f.left--
	return f.DB.Update(ctx, fn)
}

// TestNamesThatDiffer: spelling makes nobody another person, and somebody else under
// one NIK takes neither their place nor their number.
func TestNamesThatDiffer(t *testing.T) {
	s := open(t)
	if got := s.Register(consenttest.Person(t, s.siti, "SITI NURAINI", grown, consenttest.Phone(1))); got.Known != 1 || got.Set != 0 {
		t.Errorf("spelled otherwise: %+v", got)
	}
	s.Forward(time.Second)
	if got := s.Register(consenttest.Person(t, s.siti, "Sita Nuraini", grown, consenttest.Phone(99))); got.Set != 1 {
		t.Errorf("another name: %+v", got)
	}
	a := s.begun(s.siti)
	m := s.Outbox.Next(t)
	if m.To != consenttest.Phone(1) {
		t.Error("the code went to the record in quarantine")
	}
	if err := s.Flow.Prove(ctx, a, m.Code); err != nil {
		t.Fatal(err)
	}
	s.View(func(st store.Stores) error {
		q, err := st.People.Quarantined(0, 9)
		if len(q) != 1 || q[0].Released {
			t.Errorf("quarantine: %+v", q)
		}
		return err
	})
}
