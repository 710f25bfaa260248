package identity

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of authorizations.
var (
	ErrNoAuthorization = fault.New(fault.Denied, "this request to link is not known, or its time is over: begin again")
	ErrCodeUsed        = fault.New(fault.Denied, "this code was used before; what it gave is withdrawn")
)

// AuthorizationID names one pushed authorization request (RFC 9126). It ascends
// with time.
type AuthorizationID [16]byte

// Authorization is one attempt to link a person, from the pushed request to the
// code's use. What names the client, the device or the person is in Sealed, under
// the service's token keys: the row alone says that somebody began to link.
type Authorization struct {
	ID      AuthorizationID
	Partner partner.ID
	Version uint64   // moved by each write: a second writer of the same version fails
	Code    [32]byte // SHA-256 of the authorization code; zero until one is given
	Used    bool     // the code was exchanged
	Link    LinkID   // what the code gave, so that a second use can end it
	Tries   int      // wrong second factors so far
	Sealed  []byte   // Asking
	Expires time.Time
}

// Asking is the sealed part of an Authorization.
type Asking struct {
	Client    string        `json:"client"` // OAuth client_id
	Device    Thumbprint    `json:"device"` // dpop_jkt: the key that tokens will be bound to
	Scope     partner.Scope `json:"scope"`
	Redirect  string        `json:"redirect"`  // redirect_uri, one of the agreement's
	State     string        `json:"state"`     // of the client, given back unread
	Challenge [32]byte      `json:"challenge"` // PKCE S256
	Agreement int           `json:"agreement"` // version of the terms shown
	Browser   [32]byte      `json:"browser"`   // SHA-256 of the browser's cookie; zero until a browser came
	Page      PageState     `json:"page"`
}

// PageState is what the platform's linking pages remember between forms.
type PageState struct {
	NIK      Tag       `json:"nik"`     // of the NIK typed, somebody's or nobody's
	Codes    int       `json:"codes"`   // sent so far, or as if
	Asked    PersonID  `json:"asked"`   // who authenticates; zero when the NIK named nobody, which no page tells
	Channel  Tag       `json:"channel"` // the number the code went to
	Factor   [32]byte  `json:"factor"`  // keyed hash of the code sent
	Sent     time.Time `json:"sent"`
	Proved   bool      `json:"proved"`   // the second factor was right
	Chosen   PersonID  `json:"chosen"`   // who is to be linked: Asked, or a dependant of theirs
	Person   PersonID  `json:"person"`   // Chosen, once consented to; zero until then
	Guardian PersonID  `json:"guardian"` // Asked when Chosen is a dependant, else zero
	Until    time.Time `json:"until"`    // a dependant's eighteenth birthday
}

// AuthorizationStore keeps authorizations. Methods run inside the caller's
// transaction.
type AuthorizationStore interface {
	// Put adds an authorization, or replaces the one of the version before;
	// ErrNoAuthorization when another version is stored.
	Put(a Authorization) error
	// Get returns one; the zero Authorization when unknown.
	Get(id AuthorizationID) (Authorization, error)
	// ByCode returns the authorization that gave a code; the zero one when unknown.
	ByCode(code [32]byte) (Authorization, error)
	// Forget removes up to n that expired before a moment, and says how many.
	Forget(before time.Time, n int) (int, error)
}
