package app

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/flow/link"
	"github.com/amanah-project/amanah/internal/keeper"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/telemetry"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

// credentialLife is how long the tokens of relays, links and doors are good.
const credentialLife = 90 * 24 * time.Hour

// Operator is what an operator's commands may do, over an installation's database
// and its keeper's admin socket.
type Operator struct {
	DB     store.DB
	Keeper *keeperclient.Client
	cfg    Config
	ring   *ring
	rules  *status.Schedule
	policy *venue.Policy
	now    func() time.Time
	log    *slog.Logger
}

// Operate opens the installation, calls fn and closes it. A keeper that the
// configuration lets us start is started when none answers.
func Operate(ctx context.Context, cfg Config, log io.Writer, fn func(o *Operator) error) error {
	o, closeAll, err := openOperator(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(fn(o), closeAll())
}

func openOperator(ctx context.Context, cfg Config, log io.Writer) (*Operator, func() error, error) {
	if err := cfg.checkFiles(); err != nil {
		return nil, nil, err
	}
	if _, err := cfg.Canaries.spec(); err != nil {
		return nil, nil, err
	}
	if err := cfg.MakeData(); err != nil {
		return nil, nil, err
	}
	k, stop, err := reachKeeper(context.WithoutCancel(ctx), cfg, cfg.adminSocket(), log)
	if err != nil {
		return nil, nil, err
	}
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		stop()
		return nil, nil, err
	}
	closeAll := func() error {
		err := db.Close()
		stop()
		return err
	}
	rules, err := status.Builtin()
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	policy, err := venue.ShippedPolicy()
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	o := &Operator{DB: db, Keeper: k, cfg: cfg, ring: &ring{}, rules: rules, policy: policy, now: time.Now, log: telemetry.Log(log, "text", slog.LevelInfo)}
	if err := o.ring.renew(ctx, k, cfg.Host, nil, nil, o.now); err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	if err := check.KeepLedger(ctx, db, k, o.ring.set.Load().ledger); err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	return o, func() error {
		if err := check.MarkLedger(context.WithoutCancel(ctx), db, k); err != nil {
			o.log.Warn("the ledger of rows", "error", err)
		}
		return closeAll()
	}, nil
}

// flow is the flow of imports, under the operator's own budget.
func (o *Operator) flow() *evidence.Flow {
	return &evidence.Flow{DB: o.DB, Keeper: o.Keeper, Rules: o.rules, Now: o.now, Actor: "operator", Budget: keeper.BudgetImport, Reserved: o.cfg.reserved()}
}

// VenueRow is a venue and how full it is.
type VenueRow struct {
	venue.Venue
	Inside int
	Limit  int // people it may hold now
}

// AddVenue registers a venue under the next free number.
func (o *Operator) AddVenue(ctx context.Context, v venue.Venue) (venue.Venue, error) {
	if v.Name == "" || v.Declared < 1 || v.Doors < 1 || v.Doors > 999 {
		return v, fault.New(fault.Invalid, "a venue has a name, holds at least one person and has 1 to 999 doors")
	}
	err := o.DB.Bulk(ctx, func(s store.Stores) error {
		all, err := s.Venues.All()
		if err != nil {
			return err
		}
		v.ID = 1
		if n := len(all); n > 0 {
			v.ID = all[n-1].ID + 1
		}
		return s.Venues.Put(v)
	})
	return v, err
}

// Venues lists the venues.
func (o *Operator) Venues(ctx context.Context) ([]VenueRow, error) {
	var rows []VenueRow
	err := o.DB.View(ctx, func(s store.Stores) error {
		rows = nil
		all, err := s.Venues.All()
		if err != nil {
			return err
		}
		for _, v := range all {
			inside, err := s.Venues.Inside([]venue.ID{v.ID})
			if err != nil {
				return err
			}
			rows = append(rows, VenueRow{v, inside[0], o.policy.Capacity(v.Category, v.Level, o.now(), v.Declared)})
		}
		return nil
	})
	return rows, err
}

// Recount makes a venue's count of people inside anew, of the visits that last: where
// somebody altered it and nobody has it as it was.
func (o *Operator) Recount(ctx context.Context, id venue.ID) (VenueRow, error) {
	if err := o.DB.Bulk(ctx, func(s store.Stores) error { _, err := s.Venues.Recount(id); return err }); err != nil {
		return VenueRow{}, err
	}
	rows, err := o.Venues(ctx)
	for _, r := range rows {
		if r.ID == id {
			return r, err
		}
	}
	return VenueRow{}, errors.Join(err, venue.ErrUnknown)
}

