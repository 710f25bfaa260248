package console

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/erasure"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/web/signed"
)

// begin answers an invitation's code with what a browser makes a passkey from.
func (c *Console) begin(r *http.Request) (any, error) {
	var in struct {
		Code string `json:"code"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	code, err := staff.ParseCode(in.Code)
	if err != nil {
		return nil, err
	}
	i, err := c.Flow.Begin(r.Context(), code)
	if err != nil {
		return nil, err
	}
	return struct {
		Actor     staff.ActorID    `json:"actor"`
		Role      string           `json:"role"`
		Facility  staff.FacilityID `json:"facility"`
		Challenge binary           `json:"challenge"`
	}{i.Actor, i.Role.String(), i.Facility, i.Challenge[:]}, nil
}

func (c *Console) register(r *http.Request) (any, error) {
	var in struct {
		Code        string `json:"code"`
		Attestation binary `json:"attestation"`
		ClientData  binary `json:"client_data"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	code, err := staff.ParseCode(in.Code)
	if err != nil {
		return nil, err
	}
	print, err := c.Flow.Register(r.Context(), code, in.Attestation, in.ClientData)
	return struct {
		Fingerprint string `json:"fingerprint"`
	}{print}, err
}

// signIn takes a passkey's word for the key that signed this request.
func (c *Console) signIn(r *http.Request) (any, error) {
	p, err := c.Desk.Proof(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Credential binary `json:"credential"`
		Until      int64  `json:"until"`
		assertion
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	t, m, err := c.Flow.SignIn(r.Context(), signin.Attempt{
		Browser: p.Thumbprint, Credential: in.Credential,
		Endorsement: staff.Endorsement{Until: time.Unix(in.Until, 0), Data: in.AuthData, Client: in.ClientData, Signature: in.Signature},
	})
	if err != nil {
		return nil, err
	}
	return struct {
		Token binary        `json:"token"`
		Actor staff.ActorID `json:"actor"`
		Role  string        `json:"role"`
		Until int64         `json:"until"`
	}{t[:], m.ID, m.Role.String(), in.Until}, nil
}

func (c *Console) signOut(r *http.Request, who signed.Caller) (any, error) {
	return struct{}{}, c.Flow.SignOut(r.Context(), who.Session)
}

// shownRequest is a request as the desk shows it.
type shownRequest struct {
	ID        string          `json:"id"`
	Kind      string          `json:"kind"`
	By        staff.ActorID   `json:"by"`
	Place     string          `json:"place"`
	Purpose   string          `json:"purpose"`
	Body      string          `json:"body"`
	Asked     int64           `json:"asked"`
	Until     int64           `json:"until"`
	Needs     int             `json:"needs"`
	Approvals []staff.ActorID `json:"approvals"`
	GrantTo   int64           `json:"grant_until"`
	May       bool            `json:"may_approve"`
}

func shown(p signin.Pending) shownRequest {
	id := p.ID()
	return shownRequest{
		ID: base64.RawURLEncoding.EncodeToString(id[:]), Kind: p.Kind.String(), By: p.By, Place: string(p.Place), Purpose: p.Purpose,
		Body: string(p.Body), Asked: moment(p.Asked), Until: moment(p.Until), Needs: p.Kind.Needs(), GrantTo: moment(p.To),
		May: p.May == nil, Approvals: p.Signed(),
	}
}

// shownMember is somebody as officers see them.
type shownMember struct {
	ID          staff.ActorID    `json:"id"`
	Facility    staff.FacilityID `json:"facility"`
	Role        string           `json:"role"`
	State       string           `json:"state"`
	Fingerprint string           `json:"fingerprint"`
	Enrol       string           `json:"enrol"` // digests that an officer signs
	End         string           `json:"end"`
}

// desk is what somebody has before them: who they are, what waits for a second person,
// and for officers everybody.
func (c *Console) desk(r *http.Request, who signed.Caller) (any, error) {
	pending, err := c.Seconds.Pending(r.Context(), who.Member)
	if err != nil {
		return nil, err
	}
	out := struct {
		Actor    staff.ActorID    `json:"actor"`
		Facility staff.FacilityID `json:"facility"`
		Role     string           `json:"role"`
		Until    int64            `json:"until"`
		Requests []shownRequest   `json:"requests"`
		Staff    []shownMember    `json:"staff"`
	}{who.Member.ID, who.Member.Facility, who.Member.Role.String(), moment(who.Session.Until), []shownRequest{}, []shownMember{}}
	for _, p := range pending {
		out.Requests = append(out.Requests, shown(p))
	}
	if who.Member.Role != staff.RoleOfficer {
		return out, nil
	}
	all, err := c.Office.Members(r.Context())
	for _, m := range all {
		one := shownMember{ID: m.ID, Facility: m.Facility, Role: m.Role.String(), State: m.State(), Enrol: digest(m, false), End: digest(m, true)}
		if k, err := jose.ParseKey(m.Key); err == nil {
			one.Fingerprint = staff.Fingerprint(k)
		}
		out.Staff = append(out.Staff, one)
	}
	return out, err
}

func (c *Console) ask(r *http.Request, who signed.Caller) (any, error) {
	var in struct {
		Kind    string `json:"kind"`
		Purpose string `json:"purpose"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	kind, err := staff.ParseAsk(in.Kind)
	if err != nil {
		return nil, err
	}
	made, err := c.Seconds.Ask(r.Context(), who.Member, kind, in.Purpose)
	if err != nil {
		return nil, err
	}
	return shown(signin.Pending{Request: made, May: staff.ErrOneself}), nil
}

// erase asks for somebody's erasure; who asks signs it next, as whoever approves does. The
// person is named in the body alone.
func (c *Console) erase(r *http.Request, who signed.Caller) (any, error) {
	var in struct {
		Purpose string `json:"purpose"`
		Whom    string `json:"whom"`
		Reason  string `json:"reason"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if who.Member.Role != staff.RoleOfficer {
		return nil, staff.ErrNotYours
	}
	whom, err := erasure.ParseWhom(in.Whom)
	if err != nil {
		return nil, err
	}
	made, err := c.Erasures.Ask(r.Context(), who.Member, in.Purpose, whom, in.Reason)
	if err != nil {
		return nil, err
	}
	return shown(signin.Pending{Request: made}), nil
}

func (c *Console) approve(r *http.Request, who signed.Caller) (any, error) {
	var in assertion
	if err := read(r, &in); err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(r.PathValue("request"))
	if err != nil || len(raw) != len(staff.RequestID{}) {
		return nil, staff.ErrNoRequest
	}
	p, err := c.Seconds.Approve(r.Context(), who.Member, staff.Approval{Request: staff.RequestID(raw), Assertion: in.staff()})
	if err != nil {
		return nil, err
	}
	return shown(p), nil
}

// invite makes an invitation, for officers: with it alone nobody may anything.
func (c *Console) invite(r *http.Request, who signed.Caller) (any, error) {
	var in struct {
		Actor    string `json:"actor"`
		Facility string `json:"facility"`
		Role     string `json:"role"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if who.Member.Role != staff.RoleOfficer {
		return nil, staff.ErrNotYours
	}
	id, err := staff.ParseActor(in.Actor)
	if err != nil {
		return nil, err
	}
	at, err := staff.ParseFacility(in.Facility)
	if err != nil {
		return nil, err
	}
	role, err := staff.ParseRole(in.Role)
	if err != nil {
		return nil, err
	}
	a := staff.Actor{ID: id, Facility: at, Role: role}
	if role == staff.RoleClinician {
		a.Rights = staff.Enter | staff.Correct | staff.View
	}
	code, err := c.Office.Invite(r.Context(), a, who.Member.ID)
	if err != nil {
		return nil, err
	}
	return struct {
		Code string `json:"code"`
	}{code.Reveal()}, nil
}

// actor enrols somebody whose fingerprint the officer compared, or ends them: which of
// the two, and who exactly, the digest in the path says, so that the officer's own
// signature covers it.
func (c *Console) actor(r *http.Request, who signed.Caller) (any, error) {
	id, err := staff.ParseActor(r.PathValue("actor"))
	if err != nil {
		return nil, err
	}
	var in struct {
		Fingerprint string `json:"fingerprint"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	all, err := c.Office.Members(r.Context())
	for _, m := range all {
		if m.ID != id {
			continue
		}
		switch r.PathValue("digest") {
		case digest(m, false):
			return came(c.Office.Confirm(r.Context(), who.Session, id, in.Fingerprint, who.Ask))
		case digest(m, true):
			return came(c.Office.Dismiss(r.Context(), who.Session, id, who.Ask))
		}
	}
	if err == nil {
		err = staff.ErrNobody
	}
	return nil, err
}

// came says what came of an officer's word.
func came(state signin.State, err error) (any, error) {
	return struct {
		State signin.State `json:"state"`
	}{state}, err
}

// digest is what an officer signs of somebody who is to act, or to have ended.
func digest(m staff.Member, ended bool) string {
	a := m.Actor
	if a.Ended = (time.Time{}); ended {
		a.Ended = time.Unix(1, 0)
	}
	return a.Digest()
}

// widen takes a second person's word for somebody, which the keeper judges.
func (c *Console) widen(r *http.Request, who signed.Caller) (any, error) {
	id, err := staff.ParseActor(r.PathValue("actor"))
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.Seconds.Widen(r.Context(), who.Member, id, who.Ask)
}
