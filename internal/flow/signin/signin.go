// Package signin is how staff come to work: invited, registered with a passkey, enrolled
// after somebody compared the key's fingerprint, signed in for a shift, and with a second
// person's approval allowed more for an hour.
//
// What it stores lets the server list and begin; nothing of it lets anybody open a
// record: the keeper knows the passkeys itself and checks each signature again. Codes
// and tokens are kept as hashes. Nobody is an administrator at any time.
package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of this package.
var (
	ErrBegin    = fault.New(fault.Conflict, "the registration was not begun, or begun again elsewhere: open the invitation's page again")
	ErrFirst    = fault.New(fault.Conflict, "an officer is enrolled: they confirm others in the console; for the second officer, run this within five minutes of it")
	ErrElevated = fault.New(fault.Denied, "this takes an officer whom a second person elevated within the hour")
)

// Keeper holds the keys, and decides whom it believes.
type Keeper interface {
	Enrol(ctx context.Context, e keeper.Enrolment) error
	Approve(ctx context.Context, by keeper.Ask) error
}

// Flow is what staff do.
type Flow struct {
	DB     store.DB
	Keeper Keeper
	Site   staff.Site
	Now    func() time.Time
}

// waits reports whether a name is on an invitation that may still be used.
func (f *Flow) waits(s store.Stores, id staff.ActorID, now time.Time) (bool, error) {
	all, err := s.Invitations.Of(id)
	for _, i := range all {
		if i.May(now) == nil {
			return true, err
		}
	}
	return false, err
}

// Invite makes an invitation for a person, good once and for a day. It gives nobody
// anything but the chance to register a passkey.
func (f *Flow) Invite(ctx context.Context, a staff.Actor, by staff.ActorID) (staff.Code, error) {
	if !a.Role.Person() {
		return staff.Code{}, staff.ErrRole
	}
	if err := a.Role.Check(a.Rights); err != nil {
		return staff.Code{}, err
	}
	code, now := staff.NewCode(), f.Now()
	err := f.DB.Update(ctx, func(s store.Stores) error {
		if err := f.free(s, a, now); err != nil {
			return err
		}
		return s.Invitations.Put(staff.Invitation{
			Code: code.Hash(), Actor: a.ID, Facility: a.Facility, Role: a.Role, Rights: a.Rights, By: by,
			Made: now, Until: now.Add(staff.InvitationLife),
		})
	})
	return code, err
}

// free returns why a name may not be given at a facility, or nil.
func (f *Flow) free(s store.Stores, a staff.Actor, now time.Time) error {
	m, err := s.Staff.Get(a.ID)
	if err != nil {
		return err
	}
	waits, err := f.waits(s, a.ID, now)
	switch {
	case err != nil:
		return err
	case !m.Ended.IsZero():
		return staff.ErrEnded
	case m.ID != "" || waits:
		return staff.ErrKnown
	}
	all, err := s.Staff.Facilities()
	if err != nil {
		return err
	}
	for _, at := range all {
		if at.ID == a.Facility && at.Ended.IsZero() {
			return nil
		}
	}
	return staff.ErrNoPlace
}

// RegisterSystem registers a facility's own system, which signs with a key of its own
// and has no passkey. It waits for an officer's confirmation as people do.
func (f *Flow) RegisterSystem(ctx context.Context, a staff.Actor) error {
	if a.Role != staff.RoleClient {
		return staff.ErrRole
	}
	if err := a.Role.Check(a.Rights); err != nil {
		return err
	}
	key, err := jose.ParseKey(a.Key)
	if err != nil {
		return err
	}
	a.Key, a.Since, a.Ended = key.JWK(), time.Time{}, time.Time{}
	now := f.Now()
	return f.DB.Update(ctx, func(s store.Stores) error {
		if err := f.free(s, a, now); err != nil {
			return err
		}
		return s.Staff.Put(staff.Member{Actor: a, Registered: now})
	})
}

// Begin answers a code with who is invited and the challenge that their passkey signs.
// Beginning again makes the challenge before it worthless.
func (f *Flow) Begin(ctx context.Context, code staff.Code) (staff.Invitation, error) {
	var out staff.Invitation
	var challenge staff.Hash
	rand.Read(challenge[:])
	err := f.DB.Update(ctx, func(s store.Stores) error {
		i, err := s.Invitations.Get(code.Hash())
		if err == nil {
			err = i.May(f.Now())
		}
		if err != nil {
			return err
		}
		i.Challenge, out = challenge, i
		out.Challenge = challenge
		return s.Invitations.Put(i)
	})
	return out, err
}