func (o *Operator) venue(ctx context.Context, id venue.ID) (venue.Venue, error) {
	rows, err := o.Venues(ctx)
	for _, r := range rows {
		if r.ID == id {
			return r.Venue, nil
		}
	}
	return venue.Venue{}, errors.Join(err, venue.ErrUnknown)
}

// VenueCode makes the code of a door, as it is printed.
func (o *Operator) VenueCode(ctx context.Context, id venue.ID, door venue.Door, exit bool) (string, error) {
	v, err := o.venue(ctx, id)
	if err != nil {
		return "", err
	}
	if door < 1 || int(door) > v.Doors {
		return "", fault.Newf(fault.Invalid, "the venue has doors 1 to %d", v.Doors)
	}
	return o.ring.set.Load().venues.Code(verify.VenueCode{Venue: uint64(id), Door: uint16(door), Serial: 1, Exit: exit})
}

// Made is a link with its device's credential.
type Made struct {
	Link       identity.LinkID
	Person     identity.PersonID
	Credential client.Credential
}

// AddLinks links a new device to each person, all or none.
func (o *Operator) AddLinks(ctx context.Context, through partner.ID, relay string, niks []identity.NIK) ([]Made, error) {
	asked := make([]link.Request, len(niks))
	private := make([]ed25519.PrivateKey, len(niks))
	for i, n := range niks {
		public, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, err
		}
		private[i] = key
		asked[i] = link.Request{NIK: n, Partner: through, Device: thumbprint(public)}
	}
	flow := link.Flow{DB: o.DB, Keeper: o.Keeper, Now: o.now, Platform: o.ring.logKey}
	links, people, err := flow.Create(ctx, asked)
	if err != nil {
		return nil, err
	}
	made := make([]Made, len(links))
	expires := o.now().Add(credentialLife).Truncate(time.Second)
	for i, l := range links {
		sealed, err := o.ring.tokens().Seal(token.Claims{
			Scope: token.ScopeColour, Partner: l.Partner, Link: l.ID, Person: people[i], Key: l.Device, Expires: expires,
		}, o.now())
		if err != nil {
			return nil, err
		}
		made[i] = Made{l.ID, people[i], client.Credential{
			Host: o.cfg.Host, Relay: relay, Pin: o.ring.set.Load().pin, Partner: uint32(l.Partner), Token: sealed,
			Key: private[i].Seed(), Created: l.Created, Expires: expires,
		}}
	}
	return made, nil
}

// EndLink ends a link.
func (o *Operator) EndLink(ctx context.Context, id identity.LinkID) error {
	flow := link.Flow{DB: o.DB, Keeper: o.Keeper, Now: o.now, Platform: o.ring.logKey}
	return flow.End(ctx, id)
}

// AddDoor makes the credential of a venue's staff and kiosks.
func (o *Operator) AddDoor(ctx context.Context, id venue.ID, platform string) (client.DoorCredential, error) {
	if _, err := o.venue(ctx, id); err != nil {
		return client.DoorCredential{}, err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return client.DoorCredential{}, err
	}
	expires := o.now().Add(credentialLife).Truncate(time.Second)
	sealed, err := o.ring.tokens().Seal(token.Claims{Scope: token.ScopeDoor, Venue: id, Key: thumbprint(public), Expires: expires}, o.now())
	return client.DoorCredential{
		Host: o.cfg.Host, Platform: strings.TrimSuffix(platform, "/"), Pin: o.ring.set.Load().pin, Venue: uint64(id),
		Token: sealed, Key: private.Seed(), Expires: expires,
	}, err
}

// thumbprint is the RFC 7638 thumbprint of an Ed25519 key.
func thumbprint(public ed25519.PublicKey) [32]byte {
	x := base64.RawURLEncoding.EncodeToString(public)
	return sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
}

// DiffRules counts whose colour a draft would change at a moment.
func (o *Operator) DiffRules(ctx context.Context, draft *status.RuleSet, at time.Time) (status.Changes, error) {
	after, err := o.rules.With(draft)
	if err != nil {
		return status.Changes{}, err
	}
	return status.Diff(o.rules, after, o.flow().Each(ctx, "rules-diff"), at)
}
