package fhir

import (
	"net/http"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/signed"
	"github.com/amanah-project/amanah/internal/web/token"
)

// caller finds out who asks, and that they may ask for this at all. A proof is taken
// here, but for what is opened: that one the keeper takes, which believes it and not
// this server.
func (s *Server) caller(r *http.Request, need rights) (care.Caller, error) {
	if need == anybody {
		return care.Caller{}, nil
	}
	scheme, text, ok := strings.Cut(strings.Join(r.Header.Values("Authorization"), ", "), " ")
	if !ok {
		return care.Caller{}, errToken
	}
	now := s.Now()
	if s.Staff != nil && strings.EqualFold(scheme, "DPoP") && signed.Is(text) {
		return s.clinician(r, need)
	}
	said, err := s.Tokens().OpenSystem(text, now)
	if err != nil {
		return care.Caller{}, err
	}
	switch bound := said.Key != (identity.Thumbprint{}); {
	case !bound && !strings.EqualFold(scheme, "Bearer"):
		return care.Caller{}, errToken
	case !bound && need == views:
		return care.Caller{}, errBearer
	case bound && !strings.EqualFold(scheme, "DPoP"):
		return care.Caller{}, errBound
	}
	// Before a proof is taken, so that who is held back may send it again.
	if err := s.Pace.Take(string(said.Actor), now); err != nil {
		return care.Caller{}, err
	}
	who, err := s.Systems.System(r.Context(), said.Actor)
	if err != nil {
		return care.Caller{}, err
	}
	if who.Facility != said.Facility {
		return care.Caller{}, token.ErrToken
	}
	by := care.Caller{Actor: who.ID, Facility: who.Facility, Role: who.Role, Rights: who.Rights}
	if said.Key == (identity.Thumbprint{}) {
		return by, nil
	}
	p, err := s.proof(r, text, said)
	if err != nil {
		return care.Caller{}, err
	}
	if need != views {
		return by, s.Once.Use(p, s.Now())
	}
	by.Ask.Proof = strings.Join(r.Header.Values("DPoP"), ", ")
	by.Emergency = p.Purpose == keeper.PurposeBreakGlass
	return by, nil
}

// clinician finds out who of the staff asks: a browser's key that their passkey endorsed
// signed this request, and the keeper is shown both.
func (s *Server) clinician(r *http.Request, need rights) (care.Caller, error) {
	who, err := s.Staff(r)
	if err == nil {
		err = s.Pace.Take(string(who.Member.ID), s.Now())
	}
	if err != nil {
		return care.Caller{}, err
	}
	m := who.Member
	by := care.Caller{Actor: m.ID, Facility: m.Facility, Role: m.Role, Rights: m.Rights}
	if need == views {
		by.Ask, by.Emergency = who.Ask, who.Purpose == keeper.PurposeBreakGlass
	}
	return by, nil
}

// proof verifies the proof of a request with a token that is bound to a key.
func (s *Server) proof(r *http.Request, text string, said token.System) (dpop.Proof, error) {
	p, err := dpop.Verify(strings.Join(r.Header.Values("DPoP"), ", "), dpop.Want{
		Method: r.Method, URL: "https://" + s.Host + r.URL.EscapedPath(), Token: text, Fresh: s.Nonces.Fresh,
	})
	if err == nil && p.Thumbprint != said.Key {
		err = dpop.ErrBound
	}
	return p, err
}

// Admit says who asks for what is not FHIR, such as images, by the same rules; opens
// says that they must have signed this request. It sets the headers of a refusal, and
// its errors have the status that they have here.
func (s *Server) Admit(w http.ResponseWriter, r *http.Request, opens bool) (care.Caller, error) {
	need := enters
	if opens {
		need = views
	}
	by, err := s.caller(r, need)
	if err == nil {
		return by, nil
	}
	status, _ := outcomeOf(err)
	s.tell(w.Header(), status, err)
	return care.Caller{}, turnedAway{err, status}
}

// turnedAway is why somebody is not admitted, with its status.
type turnedAway struct {
	error
	status int
}

// Unwrap returns why.
func (e turnedAway) Unwrap() error { return e.error }

// ProblemStatus implements problem.Statused.
func (e turnedAway) ProblemStatus() int { return e.status }
