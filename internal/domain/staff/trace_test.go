package staff_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/staff"
)

var traceOf = staff.Trace{Evidence: [32]byte{1, 2}, Files: 3, Size: 4096}

// TestTraceBody: one spelling, in which officers read what they approve.
func TestTraceBody(t *testing.T) {
	got, err := staff.ParseTrace(traceOf.Body())
	if err != nil || got != traceOf {
		t.Fatalf("%+v %v", got, err)
	}
	for name, change := range map[string][2]string{
		"no file": {"files 3", "files 0"}, "another spelling": {"files 3", "files 03"}, "less than nothing": {"bytes 4096", "bytes -1"},
		"a word more": {"bytes", "names yes\nbytes"}, "a line more": {"\nfiles", "\n\nfiles"}, "a short hash": {"evidence 01", "evidence "},
	} {
		if _, err := staff.ParseTrace([]byte(strings.Replace(string(traceOf.Body()), change[0], change[1], 1))); !errors.Is(err, staff.ErrTrace) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTrace(f *testing.F) {
	f.Add(traceOf.Body())
	f.Add([]byte("evidence 00\nfiles 1\nbytes 0\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := staff.ParseTrace(raw); err == nil && !bytes.Equal(e.Body(), raw) {
			t.Fatalf("%q has two spellings", raw)
		}
	})
}
