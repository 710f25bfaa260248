package oauth

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// authorize answers GET /oauth/authorize: a browser comes with the reference that
// its app was given, and with nothing else. What is wrong is told on a page, never
// by a redirect: nothing here says where to.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	id, err := s.arrive(r)
	if err != nil {
		refusePage(w, err)
		return
	}
	s.Pages.Start(w, r, id)
}

func (s *Server) arrive(r *http.Request) (identity.AuthorizationID, error) {
	form, err := single(r.URL.RawQuery)
	if err != nil {
		return identity.AuthorizationID{}, err
	}
	sealed, ok := strings.CutPrefix(form["request_uri"], referencePrefix)
	if !ok || form["client_id"] == "" || len(form) != 2 {
		return identity.AuthorizationID{}, ErrObjectOnly
	}
	id, err := s.Tokens().OpenReference(sealed)
	if err != nil {
		return id, err
	}
	if _, err := s.Grants.Arrive(r.Context(), id, form["client_id"]); err != nil {
		return id, err
	}
	return id, s.served(form["client_id"])
}

// served asks again whether the partner may link people: it may have been suspended
// since its client pushed the request.
func (s *Server) served(id string) error {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return identity.ErrNoAuthorization
	}
	_, err = s.Clients.Terms(partner.ID(n))
	if err != nil && fault.KindOf(err) != fault.Unavailable {
		return identity.ErrNoAuthorization
	}
	return err
}

// Finish sends the browser back with a code, once a person consented.
func (s *Server) Finish(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	code, asked, err := s.Grants.Code(r.Context(), id)
	if err != nil {
		refusePage(w, err)
		return
	}
	s.back(w, asked, url.Values{"code": {code}})
}

// Refuse sends the browser back without a code: the person declined.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	asked, err := s.Grants.Refuse(r.Context(), id)
	if err != nil {
		refusePage(w, err)
		return
	}
	s.back(w, asked, url.Values{"error": {"access_denied"}})
}

// back redirects to the client, naming this server so that a client of several
// cannot take one for another (RFC 9207).
func (s *Server) back(w http.ResponseWriter, asked identity.Asking, values url.Values) {
	values.Set("iss", s.issuer())
	if asked.State != "" {
		values.Set("state", asked.State)
	}
	head := w.Header()
	head.Set("Location", asked.Redirect+"?"+values.Encode()) // an agreement's redirect_uri has no query
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// refusePage tells a person that this cannot go on, without a redirect.
func refusePage(w http.ResponseWriter, err error) {
	head := w.Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(problem.Status(fault.KindOf(err)))
	_, _ = w.Write([]byte(fault.Text(err) + "\n")) // a browser that left is nobody's error
}
