package identity_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

var factorKey = identity.NewFactorKey([32]byte([]byte("KEYKEYKEYKEYKEYKEYKEYKEYKEYKEY32")))

func oneTime(t testing.TB, s string) identity.OneTime {
	t.Helper()
	c, err := identity.ParseOneTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// trial is one attempt whose right code is code.
func trial(t testing.TB, attempt byte, code string) identity.Trial {
	t.Helper()
	id := identity.AuthorizationID{attempt}
	return identity.Trial{Attempt: id, Factor: oneTime(t, code).Hash(factorKey, id), Sent: asked}
}

func TestOneTimeWithoutBias(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"zero", []byte{0, 0, 0, 0}, "000000"},
		{"the last of the first million", []byte{0, 0x0f, 0x42, 0x3f}, "999999"},
		{"the highest is drawn again", []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 7}, "000007"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := identity.DrawOneTime(bytes.NewReader(c.in))
			if err != nil || got.Reveal() != c.want {
				t.Errorf("got %s, %v, want %s", got.Reveal(), err, c.want)
			}
		})
	}
	// 4,294 whole millions are fair: 4,293,999,999 is taken, 4,294,000,000 is not.
	last, first := []byte{0xff, 0xf1, 0x3d, 0x7f}, []byte{0xff, 0xf1, 0x3d, 0x80, 0, 0, 0, 1}
	if got, err := identity.DrawOneTime(bytes.NewReader(last)); err != nil || got.Reveal() != "999999" {
		t.Errorf("the last fair number: %s, %v", got.Reveal(), err)
	}
	if got, err := identity.DrawOneTime(bytes.NewReader(first)); err != nil || got.Reveal() != "000001" {
		t.Errorf("the first unfair number: %s, %v", got.Reveal(), err)
	}
	if c, err := identity.DrawOneTime(bytes.NewReader([]byte{1, 2})); !errors.Is(err, io.ErrUnexpectedEOF) || c.Reveal() != "" {
		t.Errorf("a source that ends: %v", err)
	}
	c, err := identity.NewOneTime()
	if _, bad := identity.ParseOneTime(c.Reveal()); err != nil || bad != nil {
		t.Errorf("drawn: %v, %v", err, bad)
	}
}

func TestParseOneTime(t *testing.T) {
	for _, s := range []string{"", "12345", "1234567", "12345a", " 12345", "-12345", "١٢٣", "１２"} {
		if _, err := identity.ParseOneTime(s); !errors.Is(err, identity.ErrOneTimeForm) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestOneTimeHash(t *testing.T) {
	id, key := identity.AuthorizationID{9}, "KEYKEYKEYKEYKEYKEYKEYKEYKEYKEY32"
	h := hmac.New(sha256.New, []byte(key))
	h.Write(append(id[:], "012345"...))
	if sum := oneTime(t, "012345").Hash(factorKey, id); !bytes.Equal(sum[:], h.Sum(nil)) {
		t.Error("no HMAC-SHA-256 over attempt and code")
	}
}

func TestOneTimeJudged(t *testing.T) {
	right := oneTime(t, "012345")
	unsent := trial(t, 1, "012345")
	unsent.Factor = [32]byte{}
	elsewhere := trial(t, 1, "012345")
	elsewhere.Attempt = identity.AuthorizationID{2}
	empty := trial(t, 1, "012345")
	empty.Factor = identity.OneTime{}.Hash(factorKey, empty.Attempt)
	nobody := trial(t, 1, "012345")
	nobody.Factor = [32]byte{1, 2, 3}
	for _, c := range []struct {
		name  string
		trial identity.Trial
		key   identity.FactorKey
		code  identity.OneTime
		after time.Duration
		want  error
	}{
		{"right", trial(t, 1, "012345"), factorKey, right, 0, nil},
		{"in the last instant", trial(t, 1, "012345"), factorKey, right, 10*time.Minute - 1, nil},
		{"too old", trial(t, 1, "012345"), factorKey, right, 10 * time.Minute, identity.ErrFactor},
		{"wrong", trial(t, 1, "012345"), factorKey, oneTime(t, "012346"), 0, identity.ErrFactor},
		{"of another attempt", elsewhere, factorKey, right, 0, identity.ErrFactor},
		{"under another key", trial(t, 1, "012345"), identity.FactorKey{}, right, 0, identity.ErrFactor},
		{"none sent", unsent, factorKey, right, 0, identity.ErrFactor},
		{"no code", empty, factorKey, identity.OneTime{}, 0, identity.ErrFactor},
		{"sent to nobody", nobody, factorKey, right, 0, identity.ErrFactor},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.trial.Judge(c.key, c.code, asked.Add(c.after))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			wrong := 0
			if err != nil {
				wrong = 1
			}
			if got.Tries != wrong || got.Today.Wrong != wrong {
				t.Errorf("counted %d and %d, want %d", got.Tries, got.Today.Wrong, wrong)
			}
			if err != nil {
				return
			}
			if _, err := got.Judge(c.key, c.code, asked.Add(c.after)); !errors.Is(err, identity.ErrFactor) {
				t.Errorf("used twice: %v", err)
			}
		})
	}
}

