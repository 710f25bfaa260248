package cli

import (
	"errors"
	"fmt"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

type leakTraceCmd struct {
	settings
	Number string   `arg:"" name:"number" help:"The request's number."`
	Paths  []string `arg:"" name:"path" help:"The same files and folders of evidence, in the same order."`
	Case   string   `required:"" help:"Folder of the case; made when absent. A run that was stopped goes on there."`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// Help says what it does and does not say.
func (leakTraceCmd) Help() string {
	return `Reads files, folders and archives, holds each row against the trace index, freezes what
was observed, and only then opens the copies' codes and the record of who opened what. A
verdict is of a copy or an account, never of a person. The case folder has the account of
all bytes with their hashes, the result as JSON and as a table; run again it is the same.`
}

// Run traces.
func (cmd *leakTraceCmd) Run(c *console) error {
	id, err := staff.ParseRequestID(cmd.Number)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("tracing")
		bar.unit = "bytes"
		got, err := o.Trace(c.ctx, id, cmd.Paths, cmd.Case, built(), func(done, of int64) { bar.show(done, of, done) })
		bar.end()
		if got != nil && cmd.JSON {
			return errors.Join(c.table(true, got, nil, nil), err)
		}
		if got != nil {
			fmt.Fprint(c.out, got.Table())
		}
		return err
	})
}
