package staff_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

var exportOf = staff.Export{
	Recipient: "age1" + strings.Repeat("q", 58), Count: 2, People: staff.PeopleDigest([]identity.PersonID{3, 9}),
}

// TestExportBody: one spelling, and its list alone.
func TestExportBody(t *testing.T) {
	got, err := staff.ParseExport(exportOf.Body())
	if err != nil || got != exportOf {
		t.Fatalf("%+v %v", got, err)
	}
	for name, list := range map[string][]identity.PersonID{
		"another person": {3, 8}, "one less": {3}, "one more": {3, 9, 10}, "turned": {9, 3}, "one twice": {3, 3}, "nobody": nil,
	} {
		if err := exportOf.Lists(list); !errors.Is(err, staff.ErrListed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := exportOf.Lists([]identity.PersonID{3, 9}); err != nil {
		t.Errorf("the list: %v", err)
	}
	for name, change := range map[string][2]string{
		"no key": {"age1", "age2"}, "upper case": {"list ", "LIST "}, "nobody": {"people 2", "people 0"}, "too many": {"people 2", "people 5001"},
		"another spelling": {"people 2", "people +2"}, "a line more": {"\nlist", "\n\nlist"},
	} {
		if _, err := staff.ParseExport([]byte(strings.Replace(string(exportOf.Body()), change[0], change[1], 1))); !errors.Is(err, staff.ErrExport) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzExport(f *testing.F) {
	f.Add(exportOf.Body())
	f.Add([]byte("recipient age1\npeople 1\nlist 00\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := staff.ParseExport(raw); err == nil && !bytes.Equal(e.Body(), raw) {
			t.Fatalf("%q has two spellings", raw)
		}
	})
}
