package page

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

// visit is one request of a browser.
type visit struct {
	p       *Pages
	w       http.ResponseWriter
	r       *http.Request
	lang    string
	ticket  ticket
	attempt consent.Attempt
}

func (p *Pages) visit(w http.ResponseWriter, r *http.Request) *visit {
	return &visit{p: p, w: w, r: r, lang: language(r)}
}

// enter finds the browser's attempt.
func (v *visit) enter() error {
	t, ok := v.p.ticket(v.r)
	if !ok {
		return identity.ErrNoAuthorization
	}
	a, err := v.p.Linking.Load(v.r.Context(), t.id, t.browser())
	v.ticket, v.attempt = t, a
	return err
}

const maxForm = 4 << 10

// read parses a form that a page of ours sent: SameSite keeps the cookie from other
// sites' forms, the token from whoever has no page of ours, and browsers that say
// where a request comes from are believed.
func (v *visit) read() error {
	switch v.r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin":
	default:
		return ErrForm
	}
	if !strings.HasPrefix(v.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return ErrBody
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return ErrBody
	}
	return nil
}

// typed takes a NIK or a code.
func (v *visit) typed(name string) (next string, err error) {
	text := strings.NewReplacer(" ", "", "-", "").Replace(v.r.PostForm.Get(name))
	if name == "who" {
		text = strings.NewReplacer(" ", "", "-", "").Replace(v.r.PostForm.Get("nik"))
		nik, err := identity.ParseNIK(text)
		if err != nil {
			return "", err
		}
		return "code", v.p.Linking.Begin(v.r.Context(), v.attempt, nik, v.p.network(v.r), v.lang)
	}
	code, err := identity.ParseOneTime(text)
	if err != nil {
		return "", err
	}
	next = "person"
	if v.attempt.Partner == 0 {
		next = "phone"
	}
	return next, v.p.Linking.Prove(v.r.Context(), v.attempt, code)
}

func (v *visit) choose() error {
	name := v.r.PostForm.Get("pick")
	if name == "" {
		return ErrPick
	}
	return v.p.Linking.Choose(v.r.Context(), v.attempt, name)
}

// consent finishes an attempt; one that was consented to is finished again, for
// whoever's first answer was lost.
func (v *visit) consent() {
	if v.attempt.Partner == 0 {
		v.fail(ErrPage)
		return
	}
	if v.attempt.Asking.Page.Step() != identity.StepDone {
		if err := v.p.Linking.Consent(v.r.Context(), v.attempt); err != nil {
			v.on("consent", "", err)
			return
		}
	}
	v.p.Outcome.Finish(v.w, v.r, v.ticket.id)
}

// begin makes an attempt of the person's own, without a partner.
func (v *visit) begin() {
	t := ticket{}
	rand.Read(t.secret[:])
	id, err := v.p.Own.Start(v.r.Context(), t.browser(), v.p.network(v.r))
	if err != nil {
		v.fail(err)
		return
	}
	t.id = id
	v.p.give(v.w, t)
	v.to("who")
}

// number takes what a person wishes for their number. Asking leaves at the beat: it
// must not tell whose a number is.
func (v *visit) number(began time.Time) error {
	if v.attempt.Partner != 0 {
		return ErrPage
	}
	ctx, form := v.r.Context(), v.r.PostForm
	if form.Get("do") == "cancel" {
		return v.p.Own.CancelNumber(ctx, v.attempt)
	}
	phone, err := identity.ParsePhone(form.Get("phone"))
	if err != nil {
		return err
	}
	again, err := identity.ParsePhone(form.Get("again"))
	if err != nil || again != phone {
		return ErrSame
	}
	err = v.p.Own.AskNumber(ctx, v.attempt, phone, v.p.network(v.r), v.lang)
	v.p.wait(ctx, began)
	return err
}

// on goes to the next page, or shows this one again with what was wrong. A step that
// is past, as after a second click, leads to where the attempt stands.
func (v *visit) on(name, next string, err error) {
	if err == nil {
		v.to(next)
		return
	}
	if stands := v.stands(); errors.Is(err, identity.ErrStep) && stands != name && stands != "" {
		v.to(stands)
		return
	}
	v.show(name, err)
}

// stands is the page of the attempt's step as it is now.
func (v *visit) stands() string {
	a, err := v.p.Linking.Load(v.r.Context(), v.ticket.id, v.ticket.browser())
	if err != nil {
		return ""
	}
	return stepPage(a)
}

func stepPage(a consent.Attempt) string {
	step := a.Asking.Page.Step()
	if a.Partner == 0 && step > identity.StepCode {
		return "phone"
	}
	switch step {
	case identity.StepWho:
		return "who"
	case identity.StepCode:
		return "code"
	case identity.StepPerson:
		return "person"
	}
	return "consent"
}

// to sends the browser to a page.
func (v *visit) to(page string) {
	v.headers()
	v.w.Header().Set("Location", "/link/"+page+"?lang="+v.lang)
	v.w.WriteHeader(http.StatusSeeOther)
}

// headers keep the page from caches, frames, scripts and referrers. Forms may lead
// to the client's address as well, because browsers hold form-action against the
// redirects that follow a form.
func (v *visit) headers() {
	h := v.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'"+v.back()+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if v.p.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// back is the client's address as a source of the policy.
func (v *visit) back() string {
	u, err := url.Parse(v.attempt.Asking.Redirect)
	if err != nil || u.Scheme == "" {
		return ""
	}
	if u.Host == "" {
		return " " + u.Scheme + ":"
	}
	return " " + u.Scheme + "://" + u.Host
}
