package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
)

type staffCmd struct {
	Facility staffFacilityCmd `cmd:"" help:"Add a facility, or change its name.\n\nExample: amanah staff facility dinkes-99 \"Dinas Kesehatan\""`
	Enrol    staffEnrolCmd    `cmd:"" help:"Invite the first officer, from whom all others follow.\n\nExample: amanah staff enrol officer-1 --first --facility dinkes-99"`
	Invite   staffInviteCmd   `cmd:"" help:"Invite somebody, or register a facility's system by its key.\n\nExample: amanah staff invite staff-17 --facility rs-99-001 --role clinician"`
	Confirm  staffConfirmCmd  `cmd:"" help:"Enrol the first or the second officer, whose fingerprint you compared.\n\nExample: amanah staff confirm officer-1 AAAA-BBBB-CCCC-DDDD-EEEE"`
	List     staffListCmd     `cmd:"" help:"List who works here.\n\nExample: amanah staff list"`
	End      staffEndCmd      `cmd:"" help:"End somebody's sign-ins, now and for good.\n\nExample: amanah staff end staff-17"`
}

type staffFacilityCmd struct {
	settings
	ID   string `arg:"" name:"facility" help:"Its short name, as rs-99-001."`
	Name string `arg:"" name:"name" help:"Its name as people know it."`
}

// Run adds the facility.
func (cmd *staffFacilityCmd) Run(c *console) error {
	id, err := staff.ParseFacility(cmd.ID)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error { return o.AddFacility(c.ctx, id, cmd.Name) })
}

type staffEnrolCmd struct {
	settings
	Actor    string `arg:"" name:"actor" help:"A name as officer-1; never a person's own."`
	Facility string `required:"" help:"The office they work at, as dinkes-99."`
	First    bool   `required:"" help:"Says that this is the first officer; others are enrolled by officers."`
}

// Help says what comes of it.
func (staffEnrolCmd) Help() string {
	return `Prints an address and a code, good once and for a day. Whoever opens the address
makes a passkey and reads a fingerprint aloud; amanah staff confirm then enrols that
key, and no other, in the keeper.`
}

// Run makes the invitation.
func (cmd *staffEnrolCmd) Run(c *console) error {
	return invite(c, cmd.settings, cmd.Actor, cmd.Facility, staff.Actor{Role: staff.RoleOfficer})
}

// invite prints an invitation.
func invite(c *console, s settings, actor, facility string, a staff.Actor) (err error) {
	if a.ID, err = staff.ParseActor(actor); err != nil {
		return err
	}
	if a.Facility, err = staff.ParseFacility(facility); err != nil {
		return err
	}
	return app.Operate(c.ctx, s.Config, c.errors, func(o *app.Operator) error {
		if a.Role == staff.RoleClient {
			if err := o.Office().RegisterSystem(c.ctx, a); err != nil {
				return err
			}
			fmt.Fprintln(c.out, "registered; an officer enrols it in the console")
			return nil
		}
		code, err := o.Office().Invite(c.ctx, a, "")
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "address  %s\ncode     %s\n", o.ConsoleURL(code), code.Reveal())
		return nil
	})
}

type staffInviteCmd struct {
	settings
	Actor    string `arg:"" name:"actor" help:"A name as staff-17 or client-rs-99-001; never a person's own."`
	Facility string `required:"" help:"Where they work, as rs-99-001."`
	Role     string `required:"" enum:"client,clinician,officer" help:"client (a facility's system), clinician or officer."`
	Rights   string `default:"enter,correct,view" help:"What a client or clinician may do with records, separated by commas."`
	Key      string `help:"File holding a client's public key as a JWK."`
}

// Run makes the invitation, or registers the system.
func (cmd *staffInviteCmd) Run(c *console) error {
	role, err := staff.ParseRole(cmd.Role)
	if err != nil {
		return err
	}
	a := staff.Actor{Role: role}
	if role != staff.RoleOfficer {
		if a.Rights, err = staff.ParseRights(cmd.Rights); err != nil {
			return err
		}
	}
	if (role == staff.RoleClient) != (cmd.Key != "") {
		return fault.New(fault.Invalid, "a client is registered by --key, a file holding its public JWK; a person makes a passkey and has none")
	}
	if cmd.Key != "" {
		if a.Key, err = os.ReadFile(cmd.Key); err != nil {
			return fault.New(fault.Invalid, "the key's file cannot be read")
		}
	}
	return invite(c, cmd.settings, cmd.Actor, cmd.Facility, a)
}

type staffConfirmCmd struct {
	settings
	Actor       string `arg:"" name:"actor" help:"Who registered."`
	Fingerprint string `arg:"" name:"fingerprint" help:"As their browser shows it, read to you by voice."`
}

// Help says when it works.
func (staffConfirmCmd) Help() string {
	return `For the first officer alone, on the keeper's host. For the second officer, within
five minutes after the first one enrolled them in the console: until there are two,
this command is the second person. All others are enrolled in the console.`
}

// Run enrols.
func (cmd *staffConfirmCmd) Run(c *console) error {
	id, err := staff.ParseActor(cmd.Actor)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		if err := o.Office().ConfirmHost(c.ctx, id, strings.ToUpper(cmd.Fingerprint)); err != nil {
			return err
		}
		fmt.Fprintln(c.out, "enrolled")
		return nil
	})
}

type staffListCmd struct {
	settings
	JSON bool `name:"json" help:"Print JSON."`
}

type staffRow struct {
	Name        string `json:"name"`
	Facility    string `json:"facility"`
	Role        string `json:"role"`
	State       string `json:"state"`
	Since       string `json:"since"`
	Fingerprint string `json:"fingerprint"`
}

// Run lists everybody.
func (cmd *staffListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Office().Members(c.ctx)
		if err != nil {
			return err
		}
		var rows []staffRow
		for _, m := range all {
			r := staffRow{Name: string(m.ID), Facility: string(m.Facility), Role: m.Role.String(), State: m.State()}
			if !m.Since.IsZero() {
				r.Since = m.Since.UTC().Format("2006-01-02")
			}
			if k, err := jose.ParseKey(m.Key); err == nil {
				r.Fingerprint = staff.Fingerprint(k)
			}
			rows = append(rows, r)
		}
		return c.table(cmd.JSON, rows, []string{"NAME", "FACILITY", "ROLE", "STATE", "SINCE", "FINGERPRINT"}, func(yield func(...any)) {
			for _, r := range rows {
				yield(r.Name, r.Facility, r.Role, r.State, r.Since, r.Fingerprint)
			}
		})
	})
}

type staffEndCmd struct {
	settings
	Actor string `arg:"" name:"actor" help:"Who is to end."`
}

// Help says what it does not do.
func (staffEndCmd) Help() string {
	return `No server lets them in again. The keeper goes on knowing their key until an officer
ends them in the console, which is done first where time allows.`
}

// Run ends somebody.
func (cmd *staffEndCmd) Run(c *console) error {
	id, err := staff.ParseActor(cmd.Actor)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error { return o.Office().End(c.ctx, id) })
}
