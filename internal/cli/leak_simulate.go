package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/simulate"
	"github.com/amanah-project/amanah/internal/fault"
)

type leakSimulateCmd struct {
	Copies    int       `default:"200" help:"Copies ever made."`
	Colluders []int     `default:"1,2,3,5" help:"Colluders who put their copies together."`
	Attacks   []string  `default:"merge,interleave,majority,minority,or,and,coin,drop" help:"How they do it."`
	Shown     []float64 `help:"Shares of the rows that samples show; without any, the fewest surviving cells that are enough are searched."`
	Rows      int       `default:"1000" help:"Rows of the population that copies are made of."`
	Overlap   float64   `default:"1" help:"Share of those rows that each copy has."`
	Families  int       `default:"4" help:"Families of carriers, one in each row."`
	Reworked  int       `default:"0" help:"Families that the leaker puts into one spelling."`
	Dropped   int       `default:"0" help:"Families whose column the leaker drops."`
	Prefix    bool      `help:"The sample is the first rows in order, and not drawn."`
	Invented  float64   `default:"0" help:"Invented rows for each shown; one of a hundred has somebody's NIK."`
	Noise     float64   `default:"0.02" help:"Share of symbols that are turned over or misread."`
	Tokens    bool      `help:"The leaker leaves the column of row tokens."`
	Canaries  int       `default:"0" help:"Group canaries in the population."`

	Trials  int     `default:"200" help:"Trials of each point."`
	Miss    float64 `default:"0.05" help:"Share of trials that may name nobody."`
	Largest int     `default:"3000" help:"Cells that the search goes up to."`
	Epsilon float64 `default:"1e-6" help:"Probability that any innocent copy is named."`
	Plain   bool    `help:"Weigh copies one by one, by the survey's mixture alone."`
	Seed    uint64  `default:"1" help:"The same seed gives the same figures, to the bit."`
	Out     string  `help:"Folder for tables (Markdown) and curves (SVG)."`
	JSON    bool    `help:"Print JSON."`
}

// Help says what is drawn.
func (leakSimulateCmd) Help() string {
	return `Marked exports are drawn, colluders make one sample of theirs, and it is traced as a
real one is. Attacks: merge (rows of one copy or another), interleave (cells), majority,
minority, or, and, coin, drop (what differs is left out). With --out the curves around
each size are drawn, too.

Examples:
  amanah leak simulate
  amanah leak simulate --copies 10000 --colluders 3 --attacks merge,minority --trials 500
  amanah leak simulate --shown 0.01,0.1,0.5 --rows 10000 --reworked 2 --out curves`
}

func (cmd *leakSimulateCmd) study() simulate.Study {
	s := simulate.Study{Colluders: cmd.Colluders, Shown: cmd.Shown, Miss: cmd.Miss, Largest: cmd.Largest, Curve: cmd.Out != ""}
	for _, a := range cmd.Attacks {
		s.Attacks = append(s.Attacks, simulate.Attack(a))
	}
	s.Scenario = simulate.Scenario{Copies: cmd.Copies, Colluders: 1, Overlap: cmd.Overlap, Rows: cmd.Rows, PerRow: cmd.Families, Shown: 1, Prefix: cmd.Prefix,
		Reworked: cmd.Reworked, Dropped: cmd.Dropped, Invented: cmd.Invented, Noise: cmd.Noise, Tokens: cmd.Tokens, Canaries: cmd.Canaries}
	return s
}

// Run draws, and prints a table.
func (cmd *leakSimulateCmd) Run(c *console) error {
	study := cmd.study()
	if err := study.Check(); err != nil {
		return err
	}
	if cmd.Trials < 1 || cmd.Trials > 1_000_000 || cmd.Epsilon <= 0 || cmd.Epsilon >= 1 {
		return fault.New(fault.Invalid, "--trials must be 1 to 1,000,000, and --epsilon between 0 and 1")
	}
	bar := c.progress("simulating")
	bar.unit = "trials"
	defer bar.end()
	var trials atomic.Int64
	steps, done := study.Steps(), 0
	r := simulate.Runner{Seed: cmd.Seed, Trials: cmd.Trials, Epsilon: cmd.Epsilon, Workers: runtime.GOMAXPROCS(0), Decoder: simulate.Full,
		Done: func(n int) { trials.Add(int64(n)) }}
	if cmd.Plain {
		r.Decoder = simulate.Plain
	}
	report, err := r.Study(c.ctx, study, func() {
		done++
		bar.show(int64(done), int64(steps), trials.Load())
	})
	if err != nil {
		return err
	}
	if cmd.Out != "" {
		if err := cmd.write(report); err != nil {
			return err
		}
	}
	return cmd.print(c, report)
}

func (cmd *leakSimulateCmd) print(c *console, report simulate.Report) error {
	points := report.Points
	if report.Needs != nil {
		points = report.Needs
	}
	return c.table(cmd.JSON, report, []string{"ATTACK", "COLLUDERS", "SHOWN", "CELLS", "NOBODY NAMED", "95 %", "NOT ALL NAMED", "INNOCENT NAMED"}, func(row func(...any)) {
		for _, p := range points {
			miss, in := p.Miss()
			cells, shown := fmt.Sprintf("%.0f", p.Cells), ""
			if p.Cells == 0 && report.Needs != nil {
				cells = fmt.Sprintf("> %d", cmd.Largest)
			}
			if report.Needs == nil {
				shown = fmt.Sprintf("%g %%", 100*p.Scenario.Shown)
			}
			row(p.Scenario.Attack, p.Scenario.Colluders, shown, cells, fmt.Sprintf("%.1f %%", 100*miss), fmt.Sprintf("%.1f to %.1f", 100*in.Low, 100*in.High),
				fmt.Sprintf("%.1f %%", 100*float64(p.MissedAny)/float64(max(p.Trials, 1))), fmt.Sprintf("%d of %d", p.Accused, p.Innocents))
		}
		f := report.Innocents()
		row("innocent copies with E of at least 10, 100, 1,000:", fmt.Sprint(f.Above), "of", f.Innocents)
		row("threshold", fmt.Sprintf("log10 E = %.2f", leak.Bound{Copies: cmd.Copies, Epsilon: cmd.Epsilon}.Threshold()/2.302585092994046))
	})
}

// write puts tables, figures and curves into the folder.
func (cmd *leakSimulateCmd) write(report simulate.Report) error {
	cannot := func(err error) error {
		return errors.Join(fault.Newf(fault.Invalid, "--out: the folder %s cannot be written", cmd.Out), err)
	}
	if err := os.MkdirAll(cmd.Out, 0o755); err != nil {
		return cannot(err)
	}
	files := report.Plots()
	files["simulate.md"] = []byte(report.Markdown())
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(cmd.Out, name), files[name], 0o644); err != nil {
			return cannot(err)
		}
	}
	return nil
}
