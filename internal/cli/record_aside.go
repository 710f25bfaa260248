package cli

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
)

type recordAsideCmd struct {
	List   recordAsideListCmd   `cmd:"" help:"List what waits: who set it aside, why, since when, and under whose NIK.\n\nExample: amanah record aside list --json"`
	Show   recordAsideShowCmd   `cmd:"" help:"Show what became of one case, step by step.\n\nExample: amanah record aside show 4711"`
	Attach recordAsideAttachCmd `cmd:"" help:"Enter what waits as a person's records.\n\nExample: amanah record aside attach 4711 --officer officer-7 --reason married-name"`
	Reject recordAsideRejectCmd `cmd:"" help:"Say that what waits is nobody's record here. It is kept.\n\nExample: amanah record aside reject 4711 --officer officer-7 --reason unknown-patient"`
	Undo   recordAsideUndoCmd   `cmd:"" help:"Bring back to waiting what was attached or rejected; what was attached is withdrawn, and its history stays.\n\nExample: amanah record aside undo 4711 --officer officer-7 --reason wrong-person"`
}

// Help says what is shown.
func (recordAsideCmd) Help() string {
	return `Records whose NIK is registered under another name or birth date wait under a number of
their own, which their sender was told. Nothing of what they say is shown here: the
facility that sent them opens them under that number by a signed request
(GET /fhir/R4/Patient/NUMBER/$everything), and tells the office whose they are.`
}

// asideRow is a case as it is printed.
type asideRow struct {
	Number identity.PersonID `json:"number"`
	State  string            `json:"state"`
	Reason record.Reason     `json:"reason"`
	Since  time.Time         `json:"since"`
	By     string            `json:"by"`
	Person identity.PersonID `json:"person"` // who has it, or else who is registered under its NIK
	Steps  []asideStep       `json:"steps"`
}

// asideStep is one step of a case. Its first person is who is registered under the NIK.
type asideStep struct {
	To      string            `json:"to"`
	At      time.Time         `json:"at"`
	By      string            `json:"by"`
	Why     record.Reason     `json:"why"`
	Person  identity.PersonID `json:"person,omitempty"`
	Version uint64            `json:"version,omitempty"`
}

func asideRowOf(a record.Aside) asideRow {
	r := asideRow{Number: a.ID, State: a.State.String(), Reason: a.Reason, Since: a.Arrived.UTC(), Steps: []asideStep{}}
	for i, s := range a.Steps {
		if i == 0 {
			r.By, r.Person = s.By, s.Against
		}
		if i == len(a.Steps)-1 && a.State == record.Attached {
			r.Person = s.Against
		}
		r.Steps = append(r.Steps, asideStep{s.To.String(), s.At.UTC(), s.By, s.Why, s.Against, s.Version})
	}
	return r
}

func (r asideRow) cells(row func(...any)) {
	row(r.Number, r.State, r.Reason, r.Since.Format(minute), r.By, r.Person)
}

// minute is how tables write a time.
const minute = "2006-01-02T15:04Z"

var asideHead = []string{"NUMBER", "STATE", "REASON", "SINCE", "SET ASIDE BY", "PERSON"}

type recordAsideListCmd struct {
	settings
	All  bool `help:"List also what was attached or rejected."`
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists.
func (cmd *recordAsideListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Asides(c.ctx, cmd.All)
		if err != nil {
			return err
		}
		rows := []asideRow{} // a list that is empty is none, and not null
		for _, a := range all {
			rows = append(rows, asideRowOf(a))
		}
		return c.table(cmd.JSON, rows, asideHead, func(row func(...any)) {
			for _, r := range rows {
				r.cells(row)
			}
		})
	})
}

type recordAsideShowCmd struct {
	settings
	Number uint64 `arg:"" help:"The number under which it waits."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run shows a case.
func (cmd *recordAsideShowCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		a, err := o.Aside(c.ctx, identity.PersonID(cmd.Number))
		if err != nil {
			return err
		}
		r := asideRowOf(a)
		return c.table(cmd.JSON, r, []string{"AT", "TO", "BY", "WHY", "PERSON", "VERSION"}, func(row func(...any)) {
			for _, s := range r.Steps {
				row(s.At.Format(minute), s.To, s.By, s.Why, s.Person, s.Version)
			}
		})
	})
}

// settleFlags are of a step that an officer decided.
type settleFlags struct {
	settings
	Number  uint64 `arg:"" help:"The number under which it waits."`
	Officer string `required:"" help:"Who decided it, as officer-7; never a person's name."`
	Reason  string `required:"" help:"A code for why, as married-name: lower-case letters, digits and hyphens."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// run takes a step and prints where the case stands then.
func (f *settleFlags) run(c *console, step func(*app.Operator, context.Context, identity.PersonID, string, record.Reason) error) error {
	why, err := record.ParseReason(f.Reason)
	if err != nil {
		return err
	}
	id := identity.PersonID(f.Number)
	return app.Operate(c.ctx, f.Config, c.errors, func(o *app.Operator) error {
		if err := step(o, c.ctx, id, f.Officer, why); err != nil {
			return err
		}
		a, err := o.Aside(c.ctx, id)
		if err != nil {
			return err
		}
		r := asideRowOf(a)
		return c.table(f.JSON, r, asideHead, r.cells)
	})
}

type recordAsideAttachCmd struct {
	settleFlags
	Person uint64 `help:"The number of the person whose records they are; default who is registered under the NIK."`
}

// Run attaches.
func (cmd *recordAsideAttachCmd) Run(c *console) error {
	return cmd.run(c, func(o *app.Operator, ctx context.Context, id identity.PersonID, officer string, why record.Reason) error {
		return o.AttachAside(ctx, id, identity.PersonID(cmd.Person), officer, why)
	})
}

type recordAsideRejectCmd struct{ settleFlags }

// Run rejects.
func (cmd *recordAsideRejectCmd) Run(c *console) error {
	return cmd.run(c, (*app.Operator).RejectAside)
}

type recordAsideUndoCmd struct{ settleFlags }

// Run undoes.
func (cmd *recordAsideUndoCmd) Run(c *console) error { return cmd.run(c, (*app.Operator).UndoAside) }
