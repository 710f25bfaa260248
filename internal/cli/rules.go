package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
)

type rulesCmd struct {
	Check rulesCheckCmd `cmd:"" help:"Check a rule set: its language, its rules and its own cases.\n\nExample: amanah rules check draft.yaml"`
	List  rulesListCmd  `cmd:"" help:"List the rule sets in force, by date.\n\nExample: amanah rules list --json"`
	Diff  rulesDiffCmd  `cmd:"" help:"Replay a draft over everybody and count whose colour would change, in totals only.\n\nExample: amanah rules diff draft.yaml --at 2027-01-01T00:00:00+07:00"`
}

type rulesCheckCmd struct {
	File string `arg:"" help:"YAML file of the rule set."`
	JSON bool   `help:"Print JSON."`
}

func readRules(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil || info.Size() > 1<<20 {
		return nil, fault.New(fault.Invalid, "the rule set cannot be read, or is larger than 1 MiB")
	}
	return os.ReadFile(name)
}

// Run checks the file and lists every problem with its line and how to mend it.
func (cmd *rulesCheckCmd) Run(c *console) error {
	raw, err := readRules(cmd.File)
	if err != nil {
		return err
	}
	report, err := status.CheckFile(filepath.Base(cmd.File), raw)
	if cmd.JSON {
		if e := c.table(true, report, nil, nil); e != nil {
			return e
		}
		return err
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: rule set %s, number %d: %d rules, %d cases pass\n", report.File, report.ID, report.Number, report.Rules, report.Cases)
	return nil
}

type rulesListCmd struct {
	JSON bool `help:"Print JSON."`
}

type ruleSetRow struct {
	ID     string    `json:"id"`
	Number uint16    `json:"number"`
	From   time.Time `json:"from"`
	Source string    `json:"source"`
	Digest string    `json:"digest"`
}

// Run lists the rule sets.
func (cmd *rulesListCmd) Run(c *console) error {
	schedule, err := status.Builtin()
	if err != nil {
		return err
	}
	var rows []ruleSetRow
	for _, s := range schedule.Sets() {
		rows = append(rows, ruleSetRow{s.ID(), uint16(s.Number()), s.ValidFrom(), s.Source(), fmt.Sprintf("%x", s.Digest())})
	}
	return c.table(cmd.JSON, rows, []string{"ID", "NUMBER", "FROM", "DIGEST", "SOURCE"}, func(row func(...any)) {
		for _, r := range rows {
			row(r.ID, r.Number, r.From.Format(time.RFC3339), r.Digest[:12], r.Source)
		}
	})
}

type rulesDiffCmd struct {
	settings
	File string `arg:"" help:"YAML file of the draft."`
	At   string `help:"Moment to decide for, RFC 3339; default now."`
	JSON bool   `help:"Print JSON."`
}

type changeRow struct {
	Before string `json:"before"`
	After  string `json:"after"`
	People uint64 `json:"people"`
}

// Run replays the draft.
func (cmd *rulesDiffCmd) Run(c *console) error {
	at := time.Now()
	if cmd.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, cmd.At); err != nil {
			return fault.New(fault.Invalid, "--at is a time such as 2027-01-01T00:00:00+07:00")
		}
	}
	raw, err := readRules(cmd.File)
	if err != nil {
		return err
	}
	draft, err := status.ParseRuleSet(filepath.Base(cmd.File), raw)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		changes, err := o.DiffRules(c.ctx, draft, at)
		if err != nil {
			return err
		}
		var rows []changeRow
		for _, before := range status.Colours() {
			for _, after := range status.Colours() {
				if n := changes.Count(before, after); n > 0 {
					rows = append(rows, changeRow{before.String(), after.String(), n})
				}
			}
		}
		return c.table(cmd.JSON, rows, []string{"NOW", "BY THE DRAFT", "PEOPLE"}, func(row func(...any)) {
			for _, r := range rows {
				row(r.Before, r.After, r.People)
			}
		})
	})
}
