package token_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/web/token"
)

func renewal() token.Refresh {
	return token.Refresh{
		Scope: identity.LinkDecision, Partner: 7, Link: identity.LinkID{1, 2}, Person: 1 << 40, Key: identity.Thumbprint{9, 8},
		Generation: 5, Until: time.Unix(now.Unix()+50, 0), Expires: time.Unix(now.Unix()+90, 0),
	}
}

func TestRefreshTokens(t *testing.T) {
	s := sealer(t, keyOf(1, 1))
	own := renewal()
	own.Until = time.Time{}
	for _, want := range []token.Refresh{renewal(), own} {
		text, err := s.SealRefresh(want, now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.OpenRefresh(text, want.Expires)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if _, err := s.OpenRefresh(text, want.Expires.Add(1)); !errors.Is(err, token.ErrExpired) {
			t.Errorf("expired: %v", err)
		}
		for i := range text {
			bad := []byte(text)
			if bad[i]++; bad[i] == '.' {
				bad[i]++
			}
			if _, err := s.OpenRefresh(string(bad), now); !errors.Is(err, token.ErrToken) {
				t.Fatalf("byte %d altered: %v", i, err)
			}
		}
		if _, err := sealer(t, keyOf(1, 3)).OpenRefresh(text, now); !errors.Is(err, token.ErrToken) {
			t.Errorf("another key: %v", err)
		}
	}
}

// TestPurposesDoNotMix: nothing sealed for one purpose opens for another, under the
// same key and though it has the length.
func TestPurposesDoNotMix(t *testing.T) {
	s, id := sealer(t, keyOf(1, 1)), identity.AuthorizationID{3}
	ref, err := s.SealReference(id, now)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.OpenReference(ref); err != nil || got != id {
		t.Errorf("%v, %v", got, err)
	}
	refresh, err := s.SealRefresh(renewal(), now)
	if err != nil {
		t.Fatal(err)
	}
	access := seal(t, s, some())
	for _, text := range []string{refresh, access, "", ref[:len(ref)-1], ref + "A"} {
		if _, err := s.OpenReference(text); !errors.Is(err, identity.ErrNoAuthorization) {
			t.Errorf("a reference: %v", err)
		}
	}
	for _, text := range []string{ref, access, ""} {
		if _, err := s.OpenRefresh(text, now); !errors.Is(err, token.ErrToken) {
			t.Errorf("a refresh token: %v", err)
		}
	}
	for _, text := range []string{ref, refresh} {
		if _, err := s.Open(text, token.ScopeColour, now); !errors.Is(err, token.ErrToken) {
			t.Errorf("an access token: %v", err)
		}
	}
}