// Register takes the passkey that an invited person made, uses the invitation up and
// returns the key's fingerprint, which they tell to whoever enrols them.
func (f *Flow) Register(ctx context.Context, code staff.Code, attestation, clientData []byte) (string, error) {
	var print string
	err := f.DB.Update(ctx, func(s store.Stores) error {
		now := f.Now()
		i, err := s.Invitations.Get(code.Hash())
		if err == nil {
			err = i.May(now)
		}
		if err != nil {
			return err
		}
		if i.Challenge == (staff.Hash{}) {
			return ErrBegin
		}
		made, err := f.Site.Register(i.Challenge, attestation, clientData)
		if errors.Is(err, staff.ErrAsserted) {
			err = errors.Join(ErrBegin, err)
		}
		if err != nil {
			return err
		}
		print = staff.Fingerprint(made.Key)
		i.Used = now
		return errors.Join(s.Invitations.Put(i), s.Staff.Put(staff.Member{
			Actor:      staff.Actor{ID: i.Actor, Facility: i.Facility, Role: i.Role, Rights: i.Rights, Key: made.Key.JWK()},
			Credential: made.Credential, Registered: now,
		}))
	})
	return print, err
}

func (f *Flow) change(ctx context.Context, id staff.ActorID, fn func(m *staff.Member)) error {
	return f.DB.Update(ctx, func(s store.Stores) error {
		m, err := s.Staff.Get(id)
		if err != nil {
			return err
		}
		fn(&m)
		return s.Staff.Put(m)
	})
}

func (f *Flow) member(ctx context.Context, id staff.ActorID) (m staff.Member, err error) {
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		m, err = s.Staff.Get(id)
		return err
	})
	if err == nil && m.ID == "" {
		err = staff.ErrNobody
	}
	return m, err
}

// Attempt is what a browser brings to sign in: its own key and the word of a passkey
// for it.
type Attempt struct {
	Browser    staff.Hash // thumbprint of the key whose proof came with the request
	Credential []byte     // of the passkey that signed
	staff.Endorsement
}

// verify returns nil when the passkey endorses the browser's key, for as long as anybody
// may sign in.
func (a Attempt) verify(site staff.Site, passkey jose.Key, now time.Time) error {
	if !now.Before(a.Until) || a.Until.Sub(now) > staff.MaxEndorsed {
		return staff.ErrSignedOut
	}
	return site.Verify(passkey, staff.Challenge(a.Browser, a.Until), a.Assertion())
}

// Token is what a browser shows, with a proof by its key; 32 random bytes.
type Token [32]byte

// Hash is what is kept of a token.
func (t Token) Hash() staff.Hash {
	return sha256.Sum256(append([]byte("amanah sign-in v1\x00"), t[:]...))
}

// SignIn begins a session. Whether a passkey is unknown, not enrolled or ended is not
// told apart from a wrong signature.
func (f *Flow) SignIn(ctx context.Context, a Attempt) (Token, staff.Member, error) {
	var t Token
	rand.Read(t[:])
	now := f.Now()
	var m staff.Member
	err := f.DB.Update(ctx, func(s store.Stores) (err error) {
		if m, err = s.Staff.ByCredential(a.Credential); err != nil {
			return err
		}
		key, err := jose.ParseKey(m.Key)
		if err != nil || m.State() != "enrolled" {
			return staff.ErrAsserted
		}
		if err := a.verify(f.Site, key, now); err != nil {
			return err
		}
		if a.Until.Sub(now) > m.Role.SignInFor() {
			return staff.ErrSignedOut
		}
		a.Endorsement.Actor = m.ID // whose passkey it is, which the keeper must look up
		return s.SignIns.Put(staff.Session{
			Token: t.Hash(), Actor: m.ID, Browser: a.Browser, Endorsement: a.Encode(), Began: now, Until: a.Until,
		})
	})
	return t, m, err
}

// Session returns whose session a token is, when the browser's key is the one that it
// was given to.
func (f *Flow) Session(ctx context.Context, t Token, browser staff.Hash) (one staff.Session, m staff.Member, err error) {
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		if one, err = s.SignIns.Get(t.Hash()); err != nil {
			return err
		}
		m, err = s.Staff.Get(one.Actor)
		return err
	})
	if err == nil {
		err = one.May(f.Now())
	}
	if err == nil && (one.Browser != browser || m.State() != "enrolled") {
		err = staff.ErrSignedOut
	}
	if err != nil {
		return staff.Session{}, staff.Member{}, err
	}
	return one, m, nil
}

// SignOut ends a session.
func (f *Flow) SignOut(ctx context.Context, one staff.Session) error {
	one.Ended = f.Now()
	return f.DB.Update(ctx, func(s store.Stores) error { return s.SignIns.Put(one) })
}
