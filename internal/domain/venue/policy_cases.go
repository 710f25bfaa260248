package venue

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/amanah-project/amanah/internal/domain/status"
)

// runCases runs a file's own examples. Every category the file speaks of needs
// one of each kind, so that a change of policy is always shown by an example.
func (e *era) runCases(n *yaml.Node) error {
	var admits, holds [categories]bool
	err := e.object(n, fields{
		{"admit", func(n *yaml.Node) error {
			return e.list(n, func(_ int, n *yaml.Node) error { return e.runAdmit(n, &admits) })
		}},
		{"holds", func(n *yaml.Node) error {
			return e.list(n, func(_ int, n *yaml.Node) error { return e.runHolds(n, &holds) })
		}},
	})
	if err != nil {
		return err
	}
	for _, c := range Categories() {
		if k := c.index(); e.named[k] && (!admits[k] || !holds[k]) {
			return e.errorf(n, "%s has rows but lacks a case: give it one under admit and one under holds", c)
		}
	}
	return nil
}

// target is the table that a case asks.
type target struct {
	category Category
	level    Level
}

func (e *era) target(t *target) fields {
	return fields{
		{"venue", func(n *yaml.Node) (err error) { t.category, err = e.category(n); return err }},
		{"level", func(n *yaml.Node) (err error) { t.level, err = e.level(n); return err }},
	}
}

func (e *era) table(t target, f *fixed) Table {
	return Table{e.cells[t.category.index()][t.level-1], f}
}

func (e *era) runAdmit(n *yaml.Node, done *[categories]bool) error {
	var t target
	var party []Visitor
	var extra int
	var want Outcome
	err := e.object(n, append(e.target(&t), fields{
		{"party", func(n *yaml.Node) error {
			return e.list(n, func(_ int, n *yaml.Node) error {
				v, err := e.visitor(n)
				party = append(party, v)
				return err
			})
		}},
		{"extra", e.intoNumber(&extra, 0, MaxParty)},
		{"want", func(n *yaml.Node) (err error) { want, err = e.outcome(n); return err }},
	}...))
	if err != nil {
		return err
	}
	f, err := fixedFrom(e.texts)
	if err != nil {
		return err
	}
	if got := e.table(t, &f).Admit(party, extra); got != want {
		return e.errorf(n, "case fails: %s at level %s answers %q and not %q: mend the case or its rule",
			t.category, t.level, got.word(), want.word())
	}
	done[t.category.index()] = true
	return nil
}

func (o Outcome) word() string { return o.Decision.String() + " " + string(o.Code) }

func (e *era) runHolds(n *yaml.Node, done *[categories]bool) error {
	var t target
	var declared, want int
	err := e.object(n, append(e.target(&t), fields{
		{"declared", e.intoNumber(&declared, 0, 10_000_000)},
		{"want", e.intoNumber(&want, 0, 10_000_000)},
	}...))
	if err != nil {
		return err
	}
	if got := e.table(t, nil).Capacity(declared); got != want {
		return e.errorf(n, "case fails: %s at level %s holds %d of %d and not %d: mend the case or its row",
			t.category, t.level, got, declared, want)
	}
	done[t.category.index()] = true
	return nil
}

// visitor reads "unlinked", or a colour, an age or "unknown", and perhaps a reason.
func (e *era) visitor(n *yaml.Node) (Visitor, error) {
	if n.Value == "unlinked" {
		return Visitor{}, nil
	}
	w := strings.Fields(n.Value)
	if len(w) != 2 && len(w) != 3 {
		return Visitor{}, e.errorf(n, `%q is no visitor: write "green 35", "red 40 exempt", "yellow unknown" or "unlinked"`, n.Value)
	}
	c, err := status.ParseColour(w[0])
	if err != nil {
		return Visitor{}, e.errorf(n, "%q is no colour: use green, yellow, red or black", w[0])
	}
	v := Visitor{Colour: c, Age: -1, Linked: true}
	if w[1] != "unknown" {
		if v.Age, err = strconv.Atoi(w[1]); err != nil || v.Age < 0 || v.Age > lastAge {
			return v, e.errorf(n, "%q is no age: write whole years, or unknown", w[1])
		}
	}
	if len(w) == 3 {
		if v.Reason = w[2]; standingOf(v.Reason) == plain {
			return v, e.errorf(n, "%q is no reason that policies look at: use exempt, no_data or arrival", w[2])
		}
	}
	return v, nil
}
