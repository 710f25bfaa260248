package cli

import (
	"fmt"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
)

type facilityCmd struct {
	Client facilityClientCmd `cmd:"" help:"Facilities' own systems, one organisation each."`
}

type facilityClientCmd struct {
	Key    facilityClientKeyCmd    `cmd:"" help:"Make a key for a system, and print its public half.\n\nExample: amanah facility client key --out client.jwk > client.pub.jwk"`
	Add    facilityClientAddCmd    `cmd:"" help:"Register a facility's system.\n\nExample: amanah facility client add client-rs-99-001 --facility rs-99-001 --key client.pub.jwk"`
	Secret facilityClientSecretCmd `cmd:"" help:"Give a system a new secret, in place of any before.\n\nExample: amanah facility client secret client-rs-99-001 --out secret"`
	List   facilityClientListCmd   `cmd:"" help:"List facilities' systems.\n\nExample: amanah facility client list --json"`
	End    facilityClientEndCmd    `cmd:"" help:"End a system for good: it gets no token and opens nothing.\n\nExample: amanah facility client end client-rs-99-001"`
}

type facilityClientKeyCmd struct {
	Out string `required:"" help:"File to write the private key to (JWK), mode 0600."`
}

// Run makes the key.
func (cmd *facilityClientKeyCmd) Run(c *console) error {
	public, err := app.MakeSystemKey(cmd.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\n", public)
	return nil
}

type facilityClientAddCmd struct {
	settings
	Name     string `arg:"" help:"Its name, which is its client_id: 1 to 40 lower-case letters, digits and hyphens."`
	Facility string `required:"" help:"The one organisation that it acts for."`
	Key      string `help:"File of the public key (JWK: P-256 or Ed25519) by which it signs its requests; without one it enters records and opens none." xor:"how"`
	Secret   string `name:"secret-out" help:"File to write the secret of a system without a key to, mode 0600." xor:"how"`
}

// Run registers the system.
func (cmd *facilityClientAddCmd) Run(c *console) error {
	id, err := staff.ParseActor(cmd.Name)
	if err != nil {
		return err
	}
	at, err := staff.ParseFacility(cmd.Facility)
	if err != nil {
		return err
	}
	if cmd.Key == "" && cmd.Secret == "" {
		return fault.New(fault.Invalid, "a system has a key (--key), or else a secret (--secret-out)")
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		if cmd.Key == "" {
			secret, err := o.AddKeylessSystem(c.ctx, id, at)
			if err != nil {
				return err
			}
			return app.WriteSecret(cmd.Secret, []byte(secret.Reveal()+"\n"))
		}
		raw, err := app.ReadFile(cmd.Key)
		if err != nil {
			return err
		}
		fingerprint, err := o.AddSystem(c.ctx, id, at, raw)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s waits for an officer to enrol it, who compares the key's fingerprint: %s\n", id, fingerprint)
		return nil
	})
}

type facilityClientSecretCmd struct {
	settings
	Name string `arg:"" help:"The system's name."`
	Out  string `required:"" help:"File to write the secret to, mode 0600."`
}

// Run makes the secret.
func (cmd *facilityClientSecretCmd) Run(c *console) error {
	id, err := staff.ParseActor(cmd.Name)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		secret, err := o.SystemSecret(c.ctx, id)
		if err != nil {
			return err
		}
		return app.WriteSecret(cmd.Out, []byte(secret.Reveal()+"\n"))
	})
}

type facilityClientListCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

type systemRow struct {
	ID       string `json:"id"`
	Facility string `json:"facility"`
	State    string `json:"state"`
	Views    bool   `json:"views"`
	Secret   bool   `json:"secret"`
	Since    string `json:"since,omitempty"`
	Ended    string `json:"ended,omitempty"`
}

// Run lists the systems.
func (cmd *facilityClientListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Systems(c.ctx)
		if err != nil {
			return err
		}
		var rows []systemRow
		for _, m := range all {
			rows = append(rows, systemRow{
				string(m.ID), string(m.Facility), m.State(), m.Rights.May(staff.View), len(m.Credential) > 0, stamp(m.Since), stamp(m.Ended),
			})
		}
		return c.table(cmd.JSON, rows, []string{"CLIENT", "FACILITY", "STATE", "VIEWS", "SECRET", "SINCE", "ENDED"}, func(print func(...any)) {
			for _, r := range rows {
				print(r.ID, r.Facility, r.State, r.Views, r.Secret, r.Since, r.Ended)
			}
		})
	})
}

type facilityClientEndCmd struct {
	settings
	Name string `arg:"" help:"The system's name."`
}

// Run ends the system.
func (cmd *facilityClientEndCmd) Run(c *console) error {
	id, err := staff.ParseActor(cmd.Name)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		return o.EndSystem(c.ctx, id)
	})
}
