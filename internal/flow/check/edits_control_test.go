package check_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestEditsUnbound is the control of TestEdits: in a build without associated data and
// heads, the ledger, the MACs and the documents' names left aside, the same edits get
// through, more than half of them all and a third of those of what is sealed; and of
// TestSealedServed, that what it asks then is answered with what nobody wrote.
func TestEditsUnbound(t *testing.T) {
	cmd := exec.Command("go", "test", "-tags", "amanah_unbound", "-count=1", "-v", "-run", "^Test(Edits|SealedServed)Control$", ".")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "got through") || !strings.Contains(string(out), "PASS: TestSealedServedControl") {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "got through") {
			t.Log(strings.TrimSpace(line))
		}
	}
}
