package oauth

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/dpop"
)

const (
	assertionType   = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	attestationType = "oauth-client-attestation+jwt"

	skew            = time.Minute      // of a partner's clock behind ours
	ahead           = 10 * time.Second // and before it
	assertionLife   = 4 * time.Minute  // with skew, as long as Once remembers
	attestationLife = 400 * 24 * time.Hour
	maxJWT          = 2 << 10
)

// client is who calls, authenticated.
type client struct {
	id      string
	partner partner.ID
	terms   partner.Terms
	device  bool                // an attested instance; else a server of the partner's
	key     identity.Thumbprint // of the device, as attested
}

// authenticate finds out who calls. The proof is the call's, zero when it has none:
// a device shows by it that the attested key is its own.
func (s *Server) authenticate(c *call, form map[string]string, proof dpop.Proof) (client, error) {
	id, err := clientOf(form)
	if err != nil {
		return client{}, err
	}
	number, err := strconv.ParseUint(id, 10, 32)
	by := partner.ID(number)
	if err != nil || by.String() != id || c.relay != 0 && c.relay != by {
		return client{}, ErrClient
	}
	terms, err := s.Clients.Terms(by)
	if fault.KindOf(err) == fault.Unavailable {
		return client{}, err
	}
	if err != nil {
		return client{}, ErrClient
	}
	out := client{id: id, partner: by, terms: terms}
	switch {
	case c.attestation != "" && form["client_assertion"] != "":
		return client{}, ErrTwoWays
	case c.attestation != "":
		out.device = true
		out.key, err = s.attested(c.attestation, id, terms.Keys.Clients)
		if err == nil && proof.Thumbprint != out.key {
			err = ErrClient
		}
	case form["client_assertion"] != "":
		err = s.asserted(form, id, terms.Keys.Clients)
	default:
		err = certified(c, terms.Keys.Certificate)
	}
	if err != nil {
		return client{}, err
	}
	return out, nil
}

// clientOf returns the client's id: of the parameter, or of the assertion when only
// that names it.
func clientOf(form map[string]string) (string, error) {
	if id := form["client_id"]; id != "" || form["client_assertion"] == "" {
		return id, nil
	}
	parts := strings.Split(form["client_assertion"], ".")
	var c struct {
		Subject string `json:"sub"`
	}
	if len(parts) != 3 || len(form["client_assertion"]) > maxJWT || dpop.Unmarshal(parts[1], &c) != nil {
		return "", ErrClient
	}
	return c.Subject, nil
}

// asserted verifies private_key_jwt (RFC 7523): for this server alone, once.
func (s *Server) asserted(form map[string]string, id string, keys []json.RawMessage) error {
	if form["client_assertion_type"] != assertionType {
		return ErrClient
	}
	var c struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"` // a list would name other servers
		ID       string `json:"jti"`
		Expires  int64  `json:"exp"`
		Issued   int64  `json:"iat"`
		From     int64  `json:"nbf"`
	}
	key, err := signed(form["client_assertion"], keys, &c, "", "JWT", "client-authentication+jwt")
	if err != nil {
		return err
	}
	now := s.Now()
	switch {
	case c.Issuer != id, c.Subject != id, c.Audience != s.issuer(), c.ID == "", len(c.ID) > 128,
		!within(now, c.Expires, assertionLife), early(now, c.Issued), early(now, c.From):
		return ErrClient
	}
	run, _ := s.Nonces.Fresh(s.Nonces.Give()) // an assertion has no nonce: it is of the run that is on
	if err := s.Once.Use(dpop.Proof{Thumbprint: key, ID: "assertion " + c.ID, Run: run}, now); err != nil {
		if errors.Is(err, dpop.ErrReplay) {
			return ErrClient
		}
		return err
	}
	return nil
}

// attested verifies the partner's word that a device's key belongs to its app, and
// returns the key's thumbprint. It may be shown again and again; what is fresh is
// the proof by that key.
func (s *Server) attested(text, id string, keys []json.RawMessage) (identity.Thumbprint, error) {
	var c struct {
		Issuer  string `json:"iss"`
		Subject string `json:"sub"`
		Expires int64  `json:"exp"`
		Issued  int64  `json:"iat"`
		From    int64  `json:"nbf"`
		Confirm struct {
			JWK json.RawMessage `json:"jwk"`
		} `json:"cnf"`
	}
	if _, err := signed(text, keys, &c, attestationType); err != nil {
		return identity.Thumbprint{}, err
	}
	key, err := partner.ParseKey(c.Confirm.JWK)
	now := s.Now()
	if err != nil || c.Issuer != "" && c.Issuer != id || c.Subject != id || !within(now, c.Expires, attestationLife) ||
		early(now, c.Issued) || early(now, c.From) {
		return identity.Thumbprint{}, ErrClient
	}
	return key.Thumbprint(), nil
}

// signed reads the claims of a JWT that one of the keys signed, and returns that
// key's thumbprint. The type keeps what a partner signed for one purpose from
// counting for another.
func signed(text string, keys []json.RawMessage, claims any, types ...string) ([32]byte, error) {
	parts := strings.Split(text, ".")
	if len(text) > maxJWT || len(parts) != 3 {
		return [32]byte{}, ErrClient
	}
	var head struct {
		Typ string `json:"typ"`
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil || dpop.Unmarshal(parts[0], &head) != nil || !has(types, head.Typ) {
		return [32]byte{}, ErrClient
	}
	for _, raw := range keys {
		k, err := partner.ParseKey(raw)
		if err != nil || k.Verify(parts[0]+".."+parts[2], payload) != nil {
			continue
		}
		if dpop.Unmarshal(parts[1], claims) != nil {
			return [32]byte{}, ErrClient
		}
		return k.Thumbprint(), nil
	}
	return [32]byte{}, ErrClient
}

func has(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}

// certified verifies self_signed_tls_client_auth (RFC 8705 §2.2): TLS showed that
// the caller holds the certificate, its hash says whose it is.
func certified(c *call, want string) error {
	sum := base64.RawURLEncoding.EncodeToString(c.certificate[:])
	if !c.certified || want == "" || subtle.ConstantTimeCompare([]byte(sum), []byte(want)) != 1 {
		return ErrClient
	}
	return nil
}

// within reports whether an expiry is not over, and not further away than life.
func within(now time.Time, exp int64, life time.Duration) bool {
	at := time.Unix(exp, 0)
	return exp > 0 && at.After(now.Add(-skew)) && !at.After(now.Add(life))
}

// early reports whether a moment that may be left out lies in the future.
func early(now time.Time, at int64) bool {
	return at != 0 && time.Unix(at, 0).After(now.Add(ahead))
}
