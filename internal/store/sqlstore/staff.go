package sqlstore

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
)

const (
	putFacility = `INSERT INTO staff_facility (id, name, since, ended) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, since = excluded.since, ended = excluded.ended`
	allFacilities = `SELECT id, name, since, ended FROM staff_facility ORDER BY id`

	putMember = `INSERT INTO staff_member (id, facility, role, rights, key, credential, registered, since, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET facility = excluded.facility, role = excluded.role, rights = excluded.rights,
			key = excluded.key, credential = excluded.credential, registered = excluded.registered,
			since = excluded.since, ended = excluded.ended`
	selectMember     = `SELECT id, facility, role, rights, key, credential, registered, since, ended FROM staff_member `
	getMember        = selectMember + `WHERE id = $1`
	credentialMember = selectMember + `WHERE credential = $1 AND length(credential) > 0`
	allMembers       = selectMember + `ORDER BY id`

	putInvitation = `INSERT INTO staff_invitation
			(code, actor, facility, role, rights, inviter, made, until, challenge, used)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (code) DO UPDATE SET actor = excluded.actor, facility = excluded.facility, role = excluded.role,
			rights = excluded.rights, inviter = excluded.inviter, made = excluded.made, until = excluded.until,
			challenge = excluded.challenge, used = excluded.used`
	selectInvitation = `SELECT code, actor, facility, role, rights, inviter, made, until, challenge, used
		FROM staff_invitation `
	getInvitation  = selectInvitation + `WHERE code = $1`
	invitationsOf  = selectInvitation + `WHERE actor = $1 ORDER BY code`
	oldInvitations = `SELECT code FROM staff_invitation WHERE until < $1 ORDER BY until, code LIMIT $2`
	dropInvitation = `DELETE FROM staff_invitation WHERE code = $1`

	putSession = `INSERT INTO staff_session (token, actor, browser, endorsement, began, until, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (token) DO UPDATE SET ended = excluded.ended WHERE staff_session.ended = 0`
	selectSession = `SELECT token, actor, browser, endorsement, began, until, ended FROM staff_session `
	getSession    = selectSession + `WHERE token = $1`
	sessionsOf    = selectSession + `WHERE actor = $1 ORDER BY began, token`
	oldSessions   = `SELECT token FROM staff_session WHERE until < $1 ORDER BY until, token LIMIT $2`
	dropSession   = `DELETE FROM staff_session WHERE token = $1`
)

type members struct{ *Tx }

var _ staff.Store = members{}

func (t members) PutFacility(f staff.Facility) error {
	return t.exec(putFacility, func(a *Args) {
		a.Text(string(f.ID))
		a.Text(f.Name)
		a.Time(f.Since)
		a.Time(f.Ended)
	})
}

func (t members) Facilities() ([]staff.Facility, error) {
	var out []staff.Facility
	bad, err := t.good(allFacilities, 1, func(int, *Args) {}, func(_ int, r Row) error {
		out = append(out, staff.Facility{
			ID: staff.FacilityID(r.Text(0)), Name: r.Text(1), Since: moment(r.Int(2)), Ended: moment(r.Int(3)),
		})
		return nil
	})
	return without(out, bad, err)
}

func (t members) Put(m staff.Member) error {
	had, err := t.ByCredential(m.Credential)
	if err != nil {
		return err
	}
	if had.ID != "" && had.ID != m.ID {
		return staff.ErrKnown
	}
	return t.exec(putMember, func(a *Args) {
		a.Text(string(m.ID))
		a.Text(string(m.Facility))
		a.Int(int64(m.Role))
		a.Int(int64(m.Rights))
		a.Bytes(m.Key)
		a.Bytes(m.Credential)
		a.Time(m.Registered)
		a.Time(m.Since)
		a.Time(m.Ended)
	})
}

func (t members) Get(id staff.ActorID) (staff.Member, error) {
	return t.one(getMember, func(a *Args) { a.Text(string(id)) })
}

func (t members) ByCredential(credential []byte) (staff.Member, error) {
	if len(credential) == 0 {
		return staff.Member{}, t.err
	}
	return t.one(credentialMember, func(a *Args) { a.Bytes(credential) })
}

func (t members) All() ([]staff.Member, error) {
	if err := t.complete("staff_member"); err != nil {
		return nil, err
	}
	return t.some(allMembers, func(*Args) {})
}

func (t members) one(sql string, bind func(a *Args)) (staff.Member, error) {
	all, err := t.some(sql, bind)
	if err != nil || len(all) == 0 {
		return staff.Member{}, err
	}
	return all[0], nil
}

