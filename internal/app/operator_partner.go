package app

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/web/token"
)

// Rollout is the flow of partners' lives, by the operator's hand.
func (o *Operator) Rollout() *rollout.Flow {
	return &rollout.Flow{DB: o.DB, Keeper: o.Keeper, Platform: o.ring.logKey, Now: o.now, Log: o.log}
}

// operators is who asks when a command does not say.
const operators = "operator"

// AddPartner makes a partner of the operator's own for a trial, with its keys and an
// agreement signed by them and by the platform, and leads it into the sandbox: it is
// served for synthetic people only. Sign is the key that signs its next terms.
func (o *Operator) AddPartner(ctx context.Context, name, platform string) (partner.Partner, client.RelayCredential, error) {
	p, credential, _, err := o.AddTrial(ctx, name, platform)
	return p, credential, err
}

// AddTrial is AddPartner, and returns the key that signs the partner's next terms.
func (o *Operator) AddTrial(ctx context.Context, name, platform string) (partner.Partner, client.RelayCredential, ed25519.PrivateKey, error) {
	fail := func(err error) (partner.Partner, client.RelayCredential, ed25519.PrivateKey, error) {
		return partner.Partner{}, client.RelayCredential{}, nil, err
	}
	if name == "" {
		return fail(fault.New(fault.Invalid, "a partner has a name"))
	}
	all, err := o.Rollout().List(ctx)
	if err != nil {
		return fail(err)
	}
	id := partner.ID(1)
	if n := len(all); n > 0 {
		id = all[n-1].ID + 1
	}
	signs, err := NewPartnerKeys()
	if err != nil {
		return fail(err)
	}
	terms := DraftTerms(id, name, signs, o.now())
	raw, err := terms.Canonical()
	if err != nil {
		return fail(err)
	}
	flow, ask := o.Rollout(), rollout.Ask{Who: operators, Reason: "a trial of the operator's own"}
	if _, err := flow.Apply(ctx, ask, raw, partner.Detached(signs.Sign, raw)); err != nil {
		return fail(err)
	}
	if _, err := flow.Countersign(ctx, ask, id, 1, thumbprint(signs.Sign.Public().(ed25519.PublicKey))); err != nil {
		return fail(err)
	}
	p, err := flow.Promote(ctx, ask, id)
	if err != nil {
		return fail(err)
	}
	credential, err := o.RelayCredential(ctx, id, platform)
	credential.Key = signs.Relay.Seed()
	return p, credential, signs.Sign, err
}

// RelayCredential makes the token of a partner's relay, bound to the key that the
// agreement in force names. Its private key is the partner's alone, and is left out.
func (o *Operator) RelayCredential(ctx context.Context, id partner.ID, platform string) (client.RelayCredential, error) {
	shown, err := o.Rollout().Show(ctx, id)
	if err != nil {
		return client.RelayCredential{}, err
	}
	agreed, _ := partner.OpenAll(shown.Agreements, o.ring.logKey()) // one that does not hold is as good as none
	in, err := partner.InForce(agreed, o.now())
	if err != nil {
		return client.RelayCredential{}, err
	}
	expires := o.now().Add(credentialLife).Truncate(time.Second)
	sealed, err := o.ring.tokens().Seal(token.Claims{Scope: token.ScopeRelay, Partner: id, Key: in.Relay, Expires: expires}, o.now())
	return client.RelayCredential{
		Host: o.cfg.Host, Platform: strings.TrimSuffix(platform, "/"), Partner: uint32(id), Token: sealed, Expires: expires,
		Pin: o.ring.set.Load().pin,
	}, err
}

// PartnerKeys are the keys that a partner makes for itself.
type PartnerKeys struct {
	Sign   ed25519.PrivateKey // signs agreements
	Relay  ed25519.PrivateKey
	Client ed25519.PrivateKey // of its servers
}

// NewPartnerKeys makes keys.
func NewPartnerKeys() (PartnerKeys, error) {
	var k PartnerKeys
	for _, one := range []*ed25519.PrivateKey{&k.Sign, &k.Relay, &k.Client} {
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return PartnerKeys{}, err
		}
		*one = private
	}
	return k, nil
}

// trialStages and trialRate bound a trial: wide enough for any measurement.
const (
	trialStage = 10_000_000
	trialRate  = 10_000_000
)

// DraftTerms are terms to begin from, in force from now for a year: right in every
// field, with contacts and addresses of example domains to be replaced.
func DraftTerms(id partner.ID, name string, k PartnerKeys, now time.Time) partner.Terms {
	from := now.UTC().Truncate(time.Second)
	domain := fmt.Sprintf("partner-%s.example", id)
	contact := func(role string) partner.Contact {
		return partner.Contact{Role: role, Email: role + "@" + domain, Phone: "+620000000000"}
	}
	return partner.Terms{
		Partner: id, Version: 1, Name: name,
		Scopes:    []partner.Scope{partner.ScopeColour},
		Colours:   []string{"green", "yellow", "red", "black"},
		Purposes:  []string{partner.PurposeVenue},
		Limits:    partner.Limits{MessagesPerMinute: trialRate},
		Stages:    []int{trialStage},
		Contacts:  []partner.Contact{contact(partner.RoleTechnical), contact(partner.RoleData), contact(partner.RoleIncident)},
		Redirects: []string{"https://" + domain + "/linked"}, SubProcessors: []partner.SubProcessor{},
		Keys: partner.Keys{
			Sign:    partner.PublicJWK(k.Sign.Public().(ed25519.PublicKey)),
			Relay:   partner.PublicJWK(k.Relay.Public().(ed25519.PublicKey)),
			Clients: []json.RawMessage{partner.PublicJWK(k.Client.Public().(ed25519.PublicKey))},
		},
		From: from, Until: from.AddDate(1, 0, 0),
	}
}
