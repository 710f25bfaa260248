package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrGrant is returned for a code that gives nothing. It does not tell which of
// its conditions failed.
var ErrGrant = fault.New(fault.Denied, "this code is not known, is over, or was given for another client, key, redirect_uri or verifier")

// How long an authorization lives in each of its states.
const (
	RequestLife = 90 * time.Second // from the pushed request until a browser comes
	PageLife    = 15 * time.Minute // from then on until the person decided
	CodeLife    = time.Minute      // from then on until the code is exchanged
	UsedLife    = 10 * time.Minute // and how long a second use of the code is known for one
)

// Pending returns ErrNoAuthorization unless a person may still decide.
func (a Authorization) Pending(at time.Time) error {
	if a.ID == (AuthorizationID{}) || a.Used || a.Code != [32]byte{} || !at.Before(a.Expires) {
		return ErrNoAuthorization
	}
	return nil
}

// Arrive returns the authorization as it is once a browser came with its
// reference: from the first time on it lives as long as people need for its pages.
func (a Authorization) Arrive(at time.Time) (Authorization, error) {
	if err := a.Pending(at); err != nil {
		return a, err
	}
	if a.Version == 1 {
		a.Version, a.Expires = 2, at.Add(PageLife)
	}
	return a, nil
}

// Consented returns ErrNoAuthorization unless somebody authenticated and consented
// to a link for a person, themselves or a dependant who is not of age.
func (p PageState) Consented(at time.Time) error {
	guarded := p.Guardian != 0
	switch {
	case !p.Proved || p.Asked == 0 || p.Person == 0,
		guarded != (p.Person != p.Asked), guarded && p.Guardian != p.Asked,
		guarded == p.Until.IsZero(), guarded && !at.Before(p.Until):
		return ErrNoAuthorization
	}
	return nil
}

// Exchange is what a client shows for a link.
type Exchange struct {
	Client   string
	Device   Thumbprint // of the key that signed the request's proof
	Redirect string
	Verifier string // PKCE's
}

// Verifiers have so many characters (RFC 7636 §4.1).
const (
	minVerifier = 43
	maxVerifier = 128
)

// Matches returns ErrGrant unless the code that was given for a is this client's,
// for this key, redirect_uri and verifier.
func (a Asking) Matches(e Exchange) error {
	sum := sha256.Sum256([]byte(e.Verifier))
	proved := len(e.Verifier) >= minVerifier && len(e.Verifier) <= maxVerifier &&
		subtle.ConstantTimeCompare(sum[:], a.Challenge[:]) == 1
	if !proved || e.Client != a.Client || e.Device != a.Device || e.Redirect != a.Redirect {
		return ErrGrant
	}
	return nil
}
