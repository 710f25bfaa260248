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
	List    dayListCmd    `cmd:"" help:"List certificates of destroyed days."`
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

func (c *console) certificates(asJSON bool, rows []app.CertificateRow) error {
	return c.table(asJSON, rows, []string{"DAY", "DESTROYED", "KEY HASH", "SIGNATURE"}, func(row func(...any)) {
		for _, r := range rows {
			row(r.Day, r.Destroyed.UTC().Format(time.RFC3339), hex.EncodeToString(r.KeyHash[:8])+"…", r.Verdict)
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
