package venue

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/status"
)

// rule is what a policy says to each colour, for each standing.
type rule struct {
	out  [standings][4]Outcome
	node *yaml.Node
	used bool
}

// era is one dated file being read: what it says itself, over what the file
// before it says.
type era struct {
	source
	texts    map[string]Text
	previous *era // nil for the first
	rules    map[string]*rule
	cells    [categories][levels]*cell
	from     time.Time
	named    [categories]bool // categories that this file speaks of
}

const policyFormat = "amanah-admission/1"

// read fills the era and runs its cases.
func (e *era) read(top *yaml.Node) error {
	var title string
	var cases *yaml.Node
	err := e.object(top, fields{
		{"format", e.readFormat},
		{"from", e.readFrom},
		{"after", e.readAfter},
		{"title", e.into(&title)},
		{"rules", e.readRules},
		{"venues", e.readVenues},
		{"cases", func(n *yaml.Node) error { cases = n; return nil }},
	})
	if err != nil {
		return err
	}
	if err := e.checkWhole(top); err != nil {
		return err
	}
	return e.runCases(cases)
}

func (e *era) readFormat(n *yaml.Node) error {
	if n.Value != policyFormat {
		return e.errorf(n, "format %q is not known: this program reads %q", n.Value, policyFormat)
	}
	return nil
}

func (e *era) readFrom(n *yaml.Node) (err error) {
	if e.from, err = e.moment(n); err != nil {
		return err
	}
	if d := day.Of(e.from).String(); !strings.HasPrefix(e.file, d) {
		return e.errorf(n, "the file's name must begin with that day: call it %s.yaml", d)
	}
	if e.previous != nil && !e.from.After(e.previous.from) {
		return e.errorf(n, "not later than %s: files are read in the order of their names", e.previous.file)
	}
	return nil
}

func (e *era) readAfter(n *yaml.Node) error {
	want := "nothing"
	if e.previous != nil {
		want = strings.TrimSuffix(e.previous.file, ".yaml")
	}
	if n.Value != want {
		return e.errorf(n, "after is %q but the file before this one is %q: write that, or rename the file", n.Value, want)
	}
	return nil
}

// checkWhole makes sure that no cell is left open and no new rule is idle.
func (e *era) checkWhole(top *yaml.Node) error {
	for _, c := range Categories() {
		for _, l := range Levels() {
			if e.cells[c.index()][l-1] == nil {
				return e.errorf(top, "%s at level %s is not defined: add a row for it under venues", c, l)
			}
		}
	}
	for name, r := range e.rules {
		if !r.used {
			return e.errorf(r.node, "rule %q is used nowhere: remove it", name)
		}
	}
	return nil
}

func (e *era) readRules(n *yaml.Node) error {
	return e.mapping(n, func(key, value *yaml.Node) error {
		if e.rules[key.Value] != nil {
			return e.errorf(key, "rule %q is defined in an earlier file: give this one another name", key.Value)
		}
		r := &rule{node: key}
		var f fields
		for s := plain; s < standings; s++ {
			f = append(f, field{s.String(), func(n *yaml.Node) error { return e.readLadder(n, &r.out[s]) }})
		}
		e.rules[key.Value] = r
		return e.object(value, f)
	})
}

// readLadder reads the outcomes for green, yellow, red and black.
func (e *era) readLadder(n *yaml.Node, out *[4]Outcome) error {
	colours := status.Colours()
	if n.Kind != yaml.SequenceNode || len(n.Content) != len(colours) {
		return e.errorf(n, "want four outcomes, for green, yellow, red and black")
	}
	for i, c := range n.Content {
		o, err := e.outcome(c)
		if err != nil {
			return err
		}
		if i > 0 && o.Decision < out[i-1].Decision {
			return e.errorf(c, "%s would fare better than %s: a worse colour never may", colours[i], colours[i-1])
		}
		out[i] = o
	}
	if out[3].Decision == Admit {
		return e.errorf(n, "black would be admitted: use check or refuse")
	}
	return nil
}

// outcome reads "decision code".
func (e *era) outcome(n *yaml.Node) (Outcome, error) {
	word, code, _ := strings.Cut(n.Value, " ")
	d, err := ParseDecision(word)
	if err != nil {
		return Outcome{}, e.errorf(n, "%q is not an outcome: write one of admit, check or refuse, then a code", n.Value)
	}
	t, ok := e.texts[n.Value]
	if !ok {
		return Outcome{}, e.errorf(n, "there is no text for %q: add it to %s or use another code", n.Value, textsFile)
	}
	return Outcome{d, Code(code), t}, nil
}

