package status

import (
	"fmt"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrRuleSet is wrapped by the error for a rule set that does not load.
var ErrRuleSet = fault.New(fault.Invalid, "the rule set does not load")

// Problem is one thing wrong with a rule set.
type Problem struct {
	Line int    `json:"line"`           // of the file, from 1; 0 for the file as a whole
	Rule string `json:"rule,omitempty"` // the rule concerned, if any
	What string `json:"what"`
	Mend string `json:"mend,omitempty"` // how to mend it
}

// String writes the problem as a line for people.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Rule != "" {
		fmt.Fprintf(&b, "rule %s: ", p.Rule)
	}
	b.WriteString(p.What)
	if p.Mend != "" {
		fmt.Fprintf(&b, "; to mend it, %s", p.Mend)
	}
	return b.String()
}

// RuleSetError says why a rule set does not load. It wraps ErrRuleSet.
type RuleSetError struct {
	File     string
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *RuleSetError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return fmt.Sprintf("%s: %v:\n%s", e.File, ErrRuleSet, strings.Join(lines, "\n"))
}

// Unwrap returns ErrRuleSet.
func (e *RuleSetError) Unwrap() error { return ErrRuleSet }

// Report is what checking a rule set found.
type Report struct {
	File     string    `json:"file"`
	ID       string    `json:"id"`
	Number   SetNumber `json:"number"`
	Rules    int       `json:"rules"`
	Cases    int       `json:"cases"`
	Problems []Problem `json:"problems,omitempty"`
}
