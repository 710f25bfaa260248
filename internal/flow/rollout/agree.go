package rollout

import (
	"bytes"
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// Apply takes in terms that a partner signed: a first version is an application
// and makes the partner known, a later one waits for the platform's signature
// while the version before stays in force. The signature is over the terms'
// canonical bytes. What was taken in before, byte for byte, is answered as it was
// then and changes nothing. ErrTerms, what Terms.Check says, ErrSignature,
// ErrVersion, ErrNumber with the number to take, ErrPartner, ErrWaiting, ErrMove of
// an ended partner.
func (f *Flow) Apply(ctx context.Context, a Ask, document []byte, signature string) (partner.Agreement, error) {
	now := f.Now().Truncate(time.Second)
	g, terms, err := offer(document, signature, now)
	if err != nil {
		return partner.Agreement{}, err
	}
	var logged partner.Step
	err = f.DB.Bulk(ctx, func(st store.Stores) error {
		logged = partner.Step{}
		p, err := st.Partners.Get(terms.Partner)
		if err != nil {
			return err
		}
		before, err := st.Agreements.Of(terms.Partner)
		if err != nil {
			return err
		}
		if was, ok := taken(before, g); ok {
			g = was
			return nil
		}
		logged = partner.Step{Partner: terms.Partner, Who: a.Who, From: p.State, To: p.State, Stage: p.Stage, Reason: a.Reason, At: now}
		if terms.Version == 1 {
			if p, err = f.applicant(st, terms, now); err != nil {
				return err
			}
			logged.To = p.State
		}
		switch p.State {
		case 0:
			return ErrPartner
		case partner.Ended:
			return partner.ErrMove
		}
		if f.Waiting > 0 && unsigned(before) >= mostUnsigned {
			return ErrWaiting
		}
		if err := g.Succeeds(before); err != nil {
			return err
		}
		if err := st.Agreements.Offer(g); err != nil {
			return err
		}
		return keep(st, p, logged)
	})
	if err == nil && logged.Who != "" {
		f.tell(logged)
	}
	return g, err
}

// mostUnsigned bounds what one partner may have waiting for the platform's signature,
// where anybody may apply.
const mostUnsigned = 5

// offer reads what a partner hands in. A first version vouches for itself, so that
// nothing is looked up for one that does not.
func offer(document []byte, signature string, now time.Time) (partner.Agreement, partner.Terms, error) {
	terms, err := partner.ParseTerms(document)
	if err != nil {
		return partner.Agreement{}, terms, err
	}
	if err := terms.Check(now); err != nil {
		return partner.Agreement{}, terms, err
	}
	raw, err := terms.Canonical()
	if err != nil {
		return partner.Agreement{}, terms, err
	}
	if terms.Version == 1 {
		if err := terms.Verify(signature); err != nil {
			return partner.Agreement{}, terms, err
		}
	}
	return partner.Agreement{
		Partner: terms.Partner, Version: terms.Version, Terms: raw, Signature: signature, Offered: now, Until: terms.Until,
	}, terms, nil
}

// taken finds an offer among those taken in.
func taken(before []partner.Agreement, g partner.Agreement) (partner.Agreement, bool) {
	for _, b := range before {
		if b.Version == g.Version && bytes.Equal(b.Terms, g.Terms) && b.Signature == g.Signature {
			return b, true
		}
	}
	return g, false
}

// unsigned counts what waits for the platform's signature.
func unsigned(all []partner.Agreement) int {
	n := 0
	for _, g := range all {
		if g.Countersignature.At.IsZero() {
			n++
		}
	}
	return n
}

// applicant is a partner that is not known yet: it must take the next free number.
func (f *Flow) applicant(st store.Stores, terms partner.Terms, now time.Time) (partner.Partner, error) {
	all, err := st.Partners.All()
	if err != nil {
		return partner.Partner{}, err
	}
	next, waiting := partner.ID(1), 0
	for _, p := range all {
		next = p.ID + 1
		if p.State == partner.Applied {
			waiting++
		}
	}
	if f.Waiting > 0 && waiting >= f.Waiting {
		return partner.Partner{}, ErrWaiting
	}
	if terms.Partner != next {
		return partner.Partner{}, numbered(next)
	}
	k, err := partner.ParseKey(terms.Keys.Relay)
	return partner.Partner{ID: next, Name: terms.Name, Relay: k.Thumbprint(), State: partner.Applied, Joined: now}, err
}

// wrongNumber is ErrNumber with the number to take instead.
type wrongNumber struct{ error }

func (t wrongNumber) Unwrap() error { return t.error }

func (wrongNumber) Is(target error) bool { return target == partner.ErrNumber }

func numbered(next partner.ID) error {
	return wrongNumber{fault.Newf(fault.Conflict, "%v: %d", partner.ErrNumber, next)}
}

// Countersign signs a version for the platform. The operator confirms by its
// thumbprint the key that signs for the partner, whom they know by other means: it
// must be given for a partner's first, and is compared when it is given for a
// later one, which the key of the version before vouches for. ErrAgreement,
// ErrSigned, ErrThumbprint, ErrSignature, ErrVersion, ErrPartner.
func (f *Flow) Countersign(ctx context.Context, a Ask, id partner.ID, version int, key [32]byte) (partner.Partner, error) {
	var g partner.Agreement
	err := f.DB.View(ctx, func(st store.Stores) error {
		s, err := f.load(st, id)
		if err != nil {
			return err
		}
		g, _, err = s.signable(version, key)
		return err
	})
	if err != nil {
		return partner.Partner{}, err
	}
	signature, err := f.Keeper.Attest(ctx, g.Digest())
	if err != nil {
		return partner.Partner{}, err
	}
	return f.take(ctx, a, id, func(s *step) (partner.Partner, partner.Report, error) {
		again, terms, err := s.signable(version, key)
		if err != nil {
			return s.Partner, partner.Report{}, err
		}
		if again.Digest() != g.Digest() {
			return s.Partner, partner.Report{}, partner.ErrSignature
		}
		again.Countersignature = signature
		in, err := again.Open(f.Platform())
		if err != nil {
			return s.Partner, partner.Report{}, err
		}
		after := s.Partner
		after.Name, after.Relay = terms.Name, in.Relay
		return after, partner.Report{}, s.Agreements.Countersign(id, version, signature)
	})
}

// signable returns a version that the platform may sign.
func (s *step) signable(version int, key [32]byte) (partner.Agreement, partner.Terms, error) {
	if version < 1 || version > len(s.agreements) {
		return partner.Agreement{}, partner.Terms{}, partner.ErrAgreement
	}
	if s.State == partner.Ended {
		return partner.Agreement{}, partner.Terms{}, partner.ErrMove
	}
	g, first := s.agreements[version-1], true
	for _, other := range s.agreements {
		if !other.Countersignature.At.IsZero() {
			if other.Version >= version {
				return g, partner.Terms{}, partner.ErrSigned
			}
			first = false
		}
	}
	terms, err := partner.ParseTerms(g.Terms)
	if err != nil {
		return g, terms, err
	}
	// What was taken in was checked then; rows may have been changed since.
	if err := terms.Check(s.now); err != nil {
		return g, terms, err
	}
	if err := g.Succeeds(s.agreements[:version-1]); err != nil {
		return g, terms, err
	}
	k, err := partner.ParseKey(terms.Keys.Sign)
	if err != nil {
		return g, terms, err
	}
	if (first || key != [32]byte{}) && key != k.Thumbprint() {
		return g, terms, partner.ErrThumbprint
	}
	return g, terms, nil
}
