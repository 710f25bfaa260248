package rollout_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

func key(seed byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)) }

func jwk(seed byte) json.RawMessage { return partner.PublicJWK(key(seed).Public().(ed25519.PublicKey)) }

func thumb(seed byte) [32]byte {
	k, err := partner.ParseKey(jwk(seed))
	if err != nil {
		panic(err)
	}
	return k.Thumbprint()
}

// The keys of the tests, by seed.
const (
	platform = 50
	signs    = 1
	relays   = 2
)

// stand is a flow over memory, with a platform's key and a clock.
type stand struct {
	*rollout.Flow
	t   *testing.T
	now time.Time
	log bytes.Buffer
	out error // of the keeper
}

// Attest implements rollout.Keeper.
func (s *stand) Attest(_ context.Context, digest [32]byte) (partner.Countersignature, error) {
	c := partner.Countersignature{Seq: 9, At: s.now.Truncate(time.Millisecond)}
	c.Sign(key(platform), digest)
	return c, s.out
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t, now: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)}
	db := memory.New()
	t.Cleanup(func() { _ = db.Close() })
	s.Flow = &rollout.Flow{
		DB: db, Keeper: s, Now: func() time.Time { return s.now }, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Platform: func() ed25519.PublicKey { return key(platform).Public().(ed25519.PublicKey) },
	}
	return s
}

func (s *stand) terms(id partner.ID, version int) partner.Terms {
	contact := func(role string) partner.Contact {
		return partner.Contact{Role: role, Email: "kantor@toko.example", Phone: "+622150000001"}
	}
	return partner.Terms{
		Partner: id, Version: version, Name: "Toko Maya", Scopes: []partner.Scope{partner.ScopeColour}, Colours: []string{"green", "red"},
		Purposes: []string{partner.PurposeVenue}, Limits: partner.Limits{MessagesPerMinute: 60}, Stages: []int{10, 20},
		Contacts:  []partner.Contact{contact(partner.RoleTechnical), contact(partner.RoleData), contact(partner.RoleIncident)},
		Redirects: []string{"https://toko.example/back"}, Keys: partner.Keys{Sign: jwk(signs), Relay: jwk(relays)},
		From: s.now, Until: s.now.AddDate(1, 0, 0),
	}
}

var ask = rollout.Ask{Who: "kantor mitra", Reason: "uji"}

