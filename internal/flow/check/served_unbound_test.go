//go:build amanah_unbound

package check_test

import (
	"slices"
	"testing"
)

// TestSealedServedControl: without associated data and heads edits of what they guard are
// served; not flips, which no seal opens, nor names and documents, which other things guard.
func TestSealedServedControl(t *testing.T) {
	const n = 60
	through, tried := sealedServed(t, n, true, func(ed edit) bool {
		return ed.op != "flip" && slices.Contains([]string{"identity_person", "record_version", "status_colour", "status_evidence"}, ed.table)
	})
	sum := 0
	for _, one := range through {
		sum += one
	}
	t.Logf("%d of %d edits, of %v, got through and were served without associated data and heads", sum, n, tried)
	if sum*10 < n {
		t.Errorf("%d of %d are served: the other trial proves little", sum, n)
	}
}
