package oauth

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/token"
)

// maxBody bounds a request's body; one that comes through a relay is smaller.
const maxBody = 8 << 10

// call is one request to an endpoint, by whichever way it came.
type call struct {
	path        string
	relay       partner.ID // whose relay brought it; zero when none did
	media       string
	body        []byte
	proof       string              // DPoP
	attestation string              // OAuth-Client-Attestation
	certificate identity.Thumbprint // SHA-256 of the connection's, if certified
	certified   bool
}

// holder is what a call's tokens are bound to: the key of its proof, or the
// certificate of its connection.
type holder struct {
	key       identity.Thumbprint
	proof     dpop.Proof // zero with a certificate
	certified bool
}

// answer is what a call is told.
type answer struct {
	status int
	body   []byte
	nonce  string
}

// direct answers a call that no relay brought.
func (s *Server) direct(w http.ResponseWriter, r *http.Request) {
	s.write(w, s.answerDirect(r))
}

func (s *Server) write(w http.ResponseWriter, out answer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("DPoP-Nonce", out.nonce)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // a caller who hung up is nobody's error
}

func (s *Server) answerDirect(r *http.Request) answer {
	if r.URL.RawQuery != "" { // what a log would keep
		return s.refuse(ErrQuery)
	}
	c, err := direct(r, s.Now())
	if err != nil {
		return s.refuse(err)
	}
	return s.serve(r.Context(), c)
}

// direct reads a call that no relay brought.
func direct(r *http.Request, now time.Time) (*call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, ErrForm
	}
	c := &call{
		path: r.URL.Path, media: r.Header.Get("Content-Type"), body: body,
		proof: one(r.Header.Values("DPoP")), attestation: one(r.Header.Values("OAuth-Client-Attestation")),
	}
	if sum, err := token.Certificate(r, now); err == nil {
		c.certificate, c.certified = sum, true
	}
	return c, nil
}

// one returns a header that is there once. One that is there twice is no proof and
// no attestation, whichever of the two would hold.
func one(values []string) string { return strings.Join(values, ", ") }

// Linking implements api.OAuth: it answers a call that came encapsulated.
func (s *Server) Linking(ctx context.Context, r *api.Request) api.Response {
	var out answer
	switch {
	case strings.Contains(r.Path, "?"):
		out = s.refuse(ErrQuery)
	case r.Method != http.MethodPost:
		out = s.refuse(api.ErrRoute)
	default:
		out = s.serve(ctx, &call{
			path: r.Path, relay: r.Partner, media: r.Media, body: r.Body, proof: r.Proof, attestation: r.Attestation,
		})
	}
	return api.Response{Status: out.status, Type: "application/json", Nonce: out.nonce, Body: out.body}
}

// serve answers one call.
func (s *Server) serve(ctx context.Context, c *call) answer {
	form, err := c.form()
	if err != nil {
		return s.refuse(err)
	}
	var status int
	var out any
	switch c.path {
	case pushPath:
		status = http.StatusCreated
		out, err = s.push(ctx, c, form)
	case tokenPath:
		status = http.StatusOK
		if form["grant_type"] == "client_credentials" {
			out, err = s.systemGrant(ctx, c, form)
		} else {
			out, err = s.token(ctx, c, form)
		}
	case revokePath:
		status = http.StatusOK
		out, err = struct{}{}, s.revoke(ctx, c, form)
	default:
		err = api.ErrRoute
	}
	if err != nil {
		return s.refuse(err)
	}
	raw, err := json.Marshal(out)
	if err != nil { // strings and numbers always encode
		panic(err)
	}
	return answer{status, raw, s.Nonces.Give()}
}

// form reads the parameters. One that is given twice has two readings, and one
// without a value is as if it were not there (RFC 6749 §3.1).
func (c *call) form() (map[string]string, error) {
	media, _, err := mime.ParseMediaType(c.media)
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, ErrForm
	}
	return single(string(c.body))
}

func single(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, ErrForm
	}
	out := make(map[string]string, len(values))
	for name, all := range values {
		if len(all) > 1 {
			return nil, ErrTwice
		}
		if all[0] != "" {
			out[name] = all[0]
		}
	}
	return out, nil
}

// holder says what a call proves to hold. A server that sends no proof binds its
// tokens to its certificate (RFC 8705 §3); whoever is attested needs a proof.
func (s *Server) holder(c *call) (holder, error) {
	if c.certified && c.proof == "" && c.attestation == "" {
		return holder{key: c.certificate, certified: true}, nil
	}
	proof, err := s.proof(c)
	return holder{key: proof.Thumbprint, proof: proof}, err
}

// proof verifies the call's DPoP proof; that it is used once is for Once to say.
func (s *Server) proof(c *call) (dpop.Proof, error) {
	return dpop.Verify(c.proof, dpop.Want{Method: http.MethodPost, URL: s.issuer() + c.path, Fresh: s.Nonces.Fresh})
}
