package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
)

// Errors of what partners ask about themselves.
var (
	ErrApplication  = fault.New(fault.Invalid, `an application is one JSON object {"terms": …, "signature": …} of at most 68 KiB, of type application/json`)
	ErrApplications = fault.New(fault.Busy, "too many applications come in: apply again in a minute")
	ErrStandings    = fault.New(fault.Busy, "ask for the standing at most 60 times a minute")
)

// Bounds of what partners ask about themselves.
const (
	maxApplication      = 68 << 10 // bytes: terms and a signature
	applicationsAMinute = 30       // of anybody, at one server
	standingsAMinute    = 60       // of one partner, at one server
)

// applicant is who asked for a step that a partner took itself.
const applicant = "the partner"

// Applying is the flow behind applications and standings.
type Applying interface {
	Apply(ctx context.Context, a rollout.Ask, document []byte, signature string) (partner.Agreement, error)
	Show(ctx context.Context, id partner.ID) (rollout.Shown, error)
}

// Partners answers what partners ask about themselves: an application is
// authenticated by the keys in the terms it carries, a standing by the relay's own
// credential, wherever the partner stands.
type Partners struct {
	Host   string
	Tokens func() *token.Sealer
	Nonces *dpop.Nonces
	Once   *dpop.Once
	// Bound returns nil when a partner's agreement in force binds its relay to a key.
	Bound func(id partner.ID, key [32]byte) error
	// BoundCertificate returns the partner whose agreement in force binds a certificate
	// with that SHA-256.
	BoundCertificate func(sum [32]byte) (partner.ID, error)
	Flow             Applying
	Now              func() time.Time

	mu    sync.Mutex
	taken partner.Bucket
	asked map[partner.ID]*partner.Bucket
}

// Routes adds the resources to a mux.
func (p *Partners) Routes(mux *route.Mux) {
	mux.HandleFunc("POST /partner/v1/applications", p.apply)
	mux.HandleFunc("GET /partner/v1/standing", p.standing)
}

// application is what became of one. The same application sent again is answered
// with where the partner stands then, which is how an applicant without any
// credential sees it.
type application struct {
	Partner partner.ID    `json:"partner"`
	Version int           `json:"version"`
	Offered time.Time     `json:"offered"`
	Signed  bool          `json:"countersigned"`
	Key     string        `json:"key"` // thumbprint, which the operator confirms by other means
	State   string        `json:"state"`
	Next    []partner.Due `json:"next"`
}

func (p *Partners) apply(w http.ResponseWriter, r *http.Request) {
	out, err := p.applied(r)
	if err != nil {
		problem.Write(w, err)
		return
	}
	write(w, out)
}

func (p *Partners) applied(r *http.Request) (application, error) {
	p.mu.Lock()
	ok := p.taken.Take(p.Now(), applicationsAMinute)
	p.mu.Unlock()
	if !ok {
		return application{}, ErrApplications
	}
	terms, signature, err := readApplication(r)
	if err != nil {
		return application{}, err
	}
	g, err := p.Flow.Apply(r.Context(), rollout.Ask{Who: applicant}, terms, signature)
	if err != nil {
		return application{}, err
	}
	shown, err := p.Flow.Show(r.Context(), g.Partner)
	if err != nil {
		return application{}, err
	}
	t, err := partner.ParseTerms(g.Terms)
	if err != nil {
		return application{}, err
	}
	key, err := partner.ParseKey(t.Keys.Sign)
	if err != nil {
		return application{}, err
	}
	sum := key.Thumbprint()
	out := application{
		Partner: g.Partner, Version: g.Version, Offered: g.Offered.UTC(), Key: base64.RawURLEncoding.EncodeToString(sum[:]),
		State: shown.State.String(), Next: some(shown.Due),
	}
	if g.Version <= len(shown.Agreements) {
		out.Signed = !shown.Agreements[g.Version-1].Countersignature.At.IsZero()
	}
	return out, nil
}

// some writes no list as an empty one.
func some(due []partner.Due) []partner.Due { return append([]partner.Due{}, due...) }

// readApplication takes terms and signature. What the terms say, and that nothing is
// said twice in them, is for the flow to see.
func readApplication(r *http.Request) (terms []byte, signature string, err error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, "", ErrApplication
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxApplication+1))
	var b struct {
		Terms     json.RawMessage `json:"terms"`
		Signature string          `json:"signature"`
	}
	if err != nil || len(raw) > maxApplication || json.Unmarshal(raw, &b) != nil || len(b.Terms) == 0 || b.Signature == "" {
		return nil, "", ErrApplication
	}
	return b.Terms, b.Signature, nil
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(plainJSON(v)) // whoever hung up asks again
}

