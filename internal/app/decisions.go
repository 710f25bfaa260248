package app

import (
	"context"
	"time"

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

// forgetJourneys removes decisions whose journeys are long over.
func (s *Server) forgetJourneys(ctx context.Context) error {
	for {
		n, err := travel.Forget(ctx, s.db, time.Now(), 2000)
		if err != nil || n < 2000 {
			return err
		}
	}
}
