package app

import (
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/oauth"
	"github.com/amanah-project/amanah/internal/web/token"
)

// consenting are pages on which everybody consents at once to their own link.
type consenting struct {
	r   *rig
	to  *oauth.Server
	who identity.PersonID
}

// Start implements oauth.Pages.
func (c consenting) Start(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	tokens := c.r.server.ring.tokens()
	err := c.r.server.db.Update(r.Context(), func(s store.Stores) error {
		a, err := s.Authorizations.Get(id)
		if err != nil {
			return err
		}
		asked, err := tokens.OpenAsking(id, a.Sealed)
		if err != nil {
			return err
		}
		asked.Page = identity.PageState{Asked: c.who, Proved: true, Person: c.who}
		a.Version++
		if a.Sealed, err = tokens.SealAsking(id, asked, a.Expires.Add(-identity.PageLife)); err != nil {
			return err
		}
		return s.Authorizations.Put(a)
	})
	if err != nil {
		c.r.t.Error(err)
	}
	c.to.Finish(w, r, id)
}

// consent puts pages before the rig's authorization server on which its person
// consents.
func (r *rig) consent() {
	r.t.Helper()
	own, err := r.server.ring.tokens().Open(r.token, token.ScopeColour, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	r.server.pages = func(o *oauth.Server) oauth.Pages { return consenting{r, o, own.Person} }
}
