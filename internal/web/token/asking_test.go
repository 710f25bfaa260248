package token_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/token"
)

func asking() identity.Asking {
	return identity.Asking{
		Client: "7", Device: identity.Thumbprint{1}, Scope: "colour", Redirect: "app.toko:/back", State: "s",
		Challenge: [32]byte{2}, Agreement: 3, Browser: [32]byte{4},
		Page: identity.PageState{Asked: 5, Factor: [32]byte{6}, Sent: now, Proved: true, Person: 8, Guardian: 5, Until: now.AddDate(9, 0, 0)},
	}
}

func sealAsking(t *testing.T, s *token.Sealer, id identity.AuthorizationID, a identity.Asking) []byte {
	t.Helper()
	sealed, err := s.SealAsking(id, a, now)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestAskingOpensForItsRowAlone(t *testing.T) {
	s, id := sealer(t, keyOf(2, 2), keyOf(1, 1)), identity.AuthorizationID{9}
	sealed := sealAsking(t, sealer(t, keyOf(1, 1)), id, asking())
	got, err := s.OpenAsking(id, sealed)
	if diff := cmp.Diff(asking(), got); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	foreign := func(what string, s *token.Sealer, id identity.AuthorizationID, sealed []byte) {
		t.Helper()
		if got, err := s.OpenAsking(id, sealed); !errors.Is(err, identity.ErrNoAuthorization) || got != (identity.Asking{}) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	foreign("another row's", s, identity.AuthorizationID{8}, sealed)
	foreign("a key not held", sealer(t, keyOf(2, 2)), id, sealed)
	foreign("another key of that number", sealer(t, keyOf(1, 7)), id, sealed)
	foreign("nothing", s, id, nil)
	foreign("half", s, id, sealed[:len(sealed)/2])
	for _, i := range []int{0, 1, 5, 17, len(sealed) - 1} {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		foreign("altered", s, id, bad)
	}
	access, err := base64.RawURLEncoding.DecodeString(seal(t, s, some()))
	if err != nil {
		t.Fatal(err)
	}
	foreign("a token", s, id, access)
}

// TestAskingHasOneLength: the row's length tells neither who was asked for nor what
// the client sent.
func TestAskingHasOneLength(t *testing.T) {
	s := sealer(t, keyOf(1, 1))
	want := len(sealAsking(t, s, identity.AuthorizationID{}, identity.Asking{}))
	long := asking()
	long.State, long.Redirect, long.Page.Asked = strings.Repeat("s", 512), strings.Repeat("r", 500), 1<<60
	for i := range long.Challenge {
		long.Challenge[i], long.Browser[i], long.Device[i], long.Page.Factor[i] = 200, 200, 200, 200
	}
	for _, a := range []identity.Asking{asking(), long} {
		if got := len(sealAsking(t, s, identity.AuthorizationID{}, a)); got != want {
			t.Errorf("%d bytes, others have %d", got, want)
		}
	}
	long.State = strings.Repeat("s", 4<<10)
	if _, err := s.SealAsking(identity.AuthorizationID{}, long, now); !errors.Is(err, token.ErrAskingSize) {
		t.Errorf("too long: %v", err)
	}
	if _, err := s.SealAsking(identity.AuthorizationID{}, asking(), now.Add(48*time.Hour)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no key in its window: %v", err)
	}
}
