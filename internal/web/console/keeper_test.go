package console_test

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
)

// halves is a keeper as the server reaches it, and as the operator's commands do: what
// nobody signed is the operator's.
type halves struct{ serve, admin signin.Keeper }

func (h halves) Enrol(ctx context.Context, e keeper.Enrolment) error {
	if ctx.Value(hostKey{}) != nil {
		return h.admin.Enrol(ctx, e)
	}
	return h.serve.Enrol(ctx, e)
}

func (h halves) Approve(ctx context.Context, by keeper.Ask) error { return h.serve.Approve(ctx, by) }

type hostKey struct{}

// onHost is the context of a command on the keeper's host.
func onHost() context.Context { return context.WithValue(context.Background(), hostKey{}, true) }

func serveKeeper(s *stand) signin.Keeper {
	serve, admin := keepertest.Both(s.T, durabletest.New(1))
	return halves{serve, admin}
}

// first is the first officer, signed in.
func (s *stand) first() *member {
	s.Helper()
	m := &member{s.browser(), "officer-1", stafftest.Passkey(s.T)}
	if got := s.register(s.invite(m.id, staff.RoleOfficer), m.passkey, site); got.status != 200 {
		s.Fatal(got.raw)
	}
	if err := s.flow.ConfirmHost(onHost(), m.id, staff.Fingerprint(m.passkey.Key())); err != nil {
		s.Fatal(err)
	}
	if got := m.signIn(m.passkey, m.id, site, time.Hour); got.status != 200 {
		s.Fatal(got.raw)
	}
	return m
}

// officers are the first two.
func (s *stand) officers() (one, two *member) {
	s.Helper()
	one = s.first()
	two = &member{s.browser(), "officer-2", stafftest.Passkey(s.T)}
	if got := s.register(s.invite(two.id, staff.RoleOfficer), two.passkey, site); got.status != 200 {
		s.Fatal(got.raw)
	}
	if err := s.enrolSecond(one, two); err != nil {
		s.Fatal(err)
	}
	if got := two.signIn(two.passkey, two.id, site, time.Hour); got.status != 200 {
		s.Fatal(got.raw)
	}
	return one, two
}

// enrolSecond has the only officer sign for another, and the keeper's host confirm it.
func (s *stand) enrolSecond(one, two *member) error {
	s.Helper()
	print := staff.Fingerprint(two.passkey.Key())
	got := one.must("POST", "/console/v1/actors/"+string(two.id)+"/"+one.row(two.id)["enrol"].(string), map[string]any{"fingerprint": print})
	if got.text("state") != "host" {
		s.Fatal(got.raw)
	}
	return s.flow.ConfirmHost(onHost(), two.id, print)
}
