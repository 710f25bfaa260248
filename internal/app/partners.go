package app

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// Partners' states and agreements are polled every pollEvery, and nobody is served
// over what is older than staleAfter: a suspension bites everywhere within that
// time, and a server cut off from its database fails closed.
const (
	pollEvery  = 2 * time.Second
	staleAfter = 5 * time.Second
)

var errStale = fault.New(fault.Unavailable, "partners' states are not known now")

// partners says what each partner may do now, from one snapshot of states and
// agreements, and counts what each relay sends to this server.
type partners struct {
	now      func() time.Time
	platform func() ed25519.PublicKey // the log key
	log      *slog.Logger
	known    atomic.Pointer[snapshot]

	mu    sync.Mutex
	spent map[partner.ID]*partner.Bucket
}

// snapshot is what one poll found.
type snapshot struct {
	at           time.Time
	all          map[partner.ID]member
	certificates map[string][]partner.ID // by x5t#S256, in any version that is not over
	opened       map[[32]byte]opened     // kept from poll to poll: rows are never changed
}

type member struct {
	partner.Partner
	agreed []partner.Agreed
}

// opened is an agreement that held, with what the platform's signature was then.
type opened struct {
	by partner.Countersignature
	in partner.Agreed
}

func newPartners(now func() time.Time, platform func() ed25519.PublicKey, log *slog.Logger) *partners {
	return &partners{now: now, platform: platform, log: log, spent: map[partner.ID]*partner.Bucket{}}
}

func (p *partners) poll(ctx context.Context, db store.DB) error {
	at := p.now()
	var all []partner.Partner
	var current []partner.Agreement
	err := db.View(ctx, func(s store.Stores) (err error) {
		if all, err = s.Partners.All(); err != nil {
			return err
		}
		current, err = s.Agreements.Current(at)
		return err
	})
	if err != nil {
		return err
	}
	next := &snapshot{at: at, all: map[partner.ID]member{}, certificates: map[string][]partner.ID{}, opened: map[[32]byte]opened{}}
	for _, one := range all {
		next.all[one.ID] = member{Partner: one}
	}
	for _, a := range current {
		in, err := p.open(a)
		if err != nil {
			p.log.Error("an agreement does not hold", "partner", a.Partner.String(), "version", a.Version, "error", err)
			continue
		}
		next.opened[a.Digest()] = opened{a.Countersignature, in}
		m := next.all[a.Partner]
		m.agreed = append(m.agreed, in)
		next.all[a.Partner] = m
		if sum := in.Keys.Certificate; sum != "" {
			next.certificates[sum] = append(next.certificates[sum], a.Partner)
		}
	}
	p.known.Store(next)
	return nil
}

// open verifies an agreement, unless the last snapshot has it.
func (p *partners) open(a partner.Agreement) (partner.Agreed, error) {
	if last := p.known.Load(); last != nil {
		o, ok := last.opened[a.Digest()]
		if ok && o.by.Seq == a.Countersignature.Seq && o.by.At.Equal(a.Countersignature.At) && o.by.Signature == a.Countersignature.Signature &&
			o.in.Partner == a.Partner && o.in.Version == a.Version {
			return o.in, nil
		}
	}
	return a.Open(p.platform())
}

func (p *partners) fresh() error {
	if k := p.known.Load(); k == nil || failsClosed && p.now().Sub(k.at) > staleAfter {
		return errStale
	}
	return nil
}

// Grant returns what a partner may do now.
func (p *partners) Grant(id partner.ID) (partner.Grant, error) {
	if err := p.fresh(); err != nil {
		return partner.Grant{}, err
	}
	m := p.known.Load().all[id]
	return m.Partner.Grant(m.agreed, p.now())
}

// Terms returns the agreement in force of a partner that may be served now.
func (p *partners) Terms(id partner.ID) (partner.Terms, error) {
	g, err := p.Grant(id)
	if err != nil {
		return partner.Terms{}, err
	}
	return g.Agreed.Terms, nil
}

// Admit implements relay.Partners.
func (p *partners) Admit(id partner.ID, key [32]byte) (partner.Grant, error) {
	g, err := p.Grant(id)
	if err != nil {
		return partner.Grant{}, err
	}
	if g.Relay != key {
		return partner.Grant{}, partner.ErrUnknown
	}
	return g, nil
}

// AdmitCertificate implements relay.Partners. Of two partners that bind one
// certificate the older counts.
func (p *partners) AdmitCertificate(sum [32]byte) (partner.Grant, error) {
	if err := p.fresh(); err != nil {
		return partner.Grant{}, err
	}
	text, refused := base64.RawURLEncoding.EncodeToString(sum[:]), error(partner.ErrUnknown)
	for _, id := range p.known.Load().certificates[text] {
		g, err := p.Grant(id)
		if err == nil && g.Keys.Certificate == text {
			return g, nil
		}
		if err != nil {
			refused = err
		}
	}
	return partner.Grant{}, refused
}

// Bound returns nil when a partner's agreement in force binds its relay to a key,
// wherever the partner stands.
func (p *partners) Bound(id partner.ID, key [32]byte) error {
	in, err := p.inForce(id)
	if err == nil && in.Relay != key {
		err = partner.ErrUnknown
	}
	return err
}

// BoundCertificate is Bound for the partner that binds a certificate.
func (p *partners) BoundCertificate(sum [32]byte) (partner.ID, error) {
	if err := p.fresh(); err != nil {
		return 0, err
	}
	text := base64.RawURLEncoding.EncodeToString(sum[:])
	for _, id := range p.known.Load().certificates[text] {
		if in, err := p.inForce(id); err == nil && in.Keys.Certificate == text {
			return id, nil
		}
	}
	return 0, partner.ErrUnknown
}

// inForce returns a partner's agreement in force.
func (p *partners) inForce(id partner.ID) (*partner.Agreed, error) {
	if err := p.fresh(); err != nil {
		return nil, err
	}
	in, err := partner.InForce(p.known.Load().all[id].agreed, p.now())
	if err != nil {
		err = partner.ErrUnknown
	}
	return in, err
}

// Spend implements relay.Partners. The count is this server's own: with n servers
// a partner may send up to n times its quota.
func (p *partners) Spend(g partner.Grant) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.spent[g.Partner]
	if b == nil {
		b = &partner.Bucket{}
		p.spent[g.Partner] = b
	}
	if !b.Take(p.now(), g.Limits.MessagesPerMinute) {
		return partner.ErrQuota
	}
	return nil
}
