package staff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/amanah-project/amanah/internal/domain/staff"
)

// TestSecret: a secret is read in its one spelling, differs from every other, and
// never prints.
func TestSecret(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	again, err := ParseSecret(a.Reveal())
	if err != nil || again.Hash() != a.Hash() || a.Hash() == b.Hash() {
		t.Errorf("%v", err)
	}
	raw, err := json.Marshal(struct{ S Secret }{a})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(a), fmt.Sprintf("%v %+v %#v %s %q", a, a, a, a, a), string(raw), a.LogValue().String()} {
		if strings.Contains(text, a.Reveal()) {
			t.Errorf("it prints: %s", text)
		}
	}
	for _, s := range []string{"", a.Reveal()[1:], a.Reveal() + "=", "\n" + a.Reveal()[1:], strings.Repeat("!", 43)} {
		if _, err := ParseSecret(s); err != ErrSecret {
			t.Errorf("%q: %v", s, err)
		}
	}
}
