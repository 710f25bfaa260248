package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/fault"
)

type disputeCmd struct {
	List   disputeListCmd   `cmd:"" help:"List the disputes that wait for an answer, oldest first, those past their clock marked.\n\nExample: amanah dispute list --json"`
	Show   disputeShowCmd   `cmd:"" help:"Open one dispute, which the keeper journals and counts: a desk opens 10 people's an hour.\n\nExample: amanah dispute show D-2026-000123-8 --by desk/17"`
	Answer disputeAnswerCmd `cmd:"" help:"Answer a dispute, once and for all, with the text from standard input.\n\nExample: amanah dispute answer D-2026-000123-8 corrected --by desk/17 < answer.txt"`
}

// Help says what the clock is.
func (disputeCmd) Help() string {
	return `A dispute is to be answered within 3 x 24 hours of its filing (UU 27/2022, articles
30 and 32). The person reads the answer on their own device.`
}

// maxInput bounds a text read from standard input.
const maxInput = 16 << 10

// readText reads a text that must stand on no command line, which everybody on the
// host can read.
func (c *console) readText(what string) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(c.in, maxInput))
	if err != nil || len(raw) == 0 {
		return "", fault.Newf(fault.Invalid, "no %s on standard input", what)
	}
	return string(raw), nil
}

type disputeListCmd struct {
	settings
	All  bool `help:"List those answered, too."`
	JSON bool `help:"Print JSON."`
}

// disputeRow is a dispute as the desk sees it before it is opened.
type disputeRow struct {
	Number   string     `json:"number"`
	State    string     `json:"state"`
	Filed    time.Time  `json:"filed"`
	Due      time.Time  `json:"due"`
	Overdue  bool       `json:"overdue"`
	Answered *time.Time `json:"answered,omitempty"`
}

func rowOf(d dispute.Dispute, now time.Time) disputeRow {
	r := disputeRow{Number: d.Number.String(), State: d.Outcome.String(), Filed: d.Filed, Due: d.Due, Overdue: d.Overdue(now)}
	if d.Outcome != 0 {
		r.Answered = &d.Answered
	}
	return r
}

// Run lists disputes.
func (cmd *disputeListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Disputes().All(c.ctx, cmd.All)
		if err != nil {
			return err
		}
		var rows []disputeRow
		for _, d := range all {
			rows = append(rows, rowOf(d, time.Now()))
		}
		return c.table(cmd.JSON, rows, []string{"NUMBER", "STATE", "FILED", "DUE", "OVERDUE"}, func(row func(...any)) {
			for _, r := range rows {
				overdue := "-"
				if r.Overdue {
					overdue = "OVERDUE"
				}
				row(r.Number, r.State, r.Filed.Local().Format("2006-01-02 15:04"), r.Due.Local().Format("2006-01-02 15:04"), overdue)
			}
		})
	})
}

type disputeShowCmd struct {
	settings
	Number string `arg:"" help:"The dispute's number, as the person reads it out."`
	By     string `required:"" help:"Who opens it, by role and number, as in desk/17; never a name."`
	JSON   bool   `help:"Print JSON."`
}

// Run opens a dispute.
func (cmd *disputeShowCmd) Run(c *console) error {
	n, err := dispute.ParseNumber(cmd.Number)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		got, err := o.Disputes().Show(c.ctx, n, cmd.By)
		if err != nil {
			return err
		}
		out := struct {
			disputeRow
			Person uint64          `json:"person"`
			About  string          `json:"about"`
			Text   string          `json:"text"`
			Answer *dispute.Answer `json:"answer,omitempty"`
		}{rowOf(got.Dispute, time.Now()), uint64(got.Person), got.Filing.About, got.Filing.Text, got.Answer}
		return c.table(cmd.JSON, out, []string{"NUMBER", "STATE", "DUE", "PERSON", "ABOUT", "TEXT"}, func(row func(...any)) {
			row(out.Number, out.State, out.Due.Local().Format("2006-01-02 15:04"), out.Person, out.About, fmt.Sprintf("%q", out.Text))
			if a := out.Answer; a != nil {
				row("", a.Outcome, a.At.Local().Format("2006-01-02 15:04"), "", a.By, fmt.Sprintf("%q", a.Text))
			}
		})
	})
}

type disputeAnswerCmd struct {
	settings
	Number  string `arg:"" help:"The dispute's number."`
	Outcome string `arg:"" help:"upheld: the person is right, and nothing of the record had to change; corrected: it was; declined: what they were told stands." enum:"upheld,corrected,declined"`
	By      string `required:"" help:"Who answers, by role and number, as in desk/17; the person reads it."`
	JSON    bool   `help:"Print JSON."`
}

// Run answers a dispute.
func (cmd *disputeAnswerCmd) Run(c *console) error {
	n, err := dispute.ParseNumber(cmd.Number)
	if err != nil {
		return err
	}
	outcome, err := dispute.ParseOutcome(cmd.Outcome)
	if err != nil {
		return err
	}
	text, err := c.readText("answer")
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		d, err := o.Disputes().Answer(c.ctx, n, outcome, cmd.By, text)
		if err != nil {
			return err
		}
		r := rowOf(d, time.Now())
		return c.table(cmd.JSON, r, []string{"NUMBER", "STATE", "LATE"}, func(row func(...any)) {
			late := "-"
			if r.Overdue {
				late = "LATE"
			}
			row(r.Number, r.State, late)
		})
	})
}