// apply hands in terms that the key of a seed signed.
func (s *stand) apply(t partner.Terms, by byte) error {
	s.t.Helper()
	raw, err := t.Canonical()
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.Apply(s.t.Context(), ask, raw, partner.Detached(key(by), raw))
	return err
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// sandboxed is partner 1 in the sandbox.
func (s *stand) sandboxed() {
	s.t.Helper()
	s.must(s.apply(s.terms(1, 1), signs))
	_, err := s.Countersign(s.t.Context(), ask, 1, 1, thumb(signs))
	s.must(err)
	_, err = s.Promote(s.t.Context(), ask, 1)
	s.must(err)
}

func (s *stand) report() partner.Report {
	return partner.Report{Partner: 1, Relay: thumb(relays), Passed: true, At: s.now, Digest: [32]byte{7}}
}

// at checks where partner 1 stands.
func (s *stand) at(state partner.State, stage int) {
	s.t.Helper()
	shown, err := s.Show(s.t.Context(), 1)
	s.must(err)
	if shown.State != state || shown.Stage != stage {
		s.t.Errorf("stands at %v, stage %d; want %v, %d", shown.State, shown.Stage, state, stage)
	}
}

// TestLife takes a partner through its whole life; every step is logged once, in its
// row and in the log.
func TestLife(t *testing.T) {
	s, ctx := newStand(t), t.Context()
	take := func(state partner.State, stage int, step func() (partner.Partner, error)) {
		t.Helper()
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
		s.at(state, stage)
	}
	promote := func() (partner.Partner, error) { return s.Promote(ctx, ask, 1) }
	certify := func() (partner.Partner, error) { return s.Certify(ctx, ask, s.report()) }
	take(partner.Applied, 0, func() (partner.Partner, error) { return partner.Partner{}, s.apply(s.terms(1, 1), signs) })
	take(partner.Applied, 0, func() (partner.Partner, error) { return s.Countersign(ctx, ask, 1, 1, thumb(signs)) })
	take(partner.Sandbox, 0, promote)
	take(partner.Certified, 0, certify)
	take(partner.Live, 1, promote)
	take(partner.Suspended, 1, func() (partner.Partner, error) { return s.Suspend(ctx, ask, 1) })
	take(partner.Live, 1, func() (partner.Partner, error) { return s.Resume(ctx, ask, 1) })
	s.now = s.now.Add(partner.ReportLife + time.Second)
	if _, err := promote(); !errors.Is(err, partner.ErrReport) {
		t.Errorf("promoted on a report older than 30 days: %v", err)
	}
	take(partner.Live, 1, certify)
	take(partner.Live, 2, promote)
	if _, err := promote(); !errors.Is(err, partner.ErrStages) {
		t.Errorf("promoted past the last stage: %v", err)
	}
	take(partner.Ended, 2, func() (partner.Partner, error) { return s.End(ctx, ask, 1) })
	shown, err := s.Show(ctx, 1)
	s.must(err)
	want := []partner.State{partner.Applied, partner.Applied, partner.Sandbox, partner.Certified, partner.Live, partner.Suspended,
		partner.Live, partner.Live, partner.Live, partner.Ended}
	from := partner.State(0)
	if len(shown.Steps) != len(want) || strings.Count(s.log.String(), "partner step") != len(want) {
		t.Fatalf("%d steps, log:\n%s", len(shown.Steps), s.log.String())
	}
	for i, step := range shown.Steps {
		if step.From != from || step.To != want[i] || step.Who != ask.Who || step.Reason != ask.Reason || step.Number != i+1 {
			t.Errorf("step %+v", step)
		}
		from = step.To
	}
	if strings.Contains(s.log.String(), ask.Reason) {
		t.Error("the log repeats a reason that somebody wrote by hand")
	}
}

// TestRefusedSteps: what is outside the life cycle or the agreement is refused and
// leaves no step.
func TestRefusedSteps(t *testing.T) {
	for name, c := range map[string]struct {
		try  func(s *stand) error
		want error
	}{
		"an application of another number": {func(s *stand) error { return s.apply(s.terms(7, 1), signs) }, partner.ErrNumber},
		"another application under a number that is taken": {func(s *stand) error {
			t := s.terms(1, 1)
			t.Name = "Toko Lain"
			return s.apply(t, signs)
		}, partner.ErrNumber},
		"an application signed by another": {func(s *stand) error { return s.apply(s.terms(2, 1), 9) }, partner.ErrSignature},
		"a second version of nobody":       {func(s *stand) error { return s.apply(s.terms(2, 2), signs) }, rollout.ErrPartner},
		"a version skipped":                {func(s *stand) error { return s.apply(s.terms(1, 3), signs) }, partner.ErrVersion},
		"a version that another signed":    {func(s *stand) error { return s.apply(s.terms(1, 2), 9) }, partner.ErrSignature},
		"countersigned twice":              {func(s *stand) error { return s.sign(1, thumb(signs)) }, partner.ErrSigned},
		"a version that is not there":      {func(s *stand) error { return s.sign(2, thumb(signs)) }, partner.ErrAgreement},
		"promoted without a report":        {func(s *stand) error { return s.promote() }, partner.ErrReport},
		"a failed report":                  {func(s *stand) error { return s.certify(func(r *partner.Report) { r.Passed = false }) }, partner.ErrReport},
		"a report of another relay":        {func(s *stand) error { return s.certify(func(r *partner.Report) { r.Relay[0]++ }) }, partner.ErrReport},
		"a report older than 30 days":      {func(s *stand) error { return s.certify(func(r *partner.Report) { r.At = s.now.AddDate(0, 0, -31) }) }, partner.ErrReport},
		"resumed without a suspension":     {func(s *stand) error { _, err := s.Resume(s.t.Context(), ask, 1); return err }, partner.ErrMove},
		"a step of nobody":                 {func(s *stand) error { _, err := s.Suspend(s.t.Context(), ask, 9); return err }, rollout.ErrPartner},
		"a step nobody asked for":          {func(s *stand) error { _, err := s.Suspend(s.t.Context(), rollout.Ask{}, 1); return err }, partner.ErrWho},
		"a reason of two lines": {func(s *stand) error {
			_, err := s.Suspend(s.t.Context(), rollout.Ask{Who: "x", Reason: "a\nb"}, 1)
			return err
		}, partner.ErrReason},
		"certified after the agreement is over": {func(s *stand) error { s.now = s.now.AddDate(2, 0, 0); return s.certify(func(*partner.Report) {}) }, partner.ErrUnsigned},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.sandboxed()
			if err := c.try(s); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			s.at(partner.Sandbox, 0)
			shown, err := s.Show(t.Context(), 1)
			s.must(err)
			if len(shown.Steps) != 3 || len(shown.Agreements) != 1 {
				t.Errorf("%d steps, %d agreements", len(shown.Steps), len(shown.Agreements))
			}
		})
	}
}

func (s *stand) sign(version int, confirmed [32]byte) error {
	_, err := s.Countersign(s.t.Context(), ask, 1, version, confirmed)
	return err
}

func (s *stand) promote() error {
	_, err := s.Promote(s.t.Context(), ask, 1)
	return err
}

func (s *stand) certify(spoil func(r *partner.Report)) error {
	r := s.report()
	spoil(&r)
	_, err := s.Certify(s.t.Context(), ask, r)
	return err
}

