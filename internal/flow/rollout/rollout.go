// Package rollout is the flow of a partner's life: application, sandbox,
// certificate, stages of growth, suspension and end.
//
// Each step is one transaction that changes the partner and adds the step to its
// log, durable before anybody is told. Where a step may lead is the domain's to say.
package rollout

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of the flow.
var (
	ErrPartner = fault.New(fault.NotFound, "no such partner")
	ErrWaiting = fault.New(fault.Busy, "too many applications wait for the operator: apply again later")
)

// Keeper is what the flow asks of the keeper.
type Keeper interface {
	// Attest signs the digest of an agreement with the platform's log key.
	Attest(ctx context.Context, digest [32]byte) (partner.Countersignature, error)
}

// Flow takes the steps.
type Flow struct {
	DB       store.DB
	Keeper   Keeper
	Platform func() ed25519.PublicKey // the log key, by which agreements are countersigned
	Now      func() time.Time
	Log      *slog.Logger // told of each step
	Waiting  int          // most applications that may wait; 0 for any number
}

// Ask says who wants a step and why.
type Ask struct {
	Who    string // an office or role
	Reason string
}

// step is one step as it is worked out in its transaction.
type step struct {
	store.Stores
	partner.Partner
	agreements []partner.Agreement
	agreed     []partner.Agreed
	now        time.Time
}

// take runs one step: fn returns the partner after it, and what the log says more.
func (f *Flow) take(ctx context.Context, a Ask, id partner.ID, fn func(s *step) (partner.Partner, partner.Report, error)) (partner.Partner, error) {
	var after partner.Partner
	var logged partner.Step
	err := f.DB.Bulk(ctx, func(st store.Stores) error {
		s, err := f.load(st, id)
		if err != nil {
			return err
		}
		report := partner.Report{}
		if after, report, err = fn(s); err != nil {
			return err
		}
		logged = partner.Step{
			Partner: after.ID, Who: a.Who, From: s.State, To: after.State, Stage: after.Stage, Reason: a.Reason, At: s.now, Report: report,
		}
		return keep(st, after, logged)
	})
	if err == nil {
		f.tell(logged)
	}
	return after, err
}

func keep(st store.Stores, p partner.Partner, logged partner.Step) error {
	if err := logged.Check(); err != nil {
		return err
	}
	if err := st.Partners.Put(p); err != nil {
		return err
	}
	return st.Partners.Log(logged)
}

// tell writes a step to the log, after it is durable. The reason is for the row
// alone: somebody wrote it by hand.
func (f *Flow) tell(s partner.Step) {
	f.Log.Info("partner step", "partner", s.Partner.String(), "from", s.From.String(), "to", s.To.String(), "stage", s.Stage, "who", s.Who)
}

// load reads a partner, held until the transaction ends, with its agreements;
// ErrPartner.
func (f *Flow) load(st store.Stores, id partner.ID) (*step, error) {
	s := &step{Stores: st, now: f.Now().Truncate(time.Second)}
	var err error
	if s.Partner, err = st.Partners.Get(id); err != nil {
		return nil, err
	}
	if s.ID == 0 {
		return nil, ErrPartner
	}
	if s.agreements, err = st.Agreements.Of(id); err != nil {
		return nil, err
	}
	// One that does not hold is as good as none.
	s.agreed, _ = partner.OpenAll(s.agreements, f.Platform())
	return s, nil
}

// Promote leads a partner one step up: into the sandbox when its agreement is
// signed, to its first or next stage when it is certified. ErrUnsigned, ErrReport,
// ErrStages, ErrSuspended, ErrMove, ErrPartner.
func (f *Flow) Promote(ctx context.Context, a Ask, id partner.ID) (partner.Partner, error) {
	return f.take(ctx, a, id, func(s *step) (partner.Partner, partner.Report, error) {
		to, err := s.Standing().Next()
		if err != nil {
			return s.Partner, partner.Report{}, err
		}
		in, err := partner.InForce(s.agreed, s.now)
		if err != nil {
			return s.Partner, partner.Report{}, err
		}
		if to == partner.Live {
			steps, err := s.Partners.Steps(id)
			if err != nil {
				return s.Partner, partner.Report{}, err
			}
			if err := partner.LastReport(steps).Check(in, s.now); err != nil {
				return s.Partner, partner.Report{}, err
			}
		}
		next, err := s.Standing().Move(to, len(in.Stages))
		return s.Partner.At(next), partner.Report{}, err
	})
}

// Certify takes a certification's result. It leads out of the sandbox; further on
// it renews what the next promotion asks for. ErrReport, ErrUnsigned, ErrMove,
// ErrPartner.
func (f *Flow) Certify(ctx context.Context, a Ask, r partner.Report) (partner.Partner, error) {
	return f.take(ctx, a, r.Partner, func(s *step) (partner.Partner, partner.Report, error) {
		in, err := partner.InForce(s.agreed, s.now)
		if err != nil {
			return s.Partner, r, err
		}
		if err := r.Check(in, s.now); err != nil {
			return s.Partner, r, err
		}
		next, err := s.Standing().Certify()
		return s.Partner.At(next), r, err
	})
}

// Suspend stops a partner on every server within five seconds. ErrMove, ErrPartner.
func (f *Flow) Suspend(ctx context.Context, a Ask, id partner.ID) (partner.Partner, error) {
	return f.move(ctx, a, id, partner.Suspended)
}

// End ends a partner for good. ErrMove, ErrPartner.
func (f *Flow) End(ctx context.Context, a Ask, id partner.ID) (partner.Partner, error) {
	return f.move(ctx, a, id, partner.Ended)
}

func (f *Flow) move(ctx context.Context, a Ask, id partner.ID, to partner.State) (partner.Partner, error) {
	return f.take(ctx, a, id, func(s *step) (partner.Partner, partner.Report, error) {
		next, err := s.Standing().Move(to, 0)
		return s.Partner.At(next), partner.Report{}, err
	})
}

// Resume puts a suspended partner back to where it stood. ErrMove, ErrStages,
// ErrUnsigned, ErrPartner.
func (f *Flow) Resume(ctx context.Context, a Ask, id partner.ID) (partner.Partner, error) {
	return f.take(ctx, a, id, func(s *step) (partner.Partner, partner.Report, error) {
		in, err := partner.InForce(s.agreed, s.now)
		if err != nil {
			return s.Partner, partner.Report{}, err
		}
		next, err := s.Standing().Resume(len(in.Stages))
		return s.Partner.At(next), partner.Report{}, err
	})
}
