package app

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/erasure"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/console"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/signed"
)

// Staff says how staff sign in.
type Staff struct {
	// SyncedPasskeys takes passkeys that can be copied to other devices too, such as
	// those that a phone's maker keeps for its customers. Who steals an account there
	// signs in here.
	SyncedPasskeys bool `toml:"synced_passkeys" help:"Take passkeys that can be copied to other devices."`
}

// site is what passkeys are made for. The console is the platform's own https address:
// the keeper believes no other.
func (c Config) site() staff.Site {
	return staff.Site{ID: c.Host, Origin: "https://" + c.Host, Synced: c.Staff.SyncedPasskeys}
}

// office is the flow of the server's own staff.
func (s *Server) office() *signin.Flow {
	return &signin.Flow{DB: s.db, Keeper: s.keeper, Site: s.cfg.site(), Now: time.Now}
}

// desk admits staff by their sign-in.
func (s *Server) desk() *signed.Desk {
	return &signed.Desk{
		Host: s.cfg.Host, Sessions: s.office(), Nonces: s.nonces, Once: dpop.NewOnceEverywhere(nonceLife, s.used), Now: time.Now,
	}
}

func newConsole(s *Server) (*console.Console, error) {
	flow := s.office()
	return console.New(console.Console{
		Flow: flow, Office: flow, Seconds: flow, Erasures: &erasure.Flow{DB: s.db, Care: s.care, Now: time.Now},
		Partners: s.rollout(), Report: ParseReport, Desk: s.desk(), Site: s.cfg.site(), Secure: s.cfg.TLS.Proxy || s.cfg.TLS.Cert != "",
	})
}

// tidyStaff forgets invitations and sign-ins that are long over.
func (s *Server) tidyStaff(ctx context.Context) error {
	for {
		n, err := signin.Tidy(ctx, s.db, time.Now(), 500)
		if err != nil || n < 500 {
			return err
		}
	}
}

// Office is the flow of staff as the operator's commands use it, over the keeper's admin
// socket.
func (o *Operator) Office() *signin.Flow {
	return &signin.Flow{DB: o.DB, Keeper: o.Keeper, Site: o.cfg.site(), Now: o.now}
}

// ConsoleURL is where an invited person goes; the code stays in the browser, because a
// fragment is not sent.
func (o *Operator) ConsoleURL(code staff.Code) string {
	return o.cfg.site().Origin + "/console/enrol#" + code.Reveal()
}

// AddFacility adds a facility, or changes its name.
func (o *Operator) AddFacility(ctx context.Context, id staff.FacilityID, name string) error {
	return o.DB.Update(ctx, func(s store.Stores) error {
		all, err := s.Staff.Facilities()
		if err != nil {
			return err
		}
		f := staff.Facility{ID: id, Since: o.now().Truncate(time.Second)}
		for _, had := range all {
			if had.ID == id {
				f = had
			}
		}
		f.Name = name
		return s.Staff.PutFacility(f)
	})
}
