package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// A partner's state is polled every pollEvery, and nobody is served over a state
// older than staleAfter: a suspension bites everywhere within that time, and a
// server cut off from its database fails closed.
const (
	pollEvery  = 2 * time.Second
	staleAfter = 5 * time.Second
)

var errStale = fault.New(fault.Unavailable, "partners' states are not known now")

// partners says which relays are served.
type partners struct {
	now   func() time.Time
	known atomic.Pointer[partnerStates]
}

type partnerStates struct {
	at           time.Time
	all          map[partner.ID]partner.Partner
	certificates map[[32]byte]partner.ID // by SHA-256, of agreements in force
}

func (p *partners) poll(ctx context.Context, db store.DB) error {
	at := p.now()
	states := &partnerStates{at: at, all: map[partner.ID]partner.Partner{}}
	err := db.View(ctx, func(s store.Stores) error {
		all, err := s.Partners.All()
		if err != nil {
			return err
		}
		for _, one := range all {
			states.all[one.ID] = one
		}
		return nil
	})
	if err == nil {
		p.known.Store(states)
	}
	return err
}

func (p *partners) fresh() error {
	if k := p.known.Load(); k == nil || p.now().Sub(k.at) > staleAfter {
		return errStale
	}
	return nil
}

// Admit implements relay.Partners.
func (p *partners) Admit(id partner.ID, key [32]byte) error {
	if err := p.fresh(); err != nil {
		return err
	}
	one := p.known.Load().all[id]
	if one.Relay != key {
		return partner.ErrUnknown
	}
	return one.Admit()
}

// AdmitCertificate implements relay.Partners.
func (p *partners) AdmitCertificate(sum [32]byte) (partner.ID, error) {
	if err := p.fresh(); err != nil {
		return 0, err
	}
	known := p.known.Load()
	id, ok := known.certificates[sum]
	if !ok {
		return 0, partner.ErrUnknown
	}
	return id, known.all[id].Admit()
}
