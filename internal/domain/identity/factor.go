package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of second factors. What is wrong with a code is not told apart: wrong,
// used, too old, or sent to nobody.
var (
	ErrOneTimeForm = fault.New(fault.Invalid, "a one-time code has exactly 6 digits")
	ErrFactor      = fault.New(fault.Denied, "this code is not right, was used, or is older than ten minutes")
	ErrFactorSpent = fault.New(fault.Busy, "too many wrong codes: begin again later, tomorrow at the latest")
)

// Limits of one-time codes.
const (
	OneTimeLife     = 10 * time.Minute
	TriesPerAttempt = 5  // wrong codes in one authorization
	TriesPerDay     = 10 // wrong codes for one NIK on one day, over all authorizations
	CodesPerAttempt = 3  // codes sent in one authorization
	CodesPerDay     = 10 // codes sent for one NIK on one day, over all authorizations
)

const oneTimeCodes = 1_000_000 // six digits

// OneTime is a one-time code of six digits. It never prints.
type OneTime struct{ digits string }

// FactorKey keys the hashes of one-time codes. It never prints.
type FactorKey struct{ key [32]byte }

// NewFactorKey takes a key of 32 random bytes.
func NewFactorKey(key [32]byte) FactorKey { return FactorKey{key} }

// NewOneTime draws a code.
func NewOneTime() (OneTime, error) { return drawOneTime(rand.Reader) }

// drawOneTime takes numbers until one lies below the largest multiple of a million:
// the rest of a division over all of them would favour low codes.
func drawOneTime(r io.Reader) (OneTime, error) {
	const all = 1 << 32
	const fair = all - all%oneTimeCodes
	var b [4]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return OneTime{}, fmt.Errorf("draw a one-time code: %w", err)
		}
		if n := binary.BigEndian.Uint32(b[:]); n < fair {
			return OneTime{fmt.Sprintf("%06d", n%oneTimeCodes)}, nil
		}
	}
}

// ParseOneTime reads six digits; ErrOneTimeForm for anything else.
func ParseOneTime(s string) (OneTime, error) {
	if len(s) != 6 {
		return OneTime{}, ErrOneTimeForm
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return OneTime{}, ErrOneTimeForm
		}
	}
	return OneTime{s}, nil
}

// Hash is what is kept of a code: HMAC-SHA-256 over the attempt and the code, so
// that it is good for this attempt only and a million guesses need the key.
func (c OneTime) Hash(k FactorKey, attempt AuthorizationID) (sum [32]byte) {
	h := hmac.New(sha256.New, k.key[:])
	h.Write(attempt[:])
	h.Write([]byte(c.digits))
	h.Sum(sum[:0])
	return sum
}

// Guesses counts the wrong codes for one NIK on one day, and the codes sent. The
// caller keeps them by the NIK's tag, which a NIK of nobody has too, so that both
// run out alike.
type Guesses struct {
	Day   day.Day
	Wrong int
	Sent  int
}

// Send counts one more code to be sent in an attempt that had sent some before.
// ErrFactorSpent when there were enough of them, or when none would be looked at.
func (g Guesses) Send(before int, at time.Time) (Guesses, error) {
	g = g.on(at)
	if before >= CodesPerAttempt || g.Sent >= CodesPerDay || g.Wrong >= TriesPerDay {
		return g, ErrFactorSpent
	}
	g.Sent++
	return g, nil
}

// on returns the count at a moment. A clock that went back gives nothing back.
func (g Guesses) on(at time.Time) Guesses {
	if d := day.Of(at); d > g.Day {
		return Guesses{Day: d}
	}
	return g
}

// Right takes back the guess that was counted before a right code was looked at.
func (g Guesses) Right(counted Guesses) Guesses {
	if g.Day == counted.Day && g.Wrong > 0 {
		g.Wrong--
	}
	return g
}

// Trial is what a one-time code is judged by.
type Trial struct {
	Attempt AuthorizationID
	Factor  [32]byte // of the code sent; zero when none waits; random when the NIK is nobody's
	Sent    time.Time
	Tries   int     // wrong codes in this attempt
	Today   Guesses // wrong codes for this NIK
}

// Judge returns the trial after a code, to be kept whatever the error: nil uses
// the code up, ErrFactor counts it, ErrFactorSpent means that no code is looked at
// any more. The work is the same in each case.
func (t Trial) Judge(k FactorKey, c OneTime, at time.Time) (Trial, error) {
	t.Today = t.Today.on(at)
	sum := c.Hash(k, t.Attempt)
	right := hmac.Equal(sum[:], t.Factor[:])
	if t.Tries >= TriesPerAttempt || t.Today.Wrong >= TriesPerDay {
		return t, ErrFactorSpent
	}
	waits := t.Factor != [32]byte{} && c.digits != ""
	if fresh := at.Before(t.Sent.Add(OneTimeLife)); !right || !waits || !fresh {
		t.Tries++
		t.Today.Wrong++
		return t, ErrFactor
	}
	t.Factor, t.Sent = [32]byte{}, time.Time{}
	return t, nil
}

// String hides the code.
func (OneTime) String() string { return redacted }

// Format hides the code from every verb.
func (OneTime) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the code.
func (OneTime) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the code.
func (OneTime) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Reveal returns the digits, for sending.
func (c OneTime) Reveal() string { return c.digits }

// String hides the key.
func (FactorKey) String() string { return redacted }

// Format hides the key from every verb.
func (FactorKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the key.
func (FactorKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the key.
func (FactorKey) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
