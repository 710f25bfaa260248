package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestProgressNamesWhatItCounts: a plain line of progress says bytes of bytes, and rows where
// nothing else is said.
func TestProgressNamesWhatItCounts(t *testing.T) {
	for unit, want := range map[string]string{"": "work: 40 rows, 40 %, ", "bytes": "work: 40 bytes, 40 %, "} {
		var out bytes.Buffer
		b := (&console{errors: &out}).progress("work")
		if unit != "" {
			b.unit = unit
		}
		b.began, b.last = time.Now().Add(-10*time.Second), time.Now().Add(-10*time.Second)
		b.show(40, 100, 40)
		if got := out.String(); !strings.HasPrefix(got, want) || !strings.Contains(got, strings.TrimSuffix(strings.Fields(want)[2], ",")+"/s, ") {
			t.Errorf("%q: %q", unit, got)
		}
	}
}
