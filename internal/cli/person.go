package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

type personCmd struct {
	Import personImportCmd `cmd:"" help:"Register the people of a file (CSV or NDJSON, plain or gzip).\n\nExample: amanah person import people.csv.gz"`
	Synth  personSynthCmd  `cmd:"" help:"Make synthetic people, the same for the same seed and date, or files of them.\n\nExample: amanah person synth 5000 --seed 7"`
	Bind   personBindCmd   `cmd:"" help:"Bind somebody's first telephone number, at a facility. The NIK and the number are read from standard input.\n\nExample: amanah person bind < nik-and-phone.txt"`
	Rebind personRebindCmd `cmd:"" help:"Let somebody's new telephone number wait 72 hours, and tell the old one.\n\nExample: amanah person rebind < nik-and-phone.txt"`
	Card   personCardCmd   `cmd:"" help:"Print somebody's card, or revoke their cards. The NIK is read from standard input.\n\nExample: amanah person card --out card.pdf < nik.txt"`
	PIN    personPINCmd    `cmd:"" name:"pin" help:"Set or remove somebody's PIN. The NIK and the PIN are read from standard input, a line each.\n\nExample: amanah person pin < nik-and-pin.txt"`
}

type evidenceCmd struct {
	Import evidenceImportCmd `cmd:"" help:"Add doses, tests, recoveries, contacts, exemptions, arrivals and inquiries.\n\nExample: amanah evidence import doses.ndjson"`
}

// importFlags are what both imports take.
type importFlags struct {
	settings
	File   string `arg:"" help:"The file. An import that was interrupted goes on when the command is given again."`
	Errors string `help:"File for the rows refused, each with line and reason; default FILE.errors."`
	Again  bool   `help:"Take the file from its start, although it was imported; nobody is added or set aside twice."`
	JSON   bool   `help:"Print JSON."`
}

const refusedHelp = `

When rows were refused, in this run or in one it goes on from, the others are in
and the exit status is 8. Mend the rows that the file of errors names and import
the file again: what came in already counts as known.`

type personImportCmd struct{ importFlags }

// Help lists the columns.
func (personImportCmd) Help() string {
	return `Columns: nik, name, birth_date (YYYY-MM-DD) and, where known, sex and phone. A row
that cannot be taken goes to the file of errors by line and reason, never its
values. Somebody registered already is counted as known; a NIK that belongs to
somebody else is set aside in quarantine.` + refusedHelp
}

// Run imports people.
func (cmd *personImportCmd) Run(c *console) error {
	return cmd.run(c, (*app.Operator).ImportPeople)
}

type evidenceImportCmd struct{ importFlags }

// Help lists the columns.
func (evidenceImportCmd) Help() string {
	return `Columns: nik, kind, ref and, by kind:
  dose       on, vaccine, abroad
  test       at (RFC 3339), test (pcr or antigen), result (positive or negative)
  recovery   on
  contact    on, its last day
  exemption  on, until
  arrival    on, cleared
  inquiry    on: the registry was asked and knew of no dose` + refusedHelp
}

// Run imports evidence.
func (cmd *evidenceImportCmd) Run(c *console) error {
	return cmd.run(c, (*app.Operator).ImportEvidence)
}

func (f *importFlags) run(c *console, take func(*app.Operator, context.Context, app.ImportOptions) (app.Imported, error)) error {
	return app.Operate(c.ctx, f.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("importing")
		got, err := take(o, c.ctx, app.ImportOptions{File: f.File, Errors: f.Errors, Again: f.Again, Progress: bar.show})
		bar.end()
		if err != nil {
			if errors.Is(err, context.Canceled) {
				fmt.Fprintln(c.errors, "interrupted: give the same command again to go on")
			}
			return err
		}
		if err := c.table(f.JSON, got, []string{"ROWS", "ADDED", "KNOWN", "SET ASIDE", "REFUSED"}, func(row func(...any)) {
			row(got.Rows, got.Added, got.Known, got.Aside, got.Refused)
		}); err != nil {
			return err
		}
		return partly(got)
	})
}

