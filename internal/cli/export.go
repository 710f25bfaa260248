package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
)

type exportCmd struct {
	Request exportRequestCmd `cmd:"" help:"Ask for an export of a list of people.\n\nExample: amanah export request --purpose \"audit 2026\" --to age1… --people niks.txt"`
	Approve exportApproveCmd `cmd:"" help:"Say where two officers approve an export, and who has.\n\nExample: amanah export approve NUMBER"`
	Run     exportRunCmd     `cmd:"" help:"Write an approved export, or what a folder lacks of it.\n\nExample: amanah export run NUMBER --people niks.txt --out folder"`
	List    exportListCmd    `cmd:"" help:"List the exports of the last 30 days.\n\nExample: amanah export list"`
}

// readNIKs reads a file of NIKs, a line each.
func readNIKs(name string) ([]identity.NIK, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the list of people cannot be read")
	}
	var out []identity.NIK
	in := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; in.Scan(); n++ {
		text := strings.TrimSpace(in.Text())
		if text == "" {
			continue
		}
		nik, err := identity.ParseNIK(text)
		if err != nil {
			return nil, fault.Newf(fault.Invalid, "line %d of the list: %s", n, fault.Text(err))
		}
		if out = append(out, nik); len(out) > staff.MaxExport {
			return nil, staff.ErrExport
		}
	}
	return out, in.Err()
}

type exportRequestCmd struct {
	settings
	Purpose string `required:"" help:"What for: officers read it, and it is kept. No name and no NIK."`
	To      string `required:"" help:"The recipient's age public key, age1…."`
	People  string `required:"" help:"File of NIKs, a line each: 1 to 5,000."`
	Form    string `enum:"fhir,csv,ndjson,xlsx,pdf" default:"fhir" help:"Form of the parts: fhir has all of each record, the others rows of what fits a table."`

	Documents bool `help:"Documents leave with it, images among them, in an archive beside each part."`
}

// Help says what follows.
func (exportRequestCmd) Help() string {
	return `Nothing leaves by this. Two officers approve in the console, each with a passkey, over
purpose, recipient, list, form and whether documents leave with it; then amanah export run
writes it, within 72 hours.
Each copy is marked, so that a leak names it: see docs/decisions/0013-marks.md.`
}

// Run asks.
func (cmd *exportRequestCmd) Run(c *console) error {
	niks, err := readNIKs(cmd.People)
	if err != nil {
		return err
	}
	form, err := staff.ParseForm(cmd.Form)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		r, err := o.AskExport(c.ctx, cmd.Purpose, staff.Export{Recipient: cmd.To, Form: form, Documents: cmd.Documents}, niks)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "number   %s\napprove  %s\n", r.ID(), o.DeskURL())
		return nil
	})
}

type exportApproveCmd struct {
	settings
	Number string `arg:"" name:"number" help:"The export's number."`
}

// Help says why not here.
func (exportApproveCmd) Help() string {
	return `An approval is a passkey's signature, which a command line has not: the officers open
the console and compare the number.`
}

// Run says where.
func (cmd *exportApproveCmd) Run(c *console) error {
	id, err := staff.ParseRequestID(cmd.Number)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Exports(c.ctx)
		if err != nil {
			return err
		}
		for _, p := range all {
			if p.ID() == id {
				fmt.Fprintf(c.out, "open     %s\nnumber   %s\nneeds    %d\n", o.DeskURL(), cmd.Number, p.Kind.Needs())
				for _, a := range p.Approvals {
					fmt.Fprintf(c.out, "approved %s\n", a.Actor)
				}
				return nil
			}
		}
		return staff.ErrNoRequest
	})
}

type exportRunCmd struct {
	settings
	Number string `arg:"" name:"number" help:"The export's number."`
	People string `required:"" help:"The same file of NIKs."`
	Out    string `required:"" help:"Folder for the parts; made when absent. Parts that are there stay."`
}

// Run writes the parts.
func (cmd *exportRunCmd) Run(c *console) error {
	id, err := staff.ParseRequestID(cmd.Number)
	if err != nil {
		return err
	}
	niks, err := readNIKs(cmd.People)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		done, err := o.RunExport(c.ctx, id, niks, cmd.Out)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%d of %d parts written\n", done.Written, done.Parts)
		if done.Files+done.Missing > 0 {
			fmt.Fprintf(c.out, "%d documents written, %d missing\n", done.Files, done.Missing)
		}
		if done.Canaries > 0 {
			fmt.Fprintf(c.out, "%d people in them are invented, to be recognised in a leak: tell the recipient that they are at most %d of a hundred, and not which\n", done.Canaries, done.Percent)
		}
		if done.Left > 0 {
			fmt.Fprintf(c.out, "%d people are restricted and not in it\n", done.Left)
		}
		return nil
	})
}

type exportListCmd struct {
	settings
	JSON bool `name:"json" help:"Print JSON."`
}

type exportRow struct {
	Number    string          `json:"number"`
	Purpose   string          `json:"purpose"`
	People    int             `json:"people"`
	Form      string          `json:"form"`
	Documents bool            `json:"documents"`
	Recipient string          `json:"recipient"`
	Until     string          `json:"until"`
	Approved  []staff.ActorID `json:"approved"`
}

// Run lists exports.
func (cmd *exportListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Exports(c.ctx)
		if err != nil {
			return err
		}
		rows := []exportRow{} // a list that is empty is none, and not null
		for _, p := range all {
			e, err := staff.ParseExport(p.Body)
			if err != nil {
				return err
			}
			rows = append(rows, exportRow{p.ID().String(), p.Purpose, e.Count, e.Form.String(), e.Documents, e.Recipient, p.Until.UTC().Format("2006-01-02T15:04Z"), p.Signed()})
		}
		return c.table(cmd.JSON, rows, []string{"NUMBER", "PURPOSE", "PEOPLE", "FORM", "UNTIL", "APPROVED"}, func(yield func(...any)) {
			for _, r := range rows {
				yield(r.Number, r.Purpose, r.People, r.Form, r.Until, len(r.Approved))
			}
		})
	})
}
