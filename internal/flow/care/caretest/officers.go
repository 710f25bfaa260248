package caretest

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
)

// Desk is what the officers' passkeys are made for.
var Desk = keepertest.Desk

// Officers are officer-1 and officer-2, whom the keeper knows, by their passkeys.
type Officers struct {
	site *Site
	Keys map[staff.ActorID]*stafftest.Authenticator
}

// Officers enrols the two: the first as an operator does, the second by the first.
func (s *Site) Officers() *Officers {
	s.Helper()
	one, two := keepertest.Officers(s, s.Keeper, keepertest.Desk)
	o := &Officers{s, map[staff.ActorID]*stafftest.Authenticator{"officer-1": one, "officer-2": two}}
	return o
}

// Approve has some of them, or both where none is named, approve a request.
func (o *Officers) Approve(id staff.RequestID, who ...staff.ActorID) {
	o.site.Helper()
	if len(who) == 0 {
		who = slices.Sorted(maps.Keys(o.Keys))
	}
	for _, one := range who {
		err := o.site.DB.Update(o.site.Context(), func(st store.Stores) error {
			return st.Requests.Approve(o.Keys[one].Approve(Desk, one, id, time.Now()))
		})
		if err != nil {
			o.site.Fatal(err)
		}
	}
}

// Parts opens all parts of an export as its recipient does, one after the other.
func Parts(t testing.TB, d durable.FS, to *age.X25519Identity) string {
	t.Helper()
	names, err := d.List("")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, name := range names {
		raw, err := durable.ReadFile(d, name)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := age.Decrypt(bytes.NewReader(raw), to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&out, plain); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
