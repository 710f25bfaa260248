package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/amanah-project/amanah/internal/fault"
)

func TestOutsidersSeeOnlyTheFault(t *testing.T) {
	full := fault.New(fault.Conflict, "venue is full")
	err := fmt.Errorf("check in at door 7: %w", full)
	if got := fault.Text(err); got != "venue is full" {
		t.Errorf("Text = %q", got)
	}
	if got := fault.KindOf(err); got != fault.Conflict {
		t.Errorf("KindOf = %v", got)
	}
	if !errors.Is(err, full) {
		t.Error("sentinel lost in the wrap")
	}
	plain := errors.New("pq: relation person does not exist")
	if got := fault.Text(plain); got != "internal error" {
		t.Errorf("an internal error leaks: %q", got)
	}
	if got := fault.KindOf(plain); got != fault.Internal {
		t.Errorf("KindOf = %v", got)
	}
}

func TestKindsAreNamedApart(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range fault.Kinds() {
		if seen[k.String()] {
			t.Errorf("two kinds are called %q", k)
		}
		seen[k.String()] = true
	}
}
