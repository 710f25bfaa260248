// Package console is the staff's own pages: finishing an enrolment, signing in,
// approving what takes a second person, ending one's sign-in. Plain HTML in Indonesian
// and English with one script of ours, without which a browser can use no passkey.
//
// The script keeps a key that it cannot read and signs every request with it; there is
// no cookie, so no other site's page can ask in somebody's name. Nothing personal stands
// in a URL. Steps and limits are the flow's.
package console

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/erasure"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/signed"
)

// Errors of the console itself.
var (
	ErrBody = fault.New(fault.Invalid, "the request is not the JSON that this takes")
	ErrPage = fault.New(fault.NotFound, "no such page")
)

// Flow is what staff do (package signin).
type Flow interface {
	Begin(ctx context.Context, code staff.Code) (staff.Invitation, error)
	Register(ctx context.Context, code staff.Code, attestation, clientData []byte) (string, error)
	SignIn(ctx context.Context, a signin.Attempt) (signin.Token, staff.Member, error)
	SignOut(ctx context.Context, one staff.Session) error
}

// Office is what officers do.
type Office interface {
	Members(ctx context.Context) ([]staff.Member, error)
	Invite(ctx context.Context, a staff.Actor, by staff.ActorID) (staff.Code, error)
	Confirm(ctx context.Context, officer staff.Session, id staff.ActorID, fingerprint string, by keeper.Ask) (signin.State, error)
	Dismiss(ctx context.Context, officer staff.Session, id staff.ActorID, by keeper.Ask) (signin.State, error)
}

// Seconds is what takes a second person.
type Seconds interface {
	Ask(ctx context.Context, m staff.Member, kind staff.Ask, purpose string) (staff.Request, error)
	Pending(ctx context.Context, m staff.Member) ([]signin.Pending, error)
	Approve(ctx context.Context, m staff.Member, a staff.Approval) (signin.Pending, error)
	Widen(ctx context.Context, second staff.Member, id staff.ActorID, by keeper.Ask) error
	Elevated(ctx context.Context, id staff.ActorID) error
}

// Erasures are asked for by officers.
type Erasures interface {
	Ask(ctx context.Context, m staff.Member, purpose string, whom erasure.Whom, reason string) (staff.Request, error)
}

// Console serves /console/….
type Console struct {
	Flow     Flow
	Office   Office
	Seconds  Seconds
	Erasures Erasures
	Partners Partners
	Report   func(raw []byte) (partner.Report, error) // reads a certification's report
	Desk     *signed.Desk
	Site     staff.Site
	Secure   bool // browsers come over TLS
	pages    *template.Template
}

//go:embed page.html style.css console.js
var files embed.FS

// New returns c, ready to serve.
func New(c Console) (*Console, error) {
	var err error
	c.pages, err = template.ParseFS(files, "page.html")
	return &c, err
}

// Routes adds the console's resources to a mux.
func (c *Console) Routes(mux *route.Mux) {
	mux.HandleFunc("GET /console/{page}", c.page)
	mux.HandleFunc("GET /console/v1/clock", c.open(c.clock))
	mux.HandleFunc("POST /console/v1/enrolments/begin", c.open(c.begin))
	mux.HandleFunc("POST /console/v1/enrolments", c.open(c.register))
	mux.HandleFunc("POST /console/v1/sessions", c.open(c.signIn))
	mux.HandleFunc("DELETE /console/v1/sessions", c.signed(c.signOut))
	mux.HandleFunc("GET /console/v1/desk", c.signed(c.desk))
	mux.HandleFunc("POST /console/v1/requests", c.signed(c.ask))
	mux.HandleFunc("POST /console/v1/requests/{request}/approval", c.signed(c.approve))
	mux.HandleFunc("POST /console/v1/erasures", c.signed(c.erase))
	mux.HandleFunc("GET /console/v1/partners", c.signed(c.partners))
	mux.HandleFunc("GET /console/v1/partners/{partner}", c.signed(c.partner))
	mux.HandleFunc("POST /console/v1/partners/{partner}/{step}", c.signed(c.step))
	mux.HandleFunc("POST /console/v1/invitations", c.signed(c.invite))
	mux.HandleFunc("POST /console/v1/actors/{actor}/approval", c.signed(c.widen))
	mux.HandleFunc("POST /console/v1/actors/{actor}/{digest}", c.signed(c.actor))
}

