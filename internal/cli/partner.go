package cli

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

type partnerCmd struct {
	Add     partnerAddCmd     `cmd:"" help:"Register a partner and make its relay's credential.\n\nExample: amanah partner add 'Toko Maya' --platform https://health.example.id --out toko.json"`
	List    partnerListCmd    `cmd:"" help:"List partners.\n\nExample: amanah partner list --json"`
	Suspend partnerSuspendCmd `cmd:"" help:"Stop serving a partner, everywhere within five seconds.\n\nExample: amanah partner suspend 2"`
	Resume  partnerResumeCmd  `cmd:"" help:"Serve a suspended partner again.\n\nExample: amanah partner resume 2"`
	Examine partnerExamineCmd `cmd:"" help:"Run the published cases of certification against a relay and an app.\n\nExample: amanah partner examine --setup certify --credential toko.json --relay https://relay.toko.example --client 'amanah device' --report report.json"`
	Relay   partnerRelayCmd   `cmd:"" help:"Run a partner's relay.\n\nExample: amanah partner relay --credential toko.json --listen 127.0.0.1:8080"`
}

type partnerAddCmd struct {
	settings
	Name     string `arg:"" help:"Name as people know it."`
	Platform string `required:"" help:"URL by which the relay reaches the platform."`
	Out      string `required:"" help:"File to write the relay's credential to, mode 0600."`
}

// Run registers the partner.
func (cmd *partnerAddCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		p, credential, err := o.AddPartner(c.ctx, cmd.Name, cmd.Platform)
		if err != nil {
			return err
		}
		raw, err := credential.Marshal()
		if err != nil {
			return err
		}
		if err := app.WriteSecret(cmd.Out, raw); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "partner %s\n", p.ID)
		return nil
	})
}

type partnerListCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

type partnerRow struct {
	Partner uint32    `json:"partner"`
	Name    string    `json:"name"`
	State   string    `json:"state"`
	Joined  time.Time `json:"joined"`
	Relay   string    `json:"relay"` // thumbprint of its key, as in proofs
}

// Run lists the partners.
func (cmd *partnerListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Partners(c.ctx)
		if err != nil {
			return err
		}
		rows := make([]partnerRow, len(all))
		for i, p := range all {
			rows[i] = partnerRow{uint32(p.ID), p.Name, p.State.String(), p.Joined.UTC(), base64.RawURLEncoding.EncodeToString(p.Relay[:])}
		}
		return c.table(cmd.JSON, rows, []string{"PARTNER", "NAME", "STATE", "JOINED"}, func(row func(...any)) {
			for _, r := range rows {
				row(r.Partner, r.Name, r.State, r.Joined.Format("2006-01-02"))
			}
		})
	})
}

type partnerSuspendCmd struct {
	settings
	Partner uint32 `arg:"" help:"Number of the partner."`
}

// Run suspends the partner.
func (cmd *partnerSuspendCmd) Run(c *console) error {
	return setPartner(c, cmd.settings, cmd.Partner, partner.Suspended)
}

type partnerResumeCmd struct {
	settings
	Partner uint32 `arg:"" help:"Number of the partner."`
}

// Run makes the partner live again.
func (cmd *partnerResumeCmd) Run(c *console) error {
	return setPartner(c, cmd.settings, cmd.Partner, partner.Live)
}

func setPartner(c *console, s settings, id uint32, state partner.State) error {
	return app.Operate(c.ctx, s.Config, c.errors, func(o *app.Operator) error {
		return o.SetPartner(c.ctx, partner.ID(id), state)
	})
}

type partnerRelayCmd struct {
	Credential string        `required:"" help:"The relay's credential file."`
	Listen     string        `default:"127.0.0.1:8080" help:"Address to listen on."`
	TLSCert    string        `name:"tls-cert" help:"PEM file of the certificate chain."`
	TLSKey     string        `name:"tls-key" help:"PEM file of the certificate's key."`
	Timeout    time.Duration `default:"20s" help:"How long the platform may take to answer a message."`
	UntilEOF   bool          `name:"until-eof" hidden:"" help:"End when standard input ends."`
}

// Run relays until it is interrupted.
func (cmd *partnerRelayCmd) Run(c *console) error {
	ctx, cancel := c.until(cmd.UntilEOF)
	defer cancel()
	return app.RunRelay(ctx, app.RelayOptions{
		Credential: cmd.Credential, Listen: cmd.Listen, Cert: cmd.TLSCert, Key: cmd.TLSKey, Timeout: cmd.Timeout, Log: c.errors,
	})
}
