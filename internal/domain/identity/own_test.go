package identity_test

import (
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

func TestSamePerson(t *testing.T) {
	a := identity.Link{ID: identity.LinkID{1}, Subject: identity.Tag{7}}
	for name, c := range map[string]struct {
		with identity.Link
		want bool
	}{
		"itself":                  {a, true},
		"another of the person":   {identity.Link{ID: identity.LinkID{2}, Subject: identity.Tag{7}, Partner: 9}, true},
		"another person's":        {identity.Link{ID: identity.LinkID{2}, Subject: identity.Tag{8}}, false},
		"one without a subject":   {identity.Link{ID: identity.LinkID{2}}, false},
		"none":                    {identity.Link{}, false},
		"none, with that subject": {identity.Link{Subject: identity.Tag{7}}, false},
	} {
		if a.SamePerson(c.with) != c.want || c.with.SamePerson(a) != c.want {
			t.Errorf("%s: not %v", name, c.want)
		}
	}
	x, y := identity.Link{ID: identity.LinkID{1}}, identity.Link{ID: identity.LinkID{2}}
	if x.SamePerson(y) || !x.SamePerson(x) {
		t.Error("two links without a subject are one person's, or one is not its own")
	}
}