func (e *era) readVenues(n *yaml.Node) error {
	return e.mapping(n, func(key, value *yaml.Node) error {
		c, err := e.category(key)
		if err != nil {
			return err
		}
		e.named[c.index()] = true
		var told [levels]bool
		err = e.list(value, func(_ int, row *yaml.Node) error { return e.readRow(row, c, &told) })
		if err != nil {
			return err
		}
		for i, ok := range told {
			if !ok {
				return e.errorf(key, "%s has no row for level %d: add it to a row's levels", c, i+1)
			}
		}
		return nil
	})
}

// readRow reads what holds for a category at some levels.
func (e *era) readRow(n *yaml.Node, c Category, told *[levels]bool) error {
	x := &cell{}
	var at []Level
	err := e.object(n, fields{
		{"levels", func(n *yaml.Node) error {
			return e.list(n, func(_ int, n *yaml.Node) error {
				l, err := e.level(n)
				if err == nil && told[l-1] {
					err = e.errorf(n, "level %s of %s has two rows: remove it from one", l, c)
				}
				if err == nil {
					told[l-1] = true
					at = append(at, l)
				}
				return err
			})
		}},
		{"capacity", e.intoNumber(&x.percent, 0, 100)},
		{"most", func(n *yaml.Node) (err error) {
			if n.Value != "none" {
				x.most, err = e.number(n, 1, 1_000_000)
			}
			return err
		}},
		{"ages", func(n *yaml.Node) error { return e.readAges(n, c, x) }},
		{"source", e.into(&x.source)},
	})
	for _, l := range at {
		e.cells[c.index()][l-1] = x
	}
	return err
}

// readAges reads bands that begin at 0, leave no gap and end with "N+".
func (e *era) readAges(n *yaml.Node, c Category, x *cell) error {
	next := 0
	err := e.mapping(n, func(key, value *yaml.Node) error {
		b, err := e.ages(key)
		if err != nil {
			return err
		}
		if b.from != next {
			return e.errorf(key, "this band must begin at %d: bands follow one another without gap or overlap", next)
		}
		next = b.to + 1
		if err := e.readBand(value, c, &b); err != nil {
			return err
		}
		x.bands = append(x.bands, b)
		return nil
	})
	if err == nil && next != lastAge+1 {
		return e.errorf(n, `the last band must have no end: write "%d+"`, next)
	}
	return err
}

// lastAge ends the band that has no end.
const lastAge = 999

func (e *era) ages(n *yaml.Node) (band, error) {
	low, high, closed := strings.Cut(n.Value, "-")
	if !closed {
		var open bool
		low, open = strings.CutSuffix(low, "+")
		high = strconv.Itoa(lastAge)
		closed = open
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	if !closed || err1 != nil || err2 != nil || from < 0 || to < from || to > lastAge {
		return band{}, e.errorf(n, `%q is no band of ages: write "6-11" or "18+"`, n.Value)
	}
	return band{from: from, to: to}, nil
}

// readBand reads "RULE" or "RULE with COLOUR adult".
func (e *era) readBand(n *yaml.Node, c Category, b *band) error {
	name, rest, accompanied := strings.Cut(n.Value, " with ")
	r := e.rules[name]
	if r == nil {
		return e.errorf(n, "there is no rule %q: define it under rules", name)
	}
	r.used = true
	b.out = r.out
	if accompanied {
		word, adult := strings.CutSuffix(rest, " adult")
		colour, err := status.ParseColour(word)
		if !adult || err != nil || colour == status.Black {
			return e.errorf(n, `%q is no company: write "with green adult", yellow or red`, rest)
		}
		if b.to >= adulthood {
			return e.errorf(n, "an adult must not need an adult: end the band before %d", adulthood)
		}
		b.adult = colour
	}
	if c == Health && (b.refuses() || b.adult != 0) {
		return e.errorf(n, "a health facility never refuses a patient: use check")
	}
	return nil
}

func (b *band) refuses() bool {
	for _, ladder := range b.out {
		if ladder[3].Decision == Refuse {
			return true
		}
	}
	return false
}
