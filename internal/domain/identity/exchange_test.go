package identity_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

var pushed = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

func TestAuthorizationLives(t *testing.T) {
	a := identity.Authorization{ID: identity.AuthorizationID{1}, Version: 1, Expires: pushed.Add(identity.RequestLife)}
	if _, err := a.Arrive(a.Expires); !errors.Is(err, identity.ErrNoAuthorization) {
		t.Errorf("too late: %v", err)
	}
	at := a.Expires.Add(-1)
	came, err := a.Arrive(at)
	if err != nil || came.Version != 2 || !came.Expires.Equal(at.Add(identity.PageLife)) {
		t.Errorf("%+v, %v", came, err)
	}
	if again, err := came.Arrive(at.Add(time.Minute)); err != nil || again.Expires != came.Expires || again.Version != 2 {
		t.Errorf("coming again gives no time: %+v, %v", again, err)
	}
	for name, spoil := range map[string]func(*identity.Authorization){
		"none":   func(a *identity.Authorization) { *a = identity.Authorization{} },
		"used":   func(a *identity.Authorization) { a.Used = true },
		"coded":  func(a *identity.Authorization) { a.Code = [32]byte{1} },
		"lapsed": func(a *identity.Authorization) { a.Expires = at },
	} {
		bad := came
		spoil(&bad)
		if _, err := bad.Arrive(at); !errors.Is(err, identity.ErrNoAuthorization) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConsented(t *testing.T) {
	own := identity.PageState{Asked: 1, Proved: true, Person: 1}
	ward := identity.PageState{Asked: 1, Proved: true, Person: 2, Guardian: 1, Until: pushed.Add(1)}
	for _, good := range []identity.PageState{own, ward} {
		if err := good.Consented(pushed); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for name, bad := range map[string]func() identity.PageState{
		"nothing":                 func() identity.PageState { return identity.PageState{} },
		"nobody who proved":       func() identity.PageState { own := own; own.Asked, own.Person = 0, 0; return own },
		"not proved":              func() identity.PageState { own := own; own.Proved = false; return own },
		"no consent":              func() identity.PageState { own := own; own.Person = 0; return own },
		"another's":               func() identity.PageState { own := own; own.Person = 2; return own },
		"one's own with an end":   func() identity.PageState { own := own; own.Until = pushed.Add(1); return own },
		"oneself as guardian":     func() identity.PageState { w := ward; w.Person = 1; return w },
		"a guardian who did not":  func() identity.PageState { w := ward; w.Guardian = 3; return w },
		"a dependant without end": func() identity.PageState { w := ward; w.Until = time.Time{}; return w },
		"a dependant of age":      func() identity.PageState { w := ward; w.Until = pushed; return w },
	} {
		if err := bad().Consented(pushed); !errors.Is(err, identity.ErrNoAuthorization) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExchangeMatches(t *testing.T) {
	verifier := strings.Repeat("v", 43)
	asked := identity.Asking{Client: "7", Device: identity.Thumbprint{1}, Redirect: "https://toko.example/back", Challenge: sha256.Sum256([]byte(verifier))}
	good := identity.Exchange{Client: "7", Device: identity.Thumbprint{1}, Redirect: "https://toko.example/back", Verifier: verifier}
	if err := asked.Matches(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*identity.Exchange){
		"client":   func(e *identity.Exchange) { e.Client = "8" },
		"key":      func(e *identity.Exchange) { e.Device[0]++ },
		"redirect": func(e *identity.Exchange) { e.Redirect += "/" },
		"verifier": func(e *identity.Exchange) { e.Verifier = strings.Repeat("w", 43) },
		"none":     func(e *identity.Exchange) { e.Verifier = "" },
	} {
		bad := good
		spoil(&bad)
		if err := asked.Matches(bad); !errors.Is(err, identity.ErrGrant) {
			t.Errorf("%s: %v", name, err)
		}
	}
	short := asked
	short.Challenge = sha256.Sum256([]byte("v"))
	if err := short.Matches(identity.Exchange{Client: "7", Device: asked.Device, Redirect: asked.Redirect, Verifier: "v"}); !errors.Is(err, identity.ErrGrant) {
		t.Errorf("a verifier that can be guessed: %v", err)
	}
}
