// Package page is the platform's own pages on which people link their devices and
// see to their number: plain HTML without scripts, in Indonesian and English.
//
// A page never tells whether a NIK or a number is registered: for nobody it has the
// same status, headers and length, and leaves at the same beat. Nothing personal
// stands in a URL; what a browser holds is one cookie that names an attempt and
// proves that it is the one which began it. Steps and limits are the flow's.
package page

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

// Errors of the pages themselves.
var (
	ErrForm = fault.New(fault.Denied, "this form is not from the page you have open: go back and begin again")
	ErrBody = fault.New(fault.Invalid, "the form is malformed")
	ErrPage = fault.New(fault.NotFound, "no such page")
	ErrPick = fault.New(fault.Invalid, "choose who is to be linked")
	ErrSame = fault.New(fault.Invalid, "the two numbers differ: type the new number twice")
)

// Linking is the flow of an attempt.
type Linking interface {
	Seize(ctx context.Context, id identity.AuthorizationID, b consent.Browser) error
	Load(ctx context.Context, id identity.AuthorizationID, b consent.Browser) (consent.Attempt, error)
	Begin(ctx context.Context, a consent.Attempt, nik identity.NIK, from, lang string) error
	Prove(ctx context.Context, a consent.Attempt, code identity.OneTime) error
	Choices(ctx context.Context, a consent.Attempt) ([]consent.Choice, error)
	Choose(ctx context.Context, a consent.Attempt, pick string) error
	Consent(ctx context.Context, a consent.Attempt) error
}

// Own is the flow by which people see to their number.
type Own interface {
	Start(ctx context.Context, b consent.Browser, from string) (identity.AuthorizationID, error)
	Numbers(ctx context.Context, a consent.Attempt) (consent.Numbers, error)
	AskNumber(ctx context.Context, a consent.Attempt, phone identity.Phone, from, lang string) error
	CancelNumber(ctx context.Context, a consent.Attempt) error
}

// Records gives people their own records.
type Records interface {
	// Take writes the records of whoever proved who they are, sealed to an age recipient;
	// begin is called before the first byte.
	Take(ctx context.Context, a consent.Attempt, recipient string, begin func() io.Writer) error
}

// Outcome is the authorization server to which an attempt goes back.
type Outcome interface {
	// Finish sends the browser back with a code, after consent.
	Finish(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID)
	// Refuse sends it back without one.
	Refuse(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID)
}

// Pages serves /link/….
type Pages struct {
	Linking Linking
	Own     Own
	Records Records // nil: none are given
	Outcome Outcome
	// Terms returns one version of a partner's agreement.
	Terms  func(ctx context.Context, id partner.ID, version int) (partner.Terms, error)
	Secure bool          // browsers come over TLS
	Proxy  bool          // a proxy on this host says where from, in X-Forwarded-For
	Pace   time.Duration // answers to a NIK or a code leave at multiples of it
	pages  *template.Template
}

// New returns p, ready to serve.
func New(p Pages) (*Pages, error) {
	var err error
	p.pages, err = template.ParseFS(files, "page.html")
	return &p, err
}

// The cookie's name; over TLS its prefix binds it to this host and to TLS.
const (
	cookieName   = "amanah-link"
	securePrefix = "__Host-"
)

// ticket is what the cookie holds.
type ticket struct {
	id     identity.AuthorizationID
	secret [32]byte
}

func (t ticket) browser() consent.Browser {
	return sha256.Sum256(append([]byte("amanah browser v1\x00"), t.secret[:]...))
}

// form is the token that every form of this browser's attempt carries.
func (t ticket) form() string {
	h := hmac.New(sha256.New, t.secret[:])
	h.Write([]byte("amanah form v1\x00"))
	h.Write(t.id[:])
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (p *Pages) cookie() string {
	if p.Secure {
		return securePrefix + cookieName
	}
	return cookieName
}

func (p *Pages) ticket(r *http.Request) (ticket, bool) {
	var t ticket
	c, err := r.Cookie(p.cookie())
	if err != nil {
		return t, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(raw) != len(t.id)+len(t.secret) {
		return t, false
	}
	copy(t.secret[:], raw[copy(t.id[:], raw):])
	return t, true
}

func (p *Pages) give(w http.ResponseWriter, t ticket) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookie(), Value: base64.RawURLEncoding.EncodeToString(append(t.id[:], t.secret[:]...)), Path: "/",
		Secure: p.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Start takes over a browser that came with a good request of a client. The browser
// that comes first has the attempt.
func (p *Pages) Start(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	t, known := p.ticket(r)
	if !known || t.id != id {
		t = ticket{id: id}
		rand.Read(t.secret[:])
	}
	v := p.visit(w, r)
	if err := p.Linking.Seize(r.Context(), id, t.browser()); err != nil {
		v.fail(err)
		return
	}
	p.give(w, t)
	v.to("who")
}

// Get shows a page.
func (p *Pages) Get(w http.ResponseWriter, r *http.Request) {
	v := p.visit(w, r)
	name := r.PathValue("page")
	if name == "style.css" {
		v.style()
		return
	}
	if name == "phone" {
		v.phone(nil)
		return
	}
	if err := v.enter(); err != nil {
		v.fail(err)
		return
	}
	v.show(name, nil)
}

// Post takes a form.
func (p *Pages) Post(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	v := p.visit(w, r)
	if err := v.read(); err != nil {
		v.fail(err)
		return
	}
	name := r.PathValue("page")
	if name == "phone" && r.PostForm.Get("do") == "begin" {
		v.begin()
		return
	}
	err := v.enter()
	if err == nil && subtle.ConstantTimeCompare([]byte(r.PostForm.Get("form")), []byte(v.ticket.form())) != 1 {
		err = ErrForm
	}
	if err != nil {
		v.fail(err)
		return
	}
	switch name {
	case "who", "code":
		next, err := v.typed(name)
		p.wait(r.Context(), began)
		v.on(name, next, err)
	case "person":
		v.on(name, "consent", v.choose())
	case "consent":
		v.consent()
	case "refuse":
		if v.attempt.Partner == 0 {
			v.fail(ErrPage)
			return
		}
		p.Outcome.Refuse(w, r, v.ticket.id)
	case "phone":
		if r.PostForm.Get("do") == "records" {
			v.records()
			return
		}
		err := v.number(began)
		v.on(name, "phone", err)
	default:
		v.fail(ErrPage)
	}
}

// wait lets an answer leave at a multiple of the pace since its request came.
func (p *Pages) wait(ctx context.Context, began time.Time) {
	if p.Pace <= 0 {
		return
	}
	rest := p.Pace - time.Since(began)%p.Pace
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// network is where a browser comes from, as far as limits go: many phones share one
// address, and one host has many.
func (p *Pages) network(r *http.Request) string {
	text := r.RemoteAddr
	if at, err := netip.ParseAddrPort(text); err == nil {
		text = at.Addr().String()
	}
	if p.Proxy {
		all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		text = strings.TrimSpace(all[len(all)-1]) // what the proxy itself saw
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return "unknown"
	}
	bits := 24
	if addr = addr.Unmap(); addr.Is6() {
		bits = 48
	}
	prefix, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
