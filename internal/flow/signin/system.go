package signin

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of systems.
var (
	ErrKeyless = fault.New(fault.Invalid, "a system without a key cannot sign, and so opens nothing: it enters and corrects")
	ErrSystem  = fault.New(fault.NotFound, "no system of this name is known: amanah facility client list shows all")
)

// AddKeyless registers a facility's system that cannot sign. The keeper, which believes
// signatures alone, never hears of it; its token opens nothing.
func (f *Flow) AddKeyless(ctx context.Context, a staff.Actor) (staff.Secret, error) {
	if a.Role != staff.RoleClient {
		return staff.Secret{}, staff.ErrRole
	}
	if err := a.Role.Check(a.Rights); err != nil {
		return staff.Secret{}, err
	}
	if a.Rights&staff.View != 0 {
		return staff.Secret{}, ErrKeyless
	}
	secret, now := staff.NewSecret(), f.Now()
	hash := secret.Hash()
	a.Key, a.Since = nil, now
	return secret, f.DB.Update(ctx, func(s store.Stores) error {
		if err := f.free(s, a, now); err != nil {
			return err
		}
		return s.Staff.Put(staff.Member{Actor: a, Credential: hash[:], Registered: now})
	})
}

// Secret gives a system a new secret, and none but the new one is good.
func (f *Flow) Secret(ctx context.Context, id staff.ActorID) (staff.Secret, error) {
	secret := staff.NewSecret()
	hash := secret.Hash()
	return secret, f.DB.Update(ctx, func(s store.Stores) error {
		m, err := s.Staff.Get(id)
		switch {
		case err != nil:
			return err
		case m.Role != staff.RoleClient:
			return ErrSystem
		case m.State() == "ended":
			return staff.ErrEnded
		}
		m.Credential = hash[:]
		return s.Staff.Put(m)
	})
}

// System returns a facility's system that may ask now, and the hash of its secret, zero
// when it has none; ErrSecret for any other.
func (f *Flow) System(ctx context.Context, id staff.ActorID) (a staff.Actor, secret [32]byte, err error) {
	var m staff.Member
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		m, err = s.Staff.Get(id)
		return err
	})
	if err != nil {
		return staff.Actor{}, secret, err
	}
	if m.Role != staff.RoleClient || m.State() != "enrolled" {
		return staff.Actor{}, secret, staff.ErrSecret
	}
	copy(secret[:], m.Credential)
	return m.Actor, secret, nil
}
