package simulate

import (
	"context"
	"math"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/binomial"
)

// Point is what many trials of one scenario came to.
type Point struct {
	Scenario  Scenario `json:"scenario"`
	Trials    int      `json:"trials"`
	Cells     float64  `json:"cells"`      // left, in the mean
	Missed    int      `json:"missed"`     // trials in which no colluder's copy was named
	MissedAny int      `json:"missed_any"` // trials in which some colluder's copy was not named

	Innocents int64   `json:"innocents"`      // innocent copies weighed
	Accused   int64   `json:"accused"`        // of those, named
	Above     []int64 `json:"above_10_to_10"` // of those, with an E-value of at least 10, 100 and 1,000
}

// levels are the E-values at which innocent copies are counted: by the bound one in so
// many reaches each.
func levels() [grades]float64 { return [grades]float64{10, 100, 1000} }

const grades = 3 // of levels

// Miss returns the share of trials in which nobody was named, and its exact 95 % interval.
func (p Point) Miss() (float64, binomial.Bounds) {
	return float64(p.Missed) / float64(max(p.Trials, 1)), binomial.Interval(int64(p.Missed), int64(p.Trials), 0.05)
}

// Runner draws trials.
type Runner struct {
	Seed    uint64
	Trials  int     // of each point
	Epsilon float64 // of the bound
	Workers int     // trials that run at once
	Decoder Decoder
	Done    func(trials int) // told of trials that are done; may be nil
}

// Run draws the trials of one scenario. What it returns does not depend on how many run at
// once. A context that ends stops it.
func (r Runner) Run(ctx context.Context, s Scenario) (Point, error) {
	if err := s.Check(); err != nil {
		return Point{}, err
	}
	at := leak.Bound{Copies: s.Copies, Epsilon: r.Epsilon}.Threshold()
	outcomes := make([]Outcome, r.Trials)
	var wait sync.WaitGroup
	next := make(chan int)
	for range max(r.Workers, 1) {
		wait.Go(func() {
			for i := range next {
				outcomes[i] = s.Trial(r.Seed, i, r.Decoder)
				outcomes[i].sum(at)
				if r.Done != nil {
					r.Done(1)
				}
			}
		})
	}
	for i := range r.Trials {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	wait.Wait()
	p := Point{Scenario: s, Trials: r.Trials, Above: make([]int64, grades)}
	for _, o := range outcomes {
		p.add(o, at)
	}
	return p, ctx.Err()
}

// sum keeps of innocents only what is counted.
func (o *Outcome) sum(at float64) {
	var kept []float64
	o.drawn = len(o.Innocent)
	for _, ln := range o.Innocent {
		if ln >= min(math.Log(levels()[0]), at) {
			kept = append(kept, ln)
		}
	}
	o.Innocent = kept
}

func (p *Point) add(o Outcome, at float64) {
	named := 0
	for _, ln := range o.Guilty {
		if ln >= at {
			named++
		}
	}
	if named == 0 {
		p.Missed++
	}
	if named < len(o.Guilty) {
		p.MissedAny++
	}
	p.Cells += float64(o.Cells) / float64(p.Trials)
	p.Innocents += int64(o.drawn)
	for _, ln := range o.Innocent {
		if ln >= at {
			p.Accused++
		}
		for i, level := range levels() {
			if ln >= math.Log(level) {
				p.Above[i]++
			}
		}
	}
}

// Need returns the fewest surviving cells, in steps that grow with their number, at which
// less than the given share of trials names nobody, and the point found there. It returns
// 0 cells if even the largest size is not enough.
func (r Runner) Need(ctx context.Context, s Scenario, miss float64, largest int) (Point, error) {
	sizes := steps(largest)
	from, to := 0, len(sizes)
	found := Point{Scenario: s, Trials: r.Trials}
	for from < to {
		mid := (from + to) / 2
		s.Cells = sizes[mid]
		p, err := r.Run(ctx, s)
		if err != nil {
			return Point{}, err
		}
		if share, _ := p.Miss(); share < miss {
			to, found = mid, p
		} else {
			from = mid + 1
		}
	}
	return found, nil
}

// steps returns sizes up to the largest: by 4 up to 160, and then by a fortieth.
func steps(largest int) (out []int) {
	for n := 8; n <= largest; n += max(4, n/160*4) {
		out = append(out, n)
	}
	return out
}
