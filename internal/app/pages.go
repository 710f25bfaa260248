package app

import (
	"context"
	"crypto/sha256"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/flow/portability"
	"github.com/amanah-project/amanah/internal/flow/telling"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/fhir"
	"github.com/amanah-project/amanah/internal/web/oauth"
	"github.com/amanah-project/amanah/internal/web/page"
	"github.com/amanah-project/amanah/internal/web/route"
)

// pagePace is the beat at which answers to a NIK or a code leave: above what they
// take, so that the time of a look-up is not in it.
const pagePace = 250 * time.Millisecond

// linking is what people do on the platform's own pages.
type linking struct {
	flow    *consent.Flow
	courier *consent.Courier
	told    *telling.Flow // nil: no messenger is configured
	pages   *page.Pages
}

// newLinking wires the pages; what they end in is the authorization server's.
func newLinking(s *Server, keys keeper.ServiceKeys) (*linking, error) {
	messenger, err := s.cfg.messenger(readSecret)
	if err != nil {
		return nil, err
	}
	l := &linking{courier: consent.NewCourier(s.db, s.keeper, messenger, time.Now, func(err error) {
		s.log.Warn("a message was not brought", "error", err)
	})}
	l.flow = &consent.Flow{
		DB: s.db, Keeper: s.keeper, Sealer: func() consent.Sealer { return s.ring.tokens() }, Key: factorKey(keys),
		Lanes: s.cfg.Link.lanes(), Courier: l.courier, Now: time.Now,
	}
	if s.cfg.Message.Kind != "none" {
		to := &consent.Teller{DB: s.db, Keeper: s.keeper, Messenger: messenger, Now: time.Now}
		l.told = &telling.Flow{DB: s.db, Keeper: s.keeper, To: to, Now: time.Now}
	}
	l.pages, err = page.New(page.Pages{
		Linking: l.flow, Own: l.flow, Terms: s.agreed, Records: own{s},
		Secure: s.cfg.TLS.Proxy || s.cfg.TLS.Cert != "", Proxy: s.cfg.TLS.Proxy, Pace: pagePace,
	})
	return l, err
}

// tell tells people what happened with their records.
func (s *Server) tell(ctx context.Context) error {
	if s.linking.told == nil {
		return nil
	}
	t, err := s.linking.told.Run(ctx)
	if t.Failed > 0 || t.Late > 0 {
		s.log.Warn("people were not told what happened with their records", "tried again", t.Failed, "given up", t.Late)
	}
	return err
}

// own gives people their own records.
type own struct{ *Server }

// Take implements page.Records.
func (o own) Take(ctx context.Context, a consent.Attempt, recipient string, begin func() io.Writer) error {
	f := &portability.Flow{Keeper: o.keeper, Records: o.care, Base: "https://" + o.cfg.Host + fhir.Base, Now: time.Now}
	return f.Take(ctx, a, recipient, begin)
}

// factorKey derives the key of one-time codes from the oldest token key, which every
// server of an installation has.
func factorKey(k keeper.ServiceKeys) identity.FactorKey {
	return identity.NewFactorKey(sha256.Sum256(append([]byte("amanah factor key v1\x00"), k.Token[len(k.Token)-1].Key...)))
}

// under gives the pages to the authorization server whose attempts they serve.
func (l *linking) under(o *oauth.Server) oauth.Pages {
	l.pages.Outcome = o
	return l.pages
}

func (l *linking) routes(mux *route.Mux) {
	mux.HandleFunc("GET /link/{page}", l.pages.Get)
	mux.HandleFunc("POST /link/{page}", l.pages.Post)
}

// settle lets numbers that waited take over, and forgets past days' guesses.
func (s *Server) settle(ctx context.Context) error {
	const batch = 50
	for {
		n, err := consent.Settle(ctx, s.db, time.Now(), batch)
		if err != nil {
			return err
		}
		gone, err := consent.Forget(ctx, s.db, time.Now(), 10*batch)
		if err != nil || n < batch && gone < 10*batch {
			return err
		}
	}
}

// agreed returns the version of an agreement that a person is asked to consent to.
func (s *Server) agreed(_ context.Context, id partner.ID, version int) (partner.Terms, error) {
	if err := s.members.fresh(); err != nil {
		return partner.Terms{}, err
	}
	for _, a := range s.members.known.Load().all[id].agreed {
		if a.Terms.Version == version {
			return a.Terms, nil
		}
	}
	return partner.Terms{}, identity.ErrNoAuthorization
}