// partly says which rows are not in, where they are named and how to mend them.
func partly(got app.Imported) error {
	all := got.Refused + got.Before
	if all == 0 {
		return nil
	}
	text := fmt.Sprintf("%d rows were refused", all)
	if all == 1 {
		text = "1 row was refused"
	}
	if got.Before > 0 {
		text += fmt.Sprintf(", %d of them by an earlier run", got.Before)
	}
	if got.Missing > 0 {
		return &errPartly{text + fmt.Sprintf("; %s lacks %d of them: give the same --errors as that run, or --again to have all of them named here", got.Errors, got.Missing)}
	}
	return &errPartly{text + fmt.Sprintf("; %s names each by line and reason: mend these rows in the file and import it again, what came in already counts as known", got.Errors)}
}

// bar shows how far long work has come: drawn over itself on a terminal, a plain
// line every five seconds otherwise.
type bar struct {
	c     *console
	drawn *progressbar.ProgressBar
	what  string
	unit  string // of what is counted: rows, but where somebody says otherwise
	began time.Time
	last  time.Time
}

func (c *console) progress(what string) *bar {
	b := &bar{c: c, what: what, unit: "rows", began: time.Now(), last: time.Now()}
	if f, ok := c.errors.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.drawn = progressbar.NewOptions64(1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return b
}

func (b *bar) show(done, size, rows int64) {
	if b.drawn != nil {
		b.drawn.ChangeMax64(max(size, 1))
		_ = b.drawn.Set64(min(done, size)) // a bar that cannot be drawn hurts nobody
		return
	}
	if time.Since(b.last) < 5*time.Second || size == 0 {
		return
	}
	b.last = time.Now()
	took := time.Since(b.began)
	left := time.Duration(float64(took) * float64(size-done) / float64(max(done, 1))).Round(time.Second)
	fmt.Fprintf(b.c.errors, "%s: %d %s, %d %%, %.0f %s/s, %s left\n", b.what, rows, b.unit, done*100/size, float64(rows)/took.Seconds(), b.unit, left)
}

func (b *bar) end() {
	if b.drawn != nil {
		_ = b.drawn.Finish() // as above
		fmt.Fprintln(b.c.errors)
	}
}

type personSynthCmd struct {
	settings
	N        int    `arg:"" help:"How many people."`
	Seed     uint64 `default:"1" help:"The same seed and date make the same people, to the byte."`
	Date     string `default:"2026-11-24" help:"The day as of which they and their evidence are made, YYYY-MM-DD. Their colours are the published mix on this day only."`
	People   string `help:"Write the people to this CSV file instead of registering them."`
	Evidence string `help:"Write their evidence to this NDJSON file."`
}

// Run registers synthetic people or writes files of them.
func (cmd *personSynthCmd) Run(c *console) error {
	if cmd.N < 1 || cmd.N > 10_000_000 {
		return fault.New(fault.Invalid, "1 to 10,000,000 people can be made")
	}
	if (cmd.People == "") != (cmd.Evidence == "") {
		return fault.New(fault.Invalid, "give both --people and --evidence, or neither")
	}
	as, err := day.Parse(cmd.Date)
	if err != nil {
		return err
	}
	if y := as.Start().Year(); y < 2000 || y > 2100 {
		return fault.New(fault.Invalid, "people can be made as of 2000 to 2100")
	}
	if cmd.People != "" {
		return cmd.write(as)
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("registering")
		n, err := o.Synthesize(c.ctx, cmd.Seed, as, cmd.N, func(done int) { bar.show(int64(done), int64(cmd.N), int64(done)) })
		bar.end()
		if err == nil {
			fmt.Fprintf(c.out, "%d synthetic people\n", n)
		}
		return err
	})
}

func (cmd *personSynthCmd) write(as day.Day) error {
	people, err := os.OpenFile(cmd.People, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.New(fault.Conflict, "the file of people cannot be made: it exists, or its folder does not")
	}
	facts, err := os.OpenFile(cmd.Evidence, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(fault.New(fault.Conflict, "the file of evidence cannot be made: it exists, or its folder does not"), people.Close())
	}
	p, f := bufio.NewWriter(people), bufio.NewWriter(facts)
	err = app.WriteSynthetic(p, f, cmd.Seed, as, cmd.N)
	return errors.Join(err, p.Flush(), f.Flush(), people.Close(), facts.Close())
}
