package app

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/flow/travel"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
)

// journeys answers partners' servers.
func (s *Server) journeys() *api.Decisions {
	return &api.Decisions{
		Host: s.cfg.Host, Tokens: s.ring.tokens, Nonces: s.nonces, Once: dpop.NewOnceEverywhere(nonceLife, s.used),
		Grant: s.members.Grant, Flow: &travel.Flow{DB: s.db, Gate: s.gate, Now: time.Now}, Now: time.Now,
	}
}

// mostApplications bounds the partners that wait for the operator, where anybody may
// apply.
const mostApplications = 50

// applications answers what partners ask about themselves. The platform's own
// signatures are the operator's to give, so that no keeper is behind it.
func (s *Server) applications() *api.Partners {
	return &api.Partners{
		Host: s.cfg.Host, Tokens: s.ring.tokens, Nonces: s.nonces, Once: dpop.NewOnceEverywhere(nonceLife, s.used),
		Bound: s.members.Bound, BoundCertificate: s.members.BoundCertificate, Now: time.Now,
		Flow: s.rollout(),
	}
}

// rollout is the partners' life cycle as a server leads it, without the keeper.
func (s *Server) rollout() *rollout.Flow {
	return &rollout.Flow{DB: s.db, Platform: s.ring.logKey, Now: time.Now, Log: s.log, Waiting: mostApplications}
}

// forgetJourneys removes decisions whose journeys are long over.
func (s *Server) forgetJourneys(ctx context.Context) error {
	for {
		n, err := travel.Forget(ctx, s.db, time.Now(), 2000)
		if err != nil || n < 2000 {
			return err
		}
	}
}
