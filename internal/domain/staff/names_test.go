package staff_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

var namesOf = staff.Names{
	Trace: staff.RequestID{7, 8}, Observed: [32]byte{1, 2}, Count: 3, Rows: staff.RowsDigest([]leak.Row{5, 6, 1 << 63}),
	Recipient: "age1" + strings.Repeat("q", 58),
}

// TestNamesBody: one spelling, in which officers read what they approve.
func TestNamesBody(t *testing.T) {
	got, err := staff.ParseNames(namesOf.Body())
	if err != nil || got != namesOf {
		t.Fatalf("%+v %v", got, err)
	}
	for name, change := range map[string][2]string{
		"nobody": {"people 3", "people 0"}, "another spelling": {"people 3", "people +3"}, "too many": {"people 3", "people 262145"},
		"a short number": {"trace R-", "trace R-A"}, "no R-": {"trace R-", "trace "}, "upper case": {"observed 01", "observed 0A"},
		"a short hash": {"list ", "list 00"}, "no recipient": {"recipient age1", "recipient agf1"}, "a line more": {"\nlist", "\n\nlist"},
	} {
		if _, err := staff.ParseNames([]byte(strings.Replace(string(namesOf.Body()), change[0], change[1], 1))); !errors.Is(err, staff.ErrNames) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, rows := range map[string][]leak.Row{"one fewer": {5, 6}, "another": {5, 7, 1 << 63}, "out of order": {6, 5, 1 << 63}, "twice": {5, 5, 1 << 63}, "one more": {5, 6, 7, 1 << 63}} {
		if err := namesOf.Lists(rows); !errors.Is(err, staff.ErrNamedRows) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := namesOf.Lists([]leak.Row{5, 6, 1 << 63}); err != nil {
		t.Error(err)
	}
}

func FuzzNames(f *testing.F) {
	f.Add(namesOf.Body())
	f.Add([]byte("trace R-\nobserved \npeople 1\nlist \nrecipient age1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if n, err := staff.ParseNames(raw); err == nil && !bytes.Equal(n.Body(), raw) {
			t.Fatalf("%q has two spellings", raw)
		}
	})
}