// standing is what a partner is told of itself: counts, never people.
type standing struct {
	Partner   partner.ID    `json:"partner"`
	Name      string        `json:"name"`
	State     string        `json:"state"`
	Stage     int           `json:"stage"`
	Linked    int           `json:"linked"` // people
	Most      int           `json:"most"`   // people that the stage allows
	Terms     int           `json:"terms"`  // version in force
	Until     *time.Time    `json:"until,omitempty"`
	Waiting   []int         `json:"waiting"` // versions that the platform has not signed
	Suspended *suspension   `json:"suspended,omitempty"`
	Report    *report       `json:"report,omitempty"`
	Next      []partner.Due `json:"next"`
}

type suspension struct {
	Since  time.Time `json:"since"`
	By     string    `json:"by"` // an office or role
	Reason string    `json:"reason"`
}

type report struct {
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
	Digest string    `json:"digest"` // SHA-256, hexadecimal, as the report's file says it
	Counts bool      `json:"counts"` // lets the partner go on now
}

func (p *Partners) standing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("DPoP-Nonce", p.Nonces.Give())
	id, err := p.admit(r)
	if err == nil {
		err = p.spend(id)
	}
	if err != nil {
		problem.Write(w, err)
		return
	}
	shown, err := p.Flow.Show(r.Context(), id)
	if err != nil {
		problem.Write(w, err)
		return
	}
	write(w, standingOf(shown))
}

func standingOf(s rollout.Shown) standing {
	out := standing{
		Partner: s.ID, Name: s.Name, State: s.State.String(), Stage: s.Stage, Linked: s.Linked, Most: s.Most, Terms: s.Terms,
		Waiting: []int{}, Next: some(s.Due),
	}
	if !s.Until.IsZero() {
		at := s.Until.UTC()
		out.Until = &at
	}
	for _, g := range s.Agreements {
		if g.Countersignature.At.IsZero() {
			out.Waiting = append(out.Waiting, g.Version)
		}
	}
	if step := s.Suspension(); step.Number != 0 {
		out.Suspended = &suspension{step.At.UTC(), step.Who, step.Reason}
	}
	if s.Report != (partner.Report{}) {
		out.Report = &report{s.Report.At.UTC(), s.Report.At.Add(partner.ReportLife).UTC(), hex.EncodeToString(s.Report.Digest[:]), s.Counts}
	}
	return out
}

// spend takes one from what a partner may ask about itself.
func (p *Partners) spend(id partner.ID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[partner.ID]*partner.Bucket{}
	}
	b := p.asked[id]
	if b == nil {
		b = &partner.Bucket{}
		p.asked[id] = b
	}
	if !b.Take(p.Now(), standingsAMinute) {
		return ErrStandings
	}
	return nil
}

// admit verifies the relay's own credential, as POST /ohttp takes it, but that a
// partner is told wherever it stands: one that is suspended above all.
func (p *Partners) admit(r *http.Request) (partner.ID, error) {
	now, auth := p.Now(), r.Header.Get("Authorization")
	if auth == "" {
		return p.certified(r, now)
	}
	sealed, ok := strings.CutPrefix(auth, "DPoP ")
	if !ok {
		return 0, token.ErrToken
	}
	claims, err := p.Tokens().Open(sealed, token.ScopeRelay, now)
	if err != nil {
		return 0, err
	}
	if err := p.Bound(claims.Partner, claims.Key); err != nil {
		return 0, err
	}
	proof, err := dpop.Verify(r.Header.Get("DPoP"), dpop.Want{
		Method: r.Method, URL: "https://" + p.Host + r.URL.Path, Token: sealed, Fresh: p.Nonces.Fresh,
	})
	if err != nil {
		return 0, err
	}
	if proof.Thumbprint != claims.Key {
		return 0, dpop.ErrBound
	}
	return claims.Partner, p.Once.Use(proof, now)
}

func (p *Partners) certified(r *http.Request, now time.Time) (partner.ID, error) {
	sum, err := token.Certificate(r, now)
	if err != nil {
		return 0, err
	}
	return p.BoundCertificate(sum)
}
