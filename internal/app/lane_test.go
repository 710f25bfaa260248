package app

import "testing"

// TestOneLane: documents that come alone and those that stand in resources wait for each
// other before one is held whole.
func TestOneLane(t *testing.T) {
	r := newRig(t)
	if r.server.vault.Lane == nil || r.server.vault.Lane != r.server.care.Lane {
		t.Error("two documents may be held whole at once")
	}
}
