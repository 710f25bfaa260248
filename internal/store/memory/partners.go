package memory

import (
	"bytes"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
)

type partners struct{ *tx }

func (t partners) Put(p partner.Partner) error {
	if err := t.write(); err != nil {
		return err
	}
	if p.Stage < 0 {
		return t.fail(store.ErrConstraint)
	}
	p.Joined = whole(p.Joined)
	t.partners.put(number(p.ID), p)
	return nil
}

func (t partners) All() ([]partner.Partner, error) {
	var out []partner.Partner
	for _, p := range t.partners.from(0) {
		out = append(out, p)
	}
	return out, t.err
}

func (t partners) Get(id partner.ID) (partner.Partner, error) {
	p, _ := t.partners.get(number(id))
	return p, t.err
}

func (t partners) Log(s partner.Step) error {
	if err := t.write(); err != nil {
		return err
	}
	if s.Stage < 0 {
		return t.fail(store.ErrConstraint)
	}
	steps, err := t.Steps(s.Partner)
	if err != nil {
		return err
	}
	s.Number, s.At, s.Report.At = len(steps)+1, whole(s.At), whole(s.Report.At)
	if s.Report != (partner.Report{}) {
		s.Report.Partner = s.Partner
	}
	t.steps.put(couple{uint64(s.Partner), uint64(s.Number)}, s)
	return nil
}

func (t partners) Steps(id partner.ID) ([]partner.Step, error) {
	var out []partner.Step
	for k, s := range t.steps.from(couple{first: uint64(id)}) {
		if k.first != uint64(id) {
			break
		}
		out = append(out, s)
	}
	return out, t.err
}

type agreements struct{ *tx }

func (t agreements) Offer(a partner.Agreement) error {
	if err := t.write(); err != nil {
		return err
	}
	had, err := t.Of(a.Partner)
	if err != nil {
		return err
	}
	if a.Version != len(had)+1 {
		return partner.ErrVersion
	}
	a.Terms, a.Offered, a.Until = bytes.Clone(a.Terms), whole(a.Offered), whole(a.Until)
	a.Countersignature = partner.Countersignature{}
	t.agreements.put(couple{uint64(a.Partner), uint64(a.Version)}, a)
	return nil
}

func (t agreements) Countersign(id partner.ID, version int, c partner.Countersignature) error {
	if err := t.write(); err != nil {
		return err
	}
	key := couple{uint64(id), uint64(version)}
	a, known := t.agreements.get(key)
	switch {
	case !known:
		return partner.ErrAgreement
	case !a.Countersignature.At.IsZero():
		return partner.ErrSigned
	case !fits(c.Seq) || c.At.IsZero():
		return t.fail(store.ErrConstraint)
	}
	c.At = whole(c.At)
	a.Countersignature = c
	t.agreements.put(key, a)
	return nil
}

func (t agreements) Of(id partner.ID) ([]partner.Agreement, error) {
	var out []partner.Agreement
	for k, a := range t.agreements.from(couple{first: uint64(id)}) {
		if k.first != uint64(id) {
			break
		}
		a.Terms = bytes.Clone(a.Terms)
		out = append(out, a)
	}
	return out, t.err
}

func (t agreements) Current(at time.Time) ([]partner.Agreement, error) {
	var out []partner.Agreement
	for _, a := range t.agreements.from(couple{}) {
		if !a.Countersignature.At.IsZero() && micros(a.Until) > micros(at) {
			a.Terms = bytes.Clone(a.Terms)
			out = append(out, a)
		}
	}
	return out, t.err
}
