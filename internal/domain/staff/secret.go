package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrSecret: what a system showed is not its secret.
var ErrSecret = fault.New(fault.Denied, "the system is not known here, has ended, or this is not its secret")

// Secret is what a facility's system that cannot sign shows to get a token, which
// enters records and opens none. It never prints.
type Secret struct{ text string }

// NewSecret draws a secret: 256 random bits, so that of a hash of it nothing can be
// guessed.
func NewSecret() Secret {
	var b [32]byte
	rand.Read(b[:])
	return Secret{base64.RawURLEncoding.EncodeToString(b[:])}
}

// ParseSecret reads what Reveal writes; ErrSecret.
func ParseSecret(s string) (Secret, error) {
	if b, err := base64.RawURLEncoding.Strict().DecodeString(s); err != nil || len(b) != 32 || len(s) != 43 {
		return Secret{}, ErrSecret
	}
	return Secret{s}, nil
}

// Hash is all that is kept of the secret.
func (s Secret) Hash() [32]byte { return sha256.Sum256([]byte("amanah client secret v1\x00" + s.text)) }

// Reveal returns the secret, for the system's operator.
func (s Secret) Reveal() string { return s.text }

// String hides the secret.
func (Secret) String() string { return "[redacted]" }

// Format hides the secret from every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }
