package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/token"
)

// addTexts seeds a target with a text that opens and with what only looks like one.
func addTexts(f *testing.F, text string, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-1])
	f.Add(text[:len(text)-1] + "\n")
	f.Add("\n" + text)
	f.Add(text[:7] + "A" + text[8:])
	f.Add("")
}

// oneText fails when a text opened that is another spelling of what was sealed: a token
// that was ended by its text would live on.
func oneText(t *testing.T, text string) {
	t.Helper()
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != text {
		t.Errorf("opened %q, which is not how it was written", text)
	}
}

// denied fails for a refusal that is none of these.
func denied(t *testing.T, err error, of ...error) {
	t.Helper()
	for _, e := range of {
		if errors.Is(err, e) && fault.KindOf(err) == fault.Denied {
			return
		}
	}
	t.Errorf("refused with %v", err)
}

func FuzzOpenRefresh(f *testing.F) {
	s := sealer(f, keyOf(1, 1))
	text, err := s.SealRefresh(token.Refresh{
		Scope: identity.LinkColour, Partner: 7, Link: identity.LinkID{1}, Person: 1 << 40, Key: identity.Thumbprint{9}, Generation: 3,
		Until: now.AddDate(2, 0, 0), Expires: now.Add(time.Hour),
	}, now)
	addTexts(f, text, err)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := s.OpenRefresh(text, now)
		if err != nil {
			denied(t, err, token.ErrToken, token.ErrExpired)
			return
		}
		oneText(t, text)
		if r.Person != 1<<40 || r.Partner != 7 || r.Generation != 3 {
			t.Errorf("opened %+v", r)
		}
	})
}

func FuzzOpenSystem(f *testing.F) {
	s := sealer(f, keyOf(1, 1))
	want := token.System{Actor: "system", Facility: "rs-1", Key: identity.Thumbprint{9}, Expires: time.Unix(now.Unix()+60, 0)}
	text, err := s.SealSystem(want, now)
	addTexts(f, text, err)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := s.OpenSystem(text, now)
		if err != nil {
			denied(t, err, token.ErrToken, token.ErrExpired)
			return
		}
		if oneText(t, text); got != want {
			t.Errorf("opened %+v", got)
		}
	})
}

// FuzzSealSystem: a name that is sealed opens as the same, or is refused.
func FuzzSealSystem(f *testing.F) {
	s := sealer(f, keyOf(1, 1))
	f.Add("system", "rs-1")
	f.Add("", "")
	f.Add("0123456789012345678901234567890123456789", "01234567890123456789012345678901234567890")
	f.Fuzz(func(t *testing.T, actor, facility string) {
		a, errA := staff.ParseActor(actor)
		b, errB := staff.ParseFacility(facility)
		if errA != nil || errB != nil {
			return
		}
		text, err := s.SealSystem(token.System{Actor: a, Facility: b, Expires: now}, now)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if got, err := s.OpenSystem(text, now); err != nil || got.Actor != a || got.Facility != b {
			t.Errorf("%q of %q: %+v, %v", actor, facility, got, err)
		}
	})
}

func FuzzOpenReference(f *testing.F) {
	s := sealer(f, keyOf(1, 1))
	text, err := s.SealReference(identity.AuthorizationID{1, 2}, now)
	addTexts(f, text, err)
	f.Fuzz(func(t *testing.T, text string) {
		id, err := s.OpenReference(text)
		if err != nil {
			denied(t, err, identity.ErrNoAuthorization)
			return
		}
		if oneText(t, text); id != (identity.AuthorizationID{1, 2}) {
			t.Errorf("opened %x", id)
		}
	})
}

func FuzzOpenAsking(f *testing.F) {
	s := sealer(f, keyOf(1, 1))
	want := identity.Asking{Client: "7", Redirect: "https://app.example/back", State: "x\"y", Page: identity.PageState{Codes: 2, Sent: now}}
	sealed, err := s.SealAsking(identity.AuthorizationID{1}, want, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(byte(1), sealed)
	f.Add(byte(2), sealed)
	f.Add(byte(1), sealed[:len(sealed)-1])
	f.Add(byte(1), []byte{})
	f.Fuzz(func(t *testing.T, id byte, sealed []byte) {
		got, err := s.OpenAsking(identity.AuthorizationID{id}, sealed)
		if err != nil {
			denied(t, err, identity.ErrNoAuthorization)
			return
		}
		a, errA := json.Marshal(got)
		b, errB := json.Marshal(want)
		if errA != nil || errB != nil || id != 1 || !bytes.Equal(a, b) {
			t.Errorf("of %d opened %s", id, a)
		}
	})
}