// TestCountersign: the operator confirms the first key; the key of the version before
// vouches for the next; what the keeper did not sign is not agreed.
func TestCountersign(t *testing.T) {
	s := newStand(t)
	s.must(s.apply(s.terms(1, 1), signs))
	for name, confirmed := range map[string][32]byte{"no key confirmed": {}, "another key": thumb(9), "the relay's": thumb(relays)} {
		if err := s.sign(1, confirmed); !errors.Is(err, partner.ErrThumbprint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.promote(); !errors.Is(err, partner.ErrUnsigned) {
		t.Errorf("in the sandbox without the platform's signature: %v", err)
	}
	s.out = fault.New(fault.Unavailable, "keeper")
	if err := s.sign(1, thumb(signs)); !errors.Is(err, s.out) {
		t.Errorf("without a keeper: %v", err)
	}
	s.out = nil
	s.must(s.sign(1, thumb(signs)))

	next := s.terms(1, 2)
	next.Keys.Sign, next.Keys.Relay, next.From = jwk(6), jwk(8), s.now.Add(time.Hour)
	s.must(s.apply(next, signs))
	s.must(s.sign(2, [32]byte{}))
	shown, err := s.Show(t.Context(), 1)
	s.must(err)
	if shown.Terms != 1 {
		t.Errorf("version %d is in force before its time", shown.Terms)
	}
	s.now = s.now.Add(time.Hour)
	if shown, err = s.Show(t.Context(), 1); err != nil || shown.Terms != 2 || shown.Relay != thumb(8) {
		t.Errorf("version %d is in force, %v", shown.Terms, err)
	}
	if err := s.apply(s.terms(1, 3), signs); !errors.Is(err, partner.ErrSignature) {
		t.Errorf("signed by a key that was replaced: %v", err)
	}
}

// TestAlteredAgreement: terms changed in the database are in force no more.
func TestAlteredAgreement(t *testing.T) {
	s := newStand(t)
	s.sandboxed()
	// A thief of the database writes a version of their own, with a signature of theirs.
	mine := s.terms(1, 2)
	mine.Limits.MessagesPerMinute = 9_000_000
	raw, err := mine.Canonical()
	s.must(err)
	g := partner.Agreement{Partner: 1, Version: 2, Terms: raw, Signature: partner.Detached(key(signs), raw), Until: mine.Until}
	c := partner.Countersignature{Seq: 1, At: s.now}
	c.Sign(key(9), g.Digest())
	s.must(s.DB.Bulk(t.Context(), func(st store.Stores) error {
		if err := st.Agreements.Offer(g); err != nil {
			return err
		}
		return st.Agreements.Countersign(1, 2, c)
	}))
	if shown, err := s.Show(t.Context(), 1); err != nil || shown.Terms != 1 {
		t.Errorf("version %d is in force, %v", shown.Terms, err)
	}
}

// TestWaiting: applications that nobody looked at are bounded, where anybody may apply.
func TestWaiting(t *testing.T) {
	s := newStand(t)
	s.Waiting = 2
	s.must(s.apply(s.terms(1, 1), signs))
	s.must(s.apply(s.terms(2, 1), signs))
	if err := s.apply(s.terms(3, 1), signs); !errors.Is(err, rollout.ErrWaiting) {
		t.Errorf("a third: %v", err)
	}
	s.must(s.sign(1, thumb(signs)))
	s.must(s.promote())
	err := s.apply(s.terms(9, 1), signs)
	if !errors.Is(err, partner.ErrNumber) || !strings.Contains(fault.Text(err), ": 3") {
		t.Errorf("the refusal does not say which number to take: %v", err)
	}
	s.must(s.apply(s.terms(3, 1), signs))
	rows, err := s.List(t.Context())
	if err != nil || len(rows) != 3 || rows[0].State != partner.Sandbox || rows[0].Most != 10 || rows[1].Terms != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestAppliedAgain: what was taken in is taken in once, and signed terms stay signed.
func TestAppliedAgain(t *testing.T) {
	s := newStand(t)
	first := s.terms(1, 1)
	s.must(s.apply(first, signs))
	s.must(s.sign(1, thumb(signs)))
	s.now = s.now.Add(time.Hour)
	for range 3 {
		s.must(s.apply(first, signs))
	}
	shown, err := s.Show(t.Context(), 1)
	if err != nil || len(shown.Agreements) != 1 || len(shown.Steps) != 2 || shown.Agreements[0].Countersignature.At.IsZero() || strings.Count(s.log.String(), "partner step") != 2 {
		t.Errorf("%+v, %v", shown, err)
	}
}

// TestUnsignedVersions: where anybody may apply, a partner has five versions wait for
// the platform's signature and no more; the operator's own hand is not bound so.
func TestUnsignedVersions(t *testing.T) {
	s := newStand(t)
	s.Waiting = 10
	for v := 1; v <= 5; v++ {
		s.must(s.apply(s.terms(1, v), signs))
	}
	if err := s.apply(s.terms(1, 6), signs); !errors.Is(err, rollout.ErrWaiting) {
		t.Errorf("a sixth: %v", err)
	}
	s.Waiting = 0
	s.must(s.apply(s.terms(1, 6), signs))
}