func TestFiveTriesPerAttemptTenPerDay(t *testing.T) {
	wrong, right := oneTime(t, "999999"), oneTime(t, "012345")
	var today identity.Guesses
	for attempt := range byte(2) {
		tr := trial(t, attempt, "012345")
		tr.Today = today
		for n := range identity.TriesPerAttempt {
			var err error
			if tr, err = tr.Judge(factorKey, wrong, asked); !errors.Is(err, identity.ErrFactor) {
				t.Fatalf("attempt %d, guess %d: %v", attempt, n, err)
			}
		}
		spent, err := tr.Judge(factorKey, right, asked)
		if !errors.Is(err, identity.ErrFactorSpent) || spent != tr {
			t.Fatalf("attempt %d: the right code after five wrong ones: %v", attempt, err)
		}
		today = tr.Today
	}
	fresh := trial(t, 3, "012345")
	fresh.Today = today
	if _, err := fresh.Judge(factorKey, right, asked); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("a new attempt after ten wrong codes: %v", err)
	}
	// A clock that goes back gives nothing back; midnight in Jakarta does.
	fresh.Sent = asked.Add(-48 * time.Hour)
	if _, err := fresh.Judge(factorKey, right, fresh.Sent); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("yesterday: %v", err)
	}
	midnight := time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC)
	fresh.Sent = midnight.Add(-time.Minute)
	if _, err := fresh.Judge(factorKey, right, midnight.Add(-time.Nanosecond)); !errors.Is(err, identity.ErrFactorSpent) {
		t.Errorf("before midnight: %v", err)
	}
	if _, err := fresh.Judge(factorKey, right, midnight); err != nil {
		t.Errorf("from midnight on: %v", err)
	}
}

// Answers to a NIK of somebody and to one of nobody are the same, guess by guess.
func TestNobodyAnswersAlike(t *testing.T) {
	some, none := trial(t, 1, "012345"), trial(t, 1, "012345")
	none.Factor = [32]byte{7}
	for n := range 12 {
		if n%5 == 0 { // a new attempt
			some.Tries, none.Tries = 0, 0
		}
		var a, b error
		some, a = some.Judge(factorKey, oneTime(t, "555555"), asked)
		none, b = none.Judge(factorKey, oneTime(t, "555555"), asked)
		if !errors.Is(a, b) || some.Tries != none.Tries || some.Today != none.Today {
			t.Fatalf("guess %d: %v and %v", n, a, b)
		}
	}
}

// 10,000 codes guessed in as many attempts as the guesser likes: at most ten are
// looked at. Control: without the counts the right one is found.
func TestTenThousandGuesses(t *testing.T) {
	guess := func(counted bool) (looked int, found bool) {
		var today identity.Guesses
		tries := 0
		for n := range 10_000 {
			tr := trial(t, byte(n/identity.TriesPerAttempt), "007777")
			if counted {
				if n%identity.TriesPerAttempt == 0 {
					tries = 0
				}
				tr.Tries, tr.Today = tries, today
			}
			tr, err := tr.Judge(factorKey, oneTime(t, fmt.Sprintf("%06d", n)), asked)
			tries, today = tr.Tries, tr.Today
			if !errors.Is(err, identity.ErrFactorSpent) {
				looked++
			}
			found = found || err == nil
		}
		return looked, found
	}
	if looked, found := guess(true); looked > 10 || found {
		t.Errorf("%d codes were looked at, found: %v", looked, found)
	}
	if _, found := guess(false); !found {
		t.Error("control: not found without the counts either")
	}
}

func TestFactorsNeverPrint(t *testing.T) {
	held := struct {
		Code identity.OneTime
		Key  identity.FactorKey
	}{oneTime(t, "481516"), factorKey}
	js, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "all", held, "code", held.Code, "key", held.Key)
	c, k := held.Code, held.Key
	all := fmt.Sprintf("%v %+v %#v %s %q %d %x", held, held, held, c, c, c, c) + fmt.Sprintf("%s %x %d %#v", k, k, k, k) + string(js) + log.String()
	for _, secret := range []string{"481516", "343831353136", "KEY", "4b4559", "4B4559", "75 69 89", "0x4b"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q prints in %s", secret, all)
		}
	}
	if c.Reveal() != "481516" {
		t.Error("Reveal does not return the code")
	}
}