func (t members) some(sql string, bind func(a *Args)) ([]staff.Member, error) {
	var out []staff.Member
	err := t.query(sql, bind, func(r Row) error {
		out = append(out, staff.Member{
			Actor: staff.Actor{
				ID: staff.ActorID(r.Text(0)), Facility: staff.FacilityID(r.Text(1)), Role: staff.Role(r.Int(2)),
				Rights: staff.Rights(r.Int(3)), Key: r.Bytes(4), Since: moment(r.Int(7)), Ended: moment(r.Int(8)),
			},
			Credential: r.Bytes(5), Registered: moment(r.Int(6)),
		})
		return nil
	})
	return out, err
}

type invitations struct{ *Tx }

var _ staff.InvitationStore = invitations{}

func (t invitations) Put(i staff.Invitation) error {
	return t.exec(putInvitation, func(a *Args) {
		a.Bytes(i.Code[:])
		a.Text(string(i.Actor))
		a.Text(string(i.Facility))
		a.Int(int64(i.Role))
		a.Int(int64(i.Rights))
		a.Text(string(i.By))
		a.Time(i.Made)
		a.Time(i.Until)
		a.Bytes(i.Challenge[:])
		a.Time(i.Used)
	})
}

func (t invitations) Get(code staff.Hash) (staff.Invitation, error) {
	all, err := t.some(getInvitation, func(a *Args) { a.Bytes(code[:]) })
	if err != nil || len(all) == 0 {
		return staff.Invitation{}, err
	}
	return all[0], nil
}

func (t invitations) Of(id staff.ActorID) ([]staff.Invitation, error) {
	return t.some(invitationsOf, func(a *Args) { a.Text(string(id)) })
}

func (t invitations) some(sql string, bind func(a *Args)) ([]staff.Invitation, error) {
	var out []staff.Invitation
	err := t.query(sql, bind, func(r Row) error {
		i := staff.Invitation{
			Actor: staff.ActorID(r.Text(1)), Facility: staff.FacilityID(r.Text(2)), Role: staff.Role(r.Int(3)),
			Rights: staff.Rights(r.Int(4)), By: staff.ActorID(r.Text(5)), Made: moment(r.Int(6)), Until: moment(r.Int(7)),
			Used: moment(r.Int(9)),
		}
		r.Fixed(0, i.Code[:])
		r.Fixed(8, i.Challenge[:])
		out = append(out, i)
		return nil
	})
	return out, err
}

func (t invitations) Forget(before time.Time, n int) (int, error) {
	return t.forgetHashes(oldInvitations, dropInvitation, before, n)
}

// forgetHashes removes up to n rows, named by a hash, that a query finds.
func (t *Tx) forgetHashes(find, drop string, before time.Time, n int) (int, error) {
	old, err := firstGood(t, find, n, func(a *Args) { a.Time(before) }, func(r Row) (h staff.Hash) {
		r.Fixed(0, h[:])
		return h
	})
	if err != nil {
		return 0, err
	}
	return len(old), t.execEach(drop, len(old), func(i int, a *Args) { a.Bytes(old[i][:]) }, nil)
}

type sessions struct{ *Tx }

var _ staff.SessionStore = sessions{}

func (t sessions) Put(s staff.Session) error {
	return t.exec(putSession, func(a *Args) {
		a.Bytes(s.Token[:])
		a.Text(string(s.Actor))
		a.Bytes(s.Browser[:])
		a.Bytes(s.Endorsement)
		a.Time(s.Began)
		a.Time(s.Until)
		a.Time(s.Ended)
	})
}

func (t sessions) Get(token staff.Hash) (staff.Session, error) {
	all, err := t.some(getSession, func(a *Args) { a.Bytes(token[:]) })
	if err != nil || len(all) == 0 {
		return staff.Session{}, err
	}
	return all[0], nil
}

func (t sessions) Of(id staff.ActorID) ([]staff.Session, error) {
	return t.some(sessionsOf, func(a *Args) { a.Text(string(id)) })
}

func (t sessions) some(sql string, bind func(a *Args)) ([]staff.Session, error) {
	var out []staff.Session
	err := t.query(sql, bind, func(r Row) error {
		s := staff.Session{
			Actor: staff.ActorID(r.Text(1)), Endorsement: r.Bytes(3), Began: moment(r.Int(4)), Until: moment(r.Int(5)),
			Ended: moment(r.Int(6)),
		}
		r.Fixed(0, s.Token[:])
		r.Fixed(2, s.Browser[:])
		out = append(out, s)
		return nil
	})
	return out, err
}

func (t sessions) Forget(before time.Time, n int) (int, error) {
	return t.forgetHashes(oldSessions, dropSession, before, n)
}
