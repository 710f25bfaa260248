package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/rollout"
)

// stepFlags are what every step of a partner takes.
type stepFlags struct {
	settings
	By     string `default:"operator" help:"The office or role that asks; no person's name."`
	Reason string `help:"Why, in one line without personal data."`
	JSON   bool   `help:"Print JSON."`
}

func (f *stepFlags) ask() rollout.Ask { return rollout.Ask{Who: f.By, Reason: f.Reason} }

// partnerStep is a step of one partner by its number.
type partnerStep struct {
	stepFlags
	Partner uint32 `arg:"" help:"Number of the partner."`
}

type stepFunc func(f *rollout.Flow, ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error)

// take takes the step and prints where the partner stands.
func (s *partnerStep) take(c *console, step stepFunc) error {
	return s.run(c, partner.ID(s.Partner), step)
}

func (f *stepFlags) run(c *console, id partner.ID, step stepFunc) error {
	return app.Operate(c.ctx, f.Config, c.errors, func(o *app.Operator) error {
		flow := o.Rollout()
		if _, err := step(flow, c.ctx, f.ask(), id); err != nil {
			return err
		}
		shown, err := flow.Show(c.ctx, id)
		if err != nil {
			return err
		}
		return c.partners(f.JSON, partnerRowOf(shown.Row), []rollout.Row{shown.Row})
	})
}

type partnerRow struct {
	Partner uint32    `json:"partner"`
	Name    string    `json:"name"`
	State   string    `json:"state"`
	Stage   int       `json:"stage"`
	Linked  int       `json:"linked"` // people
	Most    int       `json:"most"`   // people that the stage allows
	Terms   int       `json:"terms"`  // version in force; 0 for none
	Joined  time.Time `json:"joined"`
	Relay   string    `json:"relay"` // thumbprint of its key, as in proofs
}

func partnerRowOf(r rollout.Row) partnerRow {
	return partnerRow{
		uint32(r.ID), r.Name, r.State.String(), r.Stage, r.Linked, r.Most, r.Terms, r.Joined.UTC(), b64(r.Relay[:]),
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func thumbprintOf(jwk json.RawMessage) string {
	k, err := partner.ParseKey(jwk)
	if err != nil {
		return ""
	}
	sum := k.Thumbprint()
	return b64(sum[:])
}

// partners prints v as JSON, or the rows as a table.
func (c *console) partners(asJSON bool, v any, rows []rollout.Row) error {
	return c.table(asJSON, v, []string{"PARTNER", "NAME", "STATE", "STAGE", "PEOPLE", "OF", "TERMS", "JOINED"}, func(print func(...any)) {
		for _, r := range rows {
			print(r.ID, r.Name, r.State, r.Stage, r.Linked, r.Most, r.Terms, r.Joined.UTC().Format("2006-01-02"))
		}
	})
}

type partnerListCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

// Run lists the partners.
func (cmd *partnerListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Rollout().List(c.ctx)
		if err != nil {
			return err
		}
		rows := make([]partnerRow, len(all))
		for i, r := range all {
			rows[i] = partnerRowOf(r)
		}
		return c.partners(cmd.JSON, rows, all)
	})
}

type partnerApplyCmd struct {
	stepFlags
	File      string `arg:"" help:"The terms."`
	Signature string `required:"" help:"File of the partner's signature, as 'amanah partner sign' prints it."`
	Platform  string `help:"URL of the platform, for a partner that applies by itself; without it the operator takes the terms in here."`
}

// Run takes in the terms, or sends them.
func (cmd *partnerApplyCmd) Run(c *console) error {
	terms, err := app.ReadTerms(cmd.File)
	if err != nil {
		return err
	}
	raw, err := terms.Canonical()
	if err != nil {
		return err
	}
	signature, err := app.ReadSignature(cmd.Signature)
	if err != nil {
		return err
	}
	if cmd.Platform != "" {
		return cmd.applyTo(c, raw, signature)
	}
	return cmd.run(c, terms.Partner, func(f *rollout.Flow, ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error) {
		_, err := f.Apply(ctx, a, raw, signature)
		return partner.Partner{}, err
	})
}

type partnerCountersignCmd struct {
	partnerStep
	Version int    `help:"Which version of the terms; default the last."`
	Key     string `help:"Thumbprint of the key that signs for the partner, as the partner told it by other means; needed for its first agreement."`
}

// Run signs for the platform.
func (cmd *partnerCountersignCmd) Run(c *console) error {
	var key [32]byte
	if cmd.Key != "" {
		var err error
		if key, err = app.ParseThumbprint(cmd.Key); err != nil {
			return err
		}
	}
	return cmd.take(c, func(f *rollout.Flow, ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error) {
		version := cmd.Version
		if version == 0 {
			shown, err := f.Show(ctx, id)
			if err != nil {
				return partner.Partner{}, err
			}
			version = len(shown.Agreements)
		}
		return f.Countersign(ctx, a, id, version, key)
	})
}

type partnerCertifyCmd struct {
	partnerStep
	Report string `required:"" help:"File of the certification's report."`
}

// Run takes the report.
func (cmd *partnerCertifyCmd) Run(c *console) error {
	report, err := app.ReadReport(cmd.Report)
	if err != nil {
		return err
	}
	if report.Partner != partner.ID(cmd.Partner) {
		return fault.New(fault.Conflict, "the report is of another partner")
	}
	return cmd.take(c, func(f *rollout.Flow, ctx context.Context, a rollout.Ask, _ partner.ID) (partner.Partner, error) {
		return f.Certify(ctx, a, report)
	})
}

type partnerPromoteCmd struct{ partnerStep }

// Run leads the partner up.
func (cmd *partnerPromoteCmd) Run(c *console) error { return cmd.take(c, (*rollout.Flow).Promote) }

type partnerSuspendCmd struct{ partnerStep }

// Run suspends the partner.
func (cmd *partnerSuspendCmd) Run(c *console) error { return cmd.take(c, (*rollout.Flow).Suspend) }

type partnerResumeCmd struct{ partnerStep }

// Run serves the partner again.
func (cmd *partnerResumeCmd) Run(c *console) error { return cmd.take(c, (*rollout.Flow).Resume) }

type partnerEndCmd struct{ partnerStep }

// Run ends the partner.
func (cmd *partnerEndCmd) Run(c *console) error { return cmd.take(c, (*rollout.Flow).End) }

type partnerCredentialCmd struct {
	settings
	Partner  uint32 `arg:"" help:"Number of the partner."`
	Platform string `required:"" help:"URL by which the relay reaches the platform."`
	Key      string `help:"The relay's private key (JWK), to put in; without it the partner gives it to 'amanah partner relay --key'."`
	Out      string `required:"" help:"File to write the credential to, mode 0600."`
}

// Run writes the credential.
func (cmd *partnerCredentialCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		credential, err := o.RelayCredential(c.ctx, partner.ID(cmd.Partner), cmd.Platform)
		if err != nil {
			return err
		}
		if cmd.Key != "" {
			key, err := app.ReadKey(cmd.Key)
			if err != nil {
				return err
			}
			credential.Key = key.Seed()
		}
		raw, err := credential.Marshal()
		if err != nil {
			return err
		}
		return app.WriteSecret(cmd.Out, raw)
	})
}