// open answers what needs no sign-in.
func (c *Console) open(h func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h(r)
		c.answer(w, r, v, err)
	}
}

type handler func(r *http.Request, who signed.Caller) (any, error)

// signed answers whoever is signed in.
func (c *Console) signed(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := c.Desk.Admit(r)
		var v any
		if err == nil {
			v, err = h(r, who)
		}
		c.answer(w, r, v, err)
	}
}

func (c *Console) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	c.headers(w)
	w.Header().Set("DPoP-Nonce", c.Desk.Nonces.Give())
	if err != nil {
		problem.Write(w, say(language(r), err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever hung up asks again
}

// headers keep everything of the console from caches, frames, foreign scripts and
// referrers. Scripts make no HTML out of text: trusted types are required and none is
// ever made.
func (c *Console) headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("Permissions-Policy", "publickey-credentials-create=(self), publickey-credentials-get=(self)")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if c.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// view is what a page is made of.
type view struct {
	Lang, Name string
	Host       string // as it stands in proofs
	Site       string // the relying party
	Texts      map[string]string
}

// T returns a phrase in the page's language.
func (v view) T(key string) string { return phrase(v.Lang, key) }

// Other is the language that the page is not in.
func (v view) Other() string {
	if v.Lang == "en" {
		return "id"
	}
	return "en"
}

func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	c.headers(w)
	name := r.PathValue("page")
	switch name {
	case "style.css":
		c.file(w, name, "text/css; charset=utf-8")
	case "console.js":
		c.file(w, name, "text/javascript; charset=utf-8")
	case "enrol", "sign-in", "desk", "records":
		out := view{Lang: language(r), Name: name, Host: "https://" + c.Desk.Host, Site: c.Site.ID, Texts: scriptTexts(language(r))}
		var b bytes.Buffer
		if err := c.pages.ExecuteTemplate(&b, "page", out); err != nil {
			problem.Write(w, errors.New("a page cannot be written"))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Language", out.Lang)
		w.Header().Add("Vary", "Accept-Language")
		_, _ = w.Write(b.Bytes()) // a browser that left is nobody's error
	default:
		problem.Write(w, ErrPage)
	}
}

func (c *Console) file(w http.ResponseWriter, name, media string) {
	raw, err := files.ReadFile(name)
	if err != nil {
		problem.Write(w, ErrPage)
		return
	}
	w.Header().Set("Content-Type", media)
	_, _ = w.Write(raw) // as above
}

const maxBody = 32 << 10

// read takes a request's JSON, with no member that the answer has not.
func read(r *http.Request, v any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return ErrBody
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(raw) > maxBody {
		return ErrBody
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(v) != nil || d.More() {
		return ErrBody
	}
	return nil
}

// binary is bytes as base64url in JSON.
type binary []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *binary) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.Strict().DecodeString(string(text))
	return err
}

// MarshalText implements encoding.TextMarshaler.
func (b binary) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString(b)), nil
}

// assertion is a passkey's signature as a browser brings it.
type assertion struct {
	AuthData   binary `json:"auth_data"`
	ClientData binary `json:"client_data"`
	Signature  binary `json:"signature"`
}

func (a assertion) staff() staff.Assertion {
	return staff.Assertion{AuthData: a.AuthData, ClientData: a.ClientData, Signature: a.Signature}
}

// clock tells a browser the platform's time, and by its header a nonce.
func (c *Console) clock(*http.Request) (any, error) {
	return struct {
		Now int64 `json:"now"`
	}{c.Desk.Now().Unix()}, nil
}

// moment writes a time for the script; 0 is none.
func moment(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
