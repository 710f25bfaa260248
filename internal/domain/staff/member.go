package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of enrolment and sign-in. Why a code is no good is not told apart: mistyped,
// used, too old, nobody's.
var (
	ErrRights    = fault.New(fault.Invalid, "an officer has no right over records, a clinician at least one of enter, correct and view: no role has both an office and records")
	ErrRole      = fault.New(fault.Invalid, "a role is client, clinician or officer")
	ErrCode      = fault.New(fault.Denied, "this code is not right, was used, or is too old: ask for another invitation")
	ErrKnown     = fault.New(fault.Conflict, "somebody of this name is invited or enrolled: end them first, or choose another name")
	ErrNobody    = fault.New(fault.NotFound, "no member of staff of this name is known")
	ErrEnded     = fault.New(fault.Conflict, "this member of staff has ended: invite them under another name")
	ErrCompare   = fault.New(fault.Denied, "the fingerprint is another key's: compare it again with whoever registered, and do not enrol")
	ErrSignedOut = fault.New(fault.Denied, "the sign-in is over, or longer than your role may: sign in again")
	ErrNoPlace   = fault.New(fault.NotFound, "no facility of this name is known: add it first")
)

// InvitationLife is how long an invitation may be used.
const InvitationLife = 24 * time.Hour

// SignInFor is how long a sign-in of a role lasts: a shift for who works with records,
// an hour for an office.
func (r Role) SignInFor() time.Duration {
	if r == RoleOfficer {
		return time.Hour
	}
	return MaxEndorsed
}

// String names the role.
func (r Role) String() string {
	switch r {
	case RoleClient:
		return "client"
	case RoleClinician:
		return "clinician"
	case RoleOfficer:
		return "officer"
	}
	return "unknown"
}

// ParseRole reads a role; ErrRole.
func ParseRole(s string) (Role, error) {
	for _, r := range []Role{RoleClient, RoleClinician, RoleOfficer} {
		if r.String() == s {
			return r, nil
		}
	}
	return 0, ErrRole
}

// ParseRights reads rights separated by commas; ErrRights.
func ParseRights(s string) (out Rights, err error) {
	for _, name := range strings.Split(s, ",") {
		switch strings.TrimSpace(name) {
		case "enter":
			out |= Enter
		case "correct":
			out |= Correct
		case "view":
			out |= View
		default:
			return 0, ErrRights
		}
	}
	return out, nil
}

// Person reports whether a role is somebody's, who signs in by a passkey.
func (r Role) Person() bool { return r == RoleClinician || r == RoleOfficer }

// Check returns why a role may not have these rights, or nil.
func (r Role) Check(rights Rights) error {
	const all = Enter | Correct | View
	switch {
	case r == RoleOfficer && rights == 0:
		return nil
	case (r == RoleClient || r == RoleClinician) && rights != 0 && rights&^all == 0:
		return nil
	case r < RoleClient || r > RoleOfficer:
		return ErrRole
	}
	return ErrRights
}

// Facility is a hospital, clinic, laboratory or office.
type Facility struct {
	ID    FacilityID
	Name  string // as people know it; public
	Since time.Time
	Ended time.Time // zero while it works here
}

// Member is an actor as the server knows them, for listing and to begin a sign-in: the
// keeper alone decides whom it believes. Since is zero until the keeper enrolled them.
type Member struct {
	Actor
	Credential []byte // of their passkey; empty for a system
	Registered time.Time
}

// State says where a member stands.
func (m Member) State() string {
	switch {
	case !m.Ended.IsZero():
		return "ended"
	case !m.Since.IsZero():
		return "enrolled"
	}
	return "registered"
}

// Hash is SHA-256 of a code or token of at least 100 random bits, which is all that is
// kept of it.
type Hash [32]byte

// Code is what somebody invited shows once. It never prints.
type Code struct{ text string }

// NewCode draws a code: 120 random bits.
func NewCode() Code {
	var b [15]byte
	rand.Read(b[:])
	return Code{base32.StdEncoding.EncodeToString(b[:])}
}

// ParseCode reads a code as it was typed: spaces and hyphens count for nothing, nor
// does case. ErrCode.
func ParseCode(s string) (Code, error) {
	if len(s) > 64 {
		return Code{}, ErrCode
	}
	s = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(s))
	if b, err := base32.StdEncoding.DecodeString(s); err != nil || len(b) != 15 || strings.ContainsAny(s, "\r\n") {
		return Code{}, ErrCode
	}
	return Code{s}, nil
}

// Hash is what is kept of the code.
func (c Code) Hash() Hash { return sha256.Sum256([]byte("amanah invitation v1\x00" + c.text)) }

// Reveal returns the code in groups of four, for whoever is invited.
func (c Code) Reveal() string {
	var groups []string
	for s := c.text; s != ""; s = s[min(4, len(s)):] {
		groups = append(groups, s[:min(4, len(s))])
	}
	return strings.Join(groups, "-")
}

const redacted = "[redacted]"

// String hides the code.
func (Code) String() string { return redacted }

// Format hides the code from every verb.
func (Code) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the code.
func (Code) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the code.
func (Code) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Invitation lets somebody register a passkey once.
type Invitation struct {
	Code      Hash
	Actor     ActorID
	Facility  FacilityID
	Role      Role
	Rights    Rights
	By        ActorID // an officer; empty for the command line
	Made      time.Time
	Until     time.Time
	Challenge Hash      // of the registration that is under way; zero for none
	Used      time.Time // zero while it may be used
}

// May returns ErrCode for an invitation that is used, over or of nobody.
func (i Invitation) May(now time.Time) error {
	if i.Actor == "" || !i.Used.IsZero() || !now.Before(i.Until) {
		return ErrCode
	}
	return nil
}

// Session is one sign-in of somebody's: a browser's key that their passkey endorsed.
type Session struct {
	Token       Hash
	Actor       ActorID
	Browser     Hash   // the key's thumbprint
	Endorsement []byte // as Endorsement.Encode writes it
	Began       time.Time
	Until       time.Time
	Ended       time.Time // zero while it lasts
}

// May returns ErrSignedOut for a session that is over.
func (s Session) May(now time.Time) error {
	if s.Actor == "" || !s.Ended.IsZero() || !now.Before(s.Until) {
		return ErrSignedOut
	}
	return nil
}
