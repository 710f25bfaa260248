package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/amanah-project/amanah/internal/app"
)

type recordCmd struct {
	Import recordImportCmd `cmd:"" help:"Enter the health records of a facility's files: FHIR R4 bundles and NDJSON, plain or gzip.\n\nExample: amanah record import exports/ --facility rs-99-001"`

	Aside recordAsideCmd `cmd:"" help:"Settle what was set aside, because NIK, name and birth date did not agree."`

	Retention recordRetentionCmd `cmd:"" help:"List whose records were kept as long as the law asks."`

	Erase    recordEraseCmd    `cmd:"" help:"Destroy somebody's key, so that nothing about them opens again, when two officers signed for it. The NIK is read from standard input.\n\nExample: amanah record erase NUMBER < nik.txt"`
	Erasures recordErasuresCmd `cmd:"" help:"List the erasures asked for in the last 30 days.\n\nExample: amanah record erasures"`

	Hold     recordHoldCmd     `cmd:"" help:"Begin or end a legal hold on somebody's records. The NIK is read from standard input.\n\nExample: amanah record hold --officer officer-7 --reason court-order < nik.txt"`
	Restrict recordRestrictCmd `cmd:"" help:"Begin or end a restriction: records are entered and not viewed, but in an emergency. The NIK is read from standard input.\n\nExample: amanah record restrict --officer officer-7 --reason own-request < nik.txt"`
}

type recordImportCmd struct {
	settings
	Path     string `arg:"" help:"A file, or a folder with all below it. An import that was interrupted goes on when the command is given again."`
	Facility string `required:"" help:"The facility whose records they are, as rs-99-001."`
	Register bool   `help:"Register patients who are not registered, by NIK, name and birth date."`
	NIKs     string `name:"niks" help:"Table (CSV or NDJSON) of patient and nik, for patients whose resources have no NIK: the id of the resource or an identifier's value, and the NIK."`
	Errors   string `help:"Folder for the files of refused lines; default beside each file, as FILE.errors."`
	Again    bool   `help:"Take the files from their start, although they were imported; nothing is entered twice."`
	JSON     bool   `help:"Print JSON."`
}

// Help says what is taken.
func (recordImportCmd) Help() string {
	return `A line of NDJSON is one resource; a file of JSON is one resource or bundle of one
person. Patients are matched by NIK, name and birth date; who does not agree waits in
quarantine. What a file calls a resource (Encounter/12, a bundle's fullUrl) is kept as
its source: references to it are found again, and the same file taken twice enters
nothing twice. Patient files come first, then Encounter files, then the others; files
that are no FHIR are passed over and counted. What is no patient's (Organization,
Location, Practitioner and the like) is left out and counted; nothing fails by it.

When lines were refused the others are in and the exit status is 8. Mend the lines that
FILE.errors names, by number and reason, and import the file again.`
}

// Run imports.
func (cmd *recordImportCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("importing")
		got, err := o.ImportRecords(c.ctx, app.RecordOptions{
			Path: cmd.Path, Facility: cmd.Facility, Register: cmd.Register, NIKs: cmd.NIKs, Errors: cmd.Errors, Again: cmd.Again, Progress: bar.show,
		})
		bar.end()
		if err != nil {
			if errors.Is(err, context.Canceled) {
				fmt.Fprintln(c.errors, "interrupted: give the same command again to go on")
			}
			return err
		}
		head := []string{"FILES", "SKIPPED", "LINES", "ENTERED", "KNOWN", "SET ASIDE", "LEFT OUT", "REGISTERED", "REFUSED"}
		if err := c.table(cmd.JSON, got, head, func(row func(...any)) {
			row(got.Files, got.Skipped, got.Lines, got.Entered, got.Known, got.Aside, got.Out, got.People, got.Refused)
		}); err != nil {
			return err
		}
		if all := got.Refused + got.Before; all > 0 {
			return &errPartly{fmt.Sprintf("%d lines were refused; each file's .errors names them by line and reason: mend them and import the file again, what came in already counts as known", all)}
		}
		return nil
	})
}
