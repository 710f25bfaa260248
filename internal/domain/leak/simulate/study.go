package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// Study is which leaks of one deployment are drawn.
type Study struct {
	Scenario  Scenario  `json:"scenario"` // what all have in common
	Colluders []int     `json:"colluders"`
	Attacks   []Attack  `json:"attacks"`
	Shown     []float64 `json:"shown"`   // shares of the rows that samples show; none: sizes in cells are searched
	Miss      float64   `json:"miss"`    // share of trials that may name nobody
	Largest   int       `json:"largest"` // cells that the search goes up to
	Curve     bool      `json:"curve"`   // points around what is found, too
}

// Report is what a study came to.
type Report struct {
	Study   Study   `json:"study"`
	Seed    uint64  `json:"seed"`
	Trials  int     `json:"trials"`
	Epsilon float64 `json:"epsilon"`
	Needs   []Point `json:"needs,omitempty"`  // of each attack, the fewest cells that are enough; 0 cells: none were
	Points  []Point `json:"points,omitempty"` // of the curves
}

// Check says what is wrong with a study.
func (s Study) Check() error {
	if len(s.Colluders) == 0 || len(s.Attacks) == 0 || s.Miss <= 0 || s.Miss >= 1 || s.Largest < 8 || s.Largest > 100_000 {
		return fault.New(fault.Invalid, "the simulation needs an attack, colluders, a miss between 0 and 1, and a largest size of 8 to 100,000 cells")
	}
	shown := s.Shown
	if len(shown) == 0 {
		shown = []float64{1}
	}
	for _, leak := range s.Leaks() {
		for _, share := range shown {
			leak.Shown = share
			if len(s.Shown) == 0 {
				leak.Cells = s.Largest
			}
			if err := leak.Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Leaks returns the scenarios of a study, with neither size nor share. Attacks that come to
// the same for so many colluders are drawn once.
func (s Study) Leaks() (out []Scenario) {
	for _, c := range s.Colluders {
		for _, a := range s.Attacks {
			switch {
			case c == 1 && a != s.Attacks[0], c == 2 && slices.Contains([]Attack{Majority, Minority, Coin}, a) && slices.Contains(s.Attacks, Interleave):
				continue
			}
			leak := s.Scenario
			leak.Colluders, leak.Attack = c, a
			out = append(out, leak)
		}
	}
	return out
}

// Steps returns how many searches or points a study takes.
func (s Study) Steps() int {
	n := len(s.Leaks())
	if len(s.Shown) > 0 {
		return n * len(s.Shown)
	}
	if s.Curve {
		return n * (1 + len(around()))
	}
	return n
}

// around are sizes of a curve, as multiples of what is enough.
func around() []float64 { return []float64{0.3, 0.45, 0.6, 0.75, 0.9, 1.1, 1.3} }

// Study draws all leaks of a study. step is told of each search or point that is done.
func (r Runner) Study(ctx context.Context, s Study, step func()) (Report, error) {
	out := Report{Study: s, Seed: r.Seed, Trials: r.Trials, Epsilon: r.Epsilon}
	for _, leak := range s.Leaks() {
		if len(s.Shown) > 0 {
			for _, share := range s.Shown {
				leak.Shown = share
				p, err := r.Run(ctx, leak)
				if err != nil {
					return Report{}, err
				}
				out.Points = append(out.Points, p)
				step()
			}
			continue
		}
		need, err := r.Need(ctx, leak, s.Miss, s.Largest)
		if err != nil {
			return Report{}, err
		}
		out.Needs = append(out.Needs, need)
		step()
		if !s.Curve {
			continue
		}
		for _, part := range around() {
			if leak.Cells = int(part * need.Cells); leak.Cells > 0 {
				p, err := r.Run(ctx, leak)
				if err != nil {
					return Report{}, err
				}
				out.Points = append(out.Points, p)
			}
			step()
		}
	}
	return out, nil
}

// Markdown returns the report as tables.
func (r Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Seed %d, %d trials of each point, N = %d, ε = %g, noise %g.\n\n", r.Seed, r.Trials, r.Study.Scenario.Copies, r.Epsilon, r.Study.Scenario.Noise)
	if len(r.Needs) > 0 {
		fmt.Fprintf(&b, "Fewest surviving cells at which less than %g %% of trials name nobody:\n\n", 100*r.Study.Miss)
		b.WriteString("| attack |")
		for _, c := range r.Study.Colluders {
			fmt.Fprintf(&b, " c = %d |", c)
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(r.Study.Colluders)) + "\n")
		for _, a := range r.Study.Attacks {
			fmt.Fprintf(&b, "| %s |", a)
			for _, c := range r.Study.Colluders {
				fmt.Fprintf(&b, " %s |", r.need(a, c))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	if len(r.Study.Shown) > 0 {
		b.WriteString("| attack | colluders | share shown | cells | nobody named (95 %) | some colluder not named |\n|---|---|---|---|---|---|\n")
		for _, p := range r.Points {
			miss, in := p.Miss()
			fmt.Fprintf(&b, "| %s | %d | %g %% | %.0f | %.1f %% (%.1f to %.1f) | %.1f %% |\n", p.Scenario.Attack, p.Scenario.Colluders, 100*p.Scenario.Shown, p.Cells,
				100*miss, 100*in.Low, 100*in.High, 100*float64(p.MissedAny)/float64(p.Trials))
		}
		b.WriteString("\n")
	}
	f := r.Innocents()
	fmt.Fprintf(&b, "Innocent copies weighed: %d; accused %d; with an E-value of at least 10, 100 and 1,000: %d, %d and %d (the bounds: %d, %d and %d).\n",
		f.Innocents, f.Accused, f.Above[0], f.Above[1], f.Above[2], f.Innocents/10, f.Innocents/100, f.Innocents/1000)
	return b.String()
}

// need returns the cells found for one attack, or why there are none.
func (r Report) need(a Attack, colluders int) string {
	for _, p := range r.Needs {
		if p.Scenario.Attack == a && p.Scenario.Colluders == colluders {
			if p.Cells == 0 {
				return fmt.Sprintf("> %d", r.Study.Largest)
			}
			return fmt.Sprintf("%.0f", p.Cells)
		}
	}
	return "as above"
}

// Innocents sums what all points say of innocent copies.
func (r Report) Innocents() Point {
	sum := Point{Above: make([]int64, grades)}
	for _, p := range slices.Concat(r.Needs, r.Points) {
		sum.Innocents += p.Innocents
		sum.Accused += p.Accused
		for i, n := range p.Above {
			sum.Above[i] += n
		}
	}
	return sum
}
