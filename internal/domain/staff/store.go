package staff

import "time"

// Store keeps facilities and who works there. Methods run inside the caller's
// transaction.
type Store interface {
	// PutFacility adds a facility, or changes its name or end.
	PutFacility(f Facility) error
	// Facilities returns all, by name.
	Facilities() ([]Facility, error)
	// Put adds a member or replaces them; ErrKnown for a passkey that is another's.
	Put(m Member) error
	// Get returns a member; the zero Member when there is none.
	Get(id ActorID) (Member, error)
	// ByCredential returns whose a passkey is; the zero Member when it is nobody's.
	ByCredential(credential []byte) (Member, error)
	// All returns everybody, by name.
	All() ([]Member, error)
}

// InvitationStore keeps invitations. Methods run inside the caller's transaction.
type InvitationStore interface {
	// Put adds an invitation or replaces it.
	Put(i Invitation) error
	// Get returns an invitation; the zero one when there is none.
	Get(code Hash) (Invitation, error)
	// Of returns the invitations of a name, by code.
	Of(id ActorID) ([]Invitation, error)
	// Forget removes up to n whose end is before a moment, and says how many.
	Forget(before time.Time, n int) (int, error)
}

// SessionStore keeps sign-ins. Methods run inside the caller's transaction.
type SessionStore interface {
	// Put adds a session, or ends it: of one that is there only the end changes, once.
	Put(s Session) error
	// Get returns a session; the zero one when there is none.
	Get(token Hash) (Session, error)
	// Of returns the sessions of somebody, the oldest first.
	Of(id ActorID) ([]Session, error)
	// Forget removes up to n whose time was over before a moment, and says how many.
	Forget(before time.Time, n int) (int, error)
}

// RequestStore keeps requests and their approvals, for good: they are evidence.
// Methods run inside the caller's transaction.
type RequestStore interface {
	// Put adds a request; one that is there stays as it is.
	Put(r Request) error
	// Get returns a request; ErrNoRequest when there is none.
	Get(id RequestID) (Request, error)
	// Since returns up to n requests asked at a moment or later, the newest first.
	Since(at time.Time, n int) ([]Request, error)
	// Approve adds an approval; ErrApproved when its actor has one for that request.
	Approve(a Approval) error
	// Approvals returns a request's, the earliest first.
	Approvals(id RequestID) ([]Approval, error)
}
