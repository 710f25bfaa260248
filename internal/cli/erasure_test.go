package cli

import (
	"io"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
)

// pair are the two officers of a script's installation.
type pair struct{ one, two *stafftest.Authenticator }

// signedErasure sets a variable to the number of somebody's erasure, as it stands once an officer
// asked for it at the desk and both officers signed; with a third argument, once only who
// asked signed.
func signedErasure(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		if len(args) < 2 || len(args) > 3 {
			ts.Fatalf("usage: erasure variable person [alone]")
		}
		who, err := strconv.ParseUint(args[1], 10, 64)
		ts.Check(err)
		cfg, err := app.Parse(ts.ReadFile("site.toml"))
		ts.Check(err)
		cfg.Data, cfg.Keeper.Socket = ts.MkAbs(cfg.Data), filepath.Join(ts.MkAbs("run"), "serve.sock")
		at := staff.Site{ID: cfg.Host, Origin: "https://" + cfg.Host}
		officers := ts.Value(pair{}).(*pair)
		ts.Check(app.Operate(t.Context(), cfg, io.Discard, func(o *app.Operator) error {
			fresh := officers.one == nil
			if fresh {
				officers.one, officers.two = keepertest.Officers(t, o.Keeper, at)
			}
			e := keepertest.Erasure(at, officers.one, officers.two, identity.PersonID(who))
			ts.Setenv(args[0], e.Request.ID().String())
			return o.DB.Update(t.Context(), func(s store.Stores) error {
				if fresh {
					if err := known(s, map[staff.ActorID]*stafftest.Authenticator{"officer-1": officers.one, "officer-2": officers.two}); err != nil {
						return err
					}
				}
				if err := s.Requests.Put(e.Request); err != nil {
					return err
				}
				for _, a := range e.Approvals[:4-len(args)] {
					if err := s.Requests.Approve(a); err != nil {
						return err
					}
				}
				return nil
			})
		}))
	}
}

// known lists officers whom the keeper knows.
func known(s store.Stores, officers map[staff.ActorID]*stafftest.Authenticator) error {
	now := time.Now().Truncate(time.Second)
	if err := s.Staff.PutFacility(staff.Facility{ID: "dinkes-99", Name: "Dinas", Since: now}); err != nil {
		return err
	}
	for id, key := range officers {
		a := staff.Actor{ID: id, Facility: "dinkes-99", Role: staff.RoleOfficer, Key: key.JWK(), Since: now}
		if err := s.Staff.Put(staff.Member{Actor: a, Credential: key.Credential, Registered: now}); err != nil {
			return err
		}
	}
	return nil
}
