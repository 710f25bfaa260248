package cli

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/day"
)

type dayCmd struct {
	Destroy dayDestroyCmd `cmd:"" help:"Destroy the key of a past day: its visits become unreadable for ever.\n\nExample: amanah day destroy 2026-10-01"`
	List    dayListCmd    `cmd:"" help:"List certificates of destroyed days.\n\nExample: amanah day list --json"`
}

type dayDestroyCmd struct {
	settings
	Day  string `arg:"" help:"The day, YYYY-MM-DD."`
	JSON bool   `help:"Print JSON."`
}

// Run destroys the key and prints the certificate.
func (cmd *dayDestroyCmd) Run(c *console) error {
	d, err := day.Parse(cmd.Day)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		cert, err := o.DestroyDay(c.ctx, d)
		if err != nil {
			return err
		}
		return c.certificates(cmd.JSON, []app.CertificateRow{cert})
	})
}

type dayListCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

// Run lists the certificates.
func (cmd *dayListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		rows, err := o.Certificates(c.ctx)
		if err != nil {
			return err
		}
		return c.certificates(cmd.JSON, rows)
	})
}

type certificateRow struct {
	Day       string    `json:"day"`
	Destroyed time.Time `json:"destroyed_at"`
	KeyHash   string    `json:"key_hash"`
	Signature string    `json:"signature"` // whether it holds
}

func (c *console) certificates(asJSON bool, all []app.CertificateRow) error {
	rows := make([]certificateRow, len(all))
	for i, r := range all {
		rows[i] = certificateRow{r.Day.String(), r.Destroyed.UTC(), hex.EncodeToString(r.KeyHash[:]), r.Verdict}
	}
	return c.table(asJSON, rows, []string{"DAY", "DESTROYED", "KEY HASH", "SIGNATURE"}, func(row func(...any)) {
		for _, r := range rows {
			row(r.Day, r.Destroyed.Format(time.RFC3339), r.KeyHash[:16]+"…", r.Signature)
		}
	})
}

type logCmd struct {
	Check logCheckCmd `cmd:"" help:"Check every leaf: signatures, chains, roots, counts.\n\nExample: amanah log check --json"`
}

type logCheckCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

// Run checks the leaves and fails when one does not hold.
func (cmd *logCheckCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		report, err := o.CheckLog(c.ctx)
		if err != nil {
			return err
		}
		if err := c.table(cmd.JSON, report, []string{"GATES", "LEAVES", "EVENTS", "VOIDED", "FAULTS"}, func(row func(...any)) {
			row(report.Gates, report.Leaves, report.Events, report.Voided, len(report.Faults))
		}); err != nil {
			return err
		}
		for _, f := range report.Faults {
			fmt.Fprintln(c.errors, f)
		}
		return report.Err()
	})
}
