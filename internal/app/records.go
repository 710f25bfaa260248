package app

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	vaultflow "github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/flow/signin"
	format "github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/fhir"
	"github.com/amanah-project/amanah/internal/web/pace"
)

// What one facility's system may ask: a hospital that sends each of 100,000 visits a
// month with ten records in an eight-hour day needs about two a second.
const (
	recordsRate, recordsBurst = 20, 200
	tokenRate, tokenBurst     = 0.2, 20
)

// systems knows the facilities' systems, for tokens and for what they ask.
type systems struct{ flow *signin.Flow }

// Client implements oauth.Systems.
func (s systems) Client(ctx context.Context, id staff.ActorID) (staff.Actor, [32]byte, error) {
	return s.flow.System(ctx, id)
}

// System implements fhir.Systems.
func (s systems) System(ctx context.Context, id staff.ActorID) (staff.Actor, error) {
	a, _, err := s.flow.System(ctx, id)
	return a, err
}

// newCare is the flow of health records, on the server's socket: colours follow as the
// platform's own job.
func newCare(s *Server) (*care.Flow, error) {
	reader, err := format.NewReader()
	if err != nil {
		return nil, err
	}
	return &care.Flow{
		DB: s.db, Keeper: s.keeper, Documents: s.vault, Lane: s.vault.Lane, Reader: reader, Now: time.Now, Actor: "care", Budget: keeper.BudgetJob,
		Loud: func(by care.Caller) {
			s.log.Warn("records were opened in an emergency: tell their facility", "actor", by.Actor, "facility", by.Facility)
		},
		Colours: &evidence.Flow{DB: s.db, Keeper: s.keeper, Rules: s.rules, Now: time.Now, Actor: "care", Budget: keeper.BudgetJob},
	}, nil
}

// followEvery is how often colours are looked after that nobody woke the flow for, such
// as those of another server's that died.
const followEvery = time.Minute

// follow lets colours follow records until ctx is done.
func (s *Server) follow(ctx context.Context) {
	s.care.Follow(ctx, followEvery, func(done care.Followed, err error) {
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.Warn("colours do not follow records", "error", err)
		case done.Stuck > 0:
			s.log.Error("records or evidence do not open, and colours cannot follow", "versions", done.Stuck)
		}
	})
}

// records serves health records.
func (s *Server) records() *fhir.Server {
	return &fhir.Server{
		Host: s.cfg.Host, Version: version(), Tokens: s.ring.tokens, Nonces: s.nonces, Once: dpop.NewOnceEverywhere(nonceLife, s.used),
		Systems: systems{s.office()}, Care: s.care, Files: &vaultflow.Flow{Vault: s.vault, Records: s.care}, Staff: s.desk().Admit, Reader: s.care.Reader, Relate: s.keeper.Relate, Pace: pace.New(recordsRate, recordsBurst), Seen: s.metrics, Now: time.Now,
	}
}

// version is this program's, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
