package record

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

func TestRef(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Ref{Person: identity.PersonID(rapid.Uint64Min(1).Draw(t, "person"))}
		if rapid.Bool().Draw(t, "of a record") {
			r.Number = Number(rapid.Uint64Min(uint64(First)).Draw(t, "number"))
		}
		if got, err := ParseRef(r.String()); err != nil || got != r {
			t.Fatalf("ParseRef(%s) = %v, %v", r, got, err)
		}
	})
	for _, s := range []string{"", "0", "01", "+1", "1-", "1-5", "-65536", "1-065536", "1-65536-1", "1-65536 ", "99999999999999999999"} {
		if got, err := ParseRef(s); err == nil {
			t.Errorf("ParseRef(%q) = %v, want ErrRef", s, got)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	f.Add("123-65536")
	f.Add("1")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRef(s); err == nil && r.String() != s {
			t.Fatalf("%q read as %s", s, r)
		}
	})
}
