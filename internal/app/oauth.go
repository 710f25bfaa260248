package app

import (
	"context"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/link"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/oauth"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// clients are the partners that are served now, as OAuth clients.
type clients struct{ members *partners }

// Terms implements oauth.Clients.
func (c clients) Terms(id partner.ID) (partner.Terms, error) {
	g, err := c.members.Grant(id)
	if err != nil {
		return partner.Terms{}, err
	}
	return g.Terms, nil
}

// grants are links by consent.
func (s *Server) grants() *link.Grants {
	flow := &link.Flow{DB: s.db, Keeper: s.keeper, Platform: s.ring.logKey, Now: time.Now}
	return &link.Grants{
		DB: s.db, Keeper: s.keeper, Sealer: func() link.Sealer { return s.ring.tokens() }, Put: flow.Put, Now: time.Now,
	}
}

// authority wires the authorization server.
func (s *Server) authority() *oauth.Server {
	o := &oauth.Server{
		Host: s.cfg.Host, Tokens: s.ring.tokens, Nonces: s.nonces, Once: dpop.NewOnceEverywhere(nonceLife, s.used),
		Clients: clients{s.members}, Grants: s.grants(), Pages: noPages{}, Now: time.Now,
		Systems: systems{s.office()}, Pace: s.tokenPace,
	}
	if s.pages != nil {
		o.Pages = s.pages(o)
	}
	return o
}

// noPages stand where nobody can be asked for their consent: nobody is linked.
type noPages struct{}

// Start implements oauth.Pages.
func (noPages) Start(w http.ResponseWriter, _ *http.Request, _ identity.AuthorizationID) {
	problem.Write(w, fault.New(fault.Unavailable, "linking by consent is not open here"))
}

// lapse removes attempts to link whose time is over.
func (s *Server) lapse(ctx context.Context) error {
	g := s.grants()
	for {
		n, err := g.Forget(ctx, 1000)
		if err != nil || n < 1000 {
			return err
		}
	}
}
