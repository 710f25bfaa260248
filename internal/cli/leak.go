package cli

import (
	"encoding/hex"
	"fmt"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

type leakCmd struct {
	Request      leakRequestCmd      `cmd:"" help:"Ask for a trace of files that were leaked.\n\nExample: amanah leak request --purpose \"case 7\" sample.zip"`
	List         leakListCmd         `cmd:"" help:"List the traces of the last 30 days and who approved them.\n\nExample: amanah leak list"`
	Trace        leakTraceCmd        `cmd:"" help:"Trace a leak by an approved request.\n\nExample: amanah leak trace NUMBER sample.zip --case folder"`
	NamesRequest leakNamesRequestCmd `cmd:"" help:"Ask who the people are that a trace found.\n\nExample: amanah leak names-request folder --purpose \"art. 46, case 7\" --to age1…"`
	NamesList    leakNamesListCmd    `cmd:"" help:"List the requests for names of the last 30 days and who approved them.\n\nExample: amanah leak names-list"`
	Names        leakNamesCmd        `cmd:"" help:"Write the names of an approved request's people, sealed to its recipient.\n\nExample: amanah leak names NUMBER folder --out people.csv.age"`
	Index        leakIndexCmd        `cmd:"" help:"Bring the trace index up to what is stored, and say how it stands.\n\nExample: amanah leak index --rebuild"`
	Simulate     leakSimulateCmd     `cmd:"" help:"Draw leaks and trace them: how much must survive, and how often an innocent copy is named."`
}

type leakRequestCmd struct {
	settings
	Purpose string   `required:"" help:"What for: officers read it, and it is kept. No name and no NIK."`
	Paths   []string `arg:"" name:"path" help:"Files and folders of evidence."`
}

// Help says what follows.
func (leakRequestCmd) Help() string {
	return `Hashes the evidence and opens nothing. Two officers approve in the console, each with a
passkey, over the evidence's hash, within 72 hours. Whom a trace finds it names by keyed ids
alone; who they are takes another request (amanah leak names-request).`
}

// Run asks.
func (cmd *leakRequestCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		r, err := o.AskTrace(c.ctx, cmd.Purpose, cmd.Paths)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "number   %s\napprove  %s\n%s", r.ID(), o.DeskURL(), r.Body)
		return nil
	})
}

type leakListCmd struct {
	settings
	JSON bool `name:"json" help:"Print JSON."`
}

type leakRow struct {
	Number   string          `json:"number"`
	Purpose  string          `json:"purpose"`
	Evidence string          `json:"evidence"` // SHA-256
	Files    int             `json:"files"`
	Bytes    int64           `json:"bytes"`
	Until    string          `json:"until"`
	Approved []staff.ActorID `json:"approved"`
}

// Run lists traces.
func (cmd *leakListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Traces(c.ctx)
		if err != nil {
			return err
		}
		rows := []leakRow{}
		for _, p := range all {
			t, err := staff.ParseTrace(p.Body)
			if err != nil {
				return err
			}
			rows = append(rows, leakRow{p.ID().String(), p.Purpose, hex.EncodeToString(t.Evidence[:]), t.Files, t.Size, p.Until.UTC().Format("2006-01-02T15:04Z"), p.Signed()})
		}
		return c.table(cmd.JSON, rows, []string{"NUMBER", "PURPOSE", "FILES", "BYTES", "UNTIL", "APPROVED"}, func(yield func(...any)) {
			for _, r := range rows {
				yield(r.Number, r.Purpose, r.Files, r.Bytes, r.Until, len(r.Approved))
			}
		})
	})
}

type leakIndexCmd struct {
	settings
	Rebuild bool `help:"Make it again from nothing."`
	JSON    bool `name:"json" help:"Print JSON."`
}

// Help says what it does.
func (leakIndexCmd) Help() string {
	return `The index holds keyed tags of people, of their records' versions and of documents, so that
a leaked file can be told from a foreign one. A server follows by itself, within the keeper's meter;
this command is not held back. Stopped, it goes on where it was.`
}

// Run feeds the index.
func (cmd *leakIndexCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("indexing")
		got, err := o.FeedIndex(c.ctx, cmd.Rebuild, func(done, of int64) { bar.show(done, of, done) })
		bar.end()
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, got, []string{"WHAT", "HELD", "BYTES EACH"}, func(yield func(...any)) {
			yield("people", got.Held, fmt.Sprintf("%.0f", got.PerPerson))
			yield("versions of records", got.Versions, fmt.Sprintf("%.0f", got.PerVersion))
			yield("documents", got.Documents, fmt.Sprintf("%.0f", got.PerPaper))
			yield("decoys", got.Decoys, "8")
			yield("people that did not open", got.Stuck, "")
		})
	})
}
