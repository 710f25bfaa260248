package cli

import (
	"context"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
)

// askTime bounds what a partner's command asks of the platform.
const askTime = 30 * time.Second

// applyTo sends terms to the platform as the partner's own system would.
func (cmd *partnerApplyCmd) applyTo(c *console, terms []byte, signature string) error {
	ctx, cancel := context.WithTimeout(c.ctx, askTime)
	defer cancel()
	a, err := client.Apply(ctx, cmd.Platform, terms, signature, client.Options{})
	if err != nil {
		return deviceError(err)
	}
	return c.table(cmd.JSON, a, []string{"PARTNER", "VERSION", "STATE", "COUNTERSIGNED", "NEXT", "SIGNING KEY"}, func(row func(...any)) {
		row(a.Partner, a.Version, a.State, yes(a.Countersigned), list(a.Next), a.Key)
	})
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

func list(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ",")
}

type partnerStandingCmd struct {
	Credential string `required:"" help:"The relay's credential file."`
	Key        string `help:"The relay's private key (JWK), when the credential holds none."`
	JSON       bool   `help:"Print JSON."`
}

// Run asks where the partner stands, by its relay's credential.
func (cmd *partnerStandingCmd) Run(c *console) error {
	credential, err := app.ReadRelay(cmd.Credential, cmd.Key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, askTime)
	defer cancel()
	s, err := client.NewRelay(credential, client.RelayOptions{}).Standing(ctx)
	if err != nil {
		return deviceError(err)
	}
	return c.table(cmd.JSON, s, []string{"PARTNER", "NAME", "STATE", "STAGE", "PEOPLE", "OF", "TERMS", "NEXT", "SUSPENDED FOR"}, func(row func(...any)) {
		reason := "-"
		if s.Suspended != nil && s.Suspended.Reason != "" {
			reason = s.Suspended.Reason
		}
		row(s.Partner, s.Name, s.State, s.Stage, s.Linked, s.Most, s.Terms, list(s.Next), reason)
	})
}
