package page

import (
	"bytes"
	"embed"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/web/problem"
)

//go:embed page.html style.css
var files embed.FS

// view is what a page is made of.
type view struct {
	Lang     string
	Name     string // of the page; its form goes to the same one
	Partner  string // as people know it; empty when none is linked
	Form     string // token of this browser's attempt
	Error    string
	Field    string // where the error is; empty for the page as a whole
	Choices  []consent.Choice
	Chosen   consent.Choice
	Terms    []block
	Version  int
	Numbers  consent.Numbers
	Proved   bool // the person proved who they are
	Decision bool // the link is for decisions of a server
	Records  bool // the person may take their records along
}

// T returns a phrase in the page's language.
func (v view) T(key string) string {
	for _, p := range phrases() {
		if p.key == key {
			if v.Lang == "en" {
				return strings.ReplaceAll(p.en, "{partner}", v.Partner)
			}
			return strings.ReplaceAll(p.id, "{partner}", v.Partner)
		}
	}
	return key
}

// Title names the page, and that something is wrong with it first.
func (v view) Title() string {
	title := v.T(v.Name + ".title")
	if v.Error != "" {
		title = v.T("error.prefix") + ": " + title
	}
	return title
}

// Other is the language that the page is not in.
func (v view) Other() string {
	if v.Lang == "en" {
		return "id"
	}
	return "en"
}

// Day writes a day as people write it.
func (v view) Day(at time.Time) string { return at.In(day.Zone()).Format("02-01-2006") }

// Moment writes a moment as people write it.
func (v view) Moment(at time.Time) string {
	return at.In(day.Zone()).Format("02-01-2006 15:04") + " WIB"
}

// block is a paragraph of an agreement, or a list under its head.
type block struct {
	Text  string
	Items []string
}

// blocks reads the text of terms as Terms.Text writes it.
func blocks(text string) []block {
	var out []block
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		item, listed := strings.CutPrefix(line, "- ")
		switch {
		case line == "":
		case listed && len(out) > 0:
			out[len(out)-1].Items = append(out[len(out)-1].Items, item)
		default:
			out = append(out, block{Text: line})
		}
	}
	return out
}

// show writes a page of the attempt, with what was wrong with its form. A page ahead
// of the attempt's step, or behind it, leads to where it stands.
func (v *visit) show(name string, wrong error) {
	stands := stepPage(v.attempt)
	behind := name == "who" || name == "person" && stands == "consent"
	if name != stands && !behind {
		if wrong == nil {
			v.to(stands)
			return
		}
		name = stands
	}
	out := view{Lang: v.lang, Name: name, Partner: v.attempt.Name, Form: v.ticket.form()}
	if err := v.fill(&out); err != nil {
		if wrong == nil {
			wrong = err
		}
		v.fail(wrong)
		return
	}
	v.write(out, wrong)
}

// fill gathers what a page shows.
func (v *visit) fill(out *view) (err error) {
	ctx := v.r.Context()
	switch out.Name {
	case "person", "consent":
		if out.Choices, err = v.p.Linking.Choices(ctx, v.attempt); err != nil {
			return err
		}
		for _, c := range out.Choices {
			if c.Taken {
				out.Chosen = c
			}
		}
		if out.Name == "person" {
			return nil
		}
		asking := v.attempt.Asking
		if out.Chosen.Pick == "" {
			return identity.ErrChoice
		}
		terms, err := v.p.Terms(ctx, v.attempt.Partner, asking.Agreement)
		if err != nil {
			return err
		}
		text, err := terms.Text(v.lang)
		out.Terms, out.Version = blocks(text), terms.Version
		return err
	case "phone":
		out.Proved, out.Records = true, v.p.Records != nil
		out.Numbers, err = v.p.Own.Numbers(ctx, v.attempt)
	}
	return err
}

// phone shows a person's own numbers to who proved who they are, and how to begin to
// everybody else.
func (v *visit) phone(wrong error) {
	if err := v.enter(); err == nil && v.attempt.Partner == 0 {
		v.show("phone", wrong)
		return
	}
	v.attempt = consent.Attempt{}
	v.write(view{Lang: v.lang, Name: "phone"}, wrong)
}

// fail shows an error without a form.
func (v *visit) fail(err error) {
	v.write(view{Lang: v.lang, Name: "error", Partner: v.attempt.Name}, err)
}

func (v *visit) write(out view, wrong error) {
	status := http.StatusOK
	if wrong != nil {
		out.Error, out.Field = say(v.lang, wrong)
		status = problem.Status(fault.KindOf(wrong))
	}
	var b bytes.Buffer
	if err := v.p.pages.ExecuteTemplate(&b, "page", out); err != nil {
		problem.Write(v.w, errors.New("a page cannot be written"))
		return
	}
	v.headers()
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", out.Lang)
	v.w.Header().Add("Vary", "Accept-Language")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // a browser that left is nobody's error
}

func (v *visit) style() {
	raw, err := files.ReadFile("style.css")
	if err != nil {
		v.fail(ErrPage)
		return
	}
	v.headers()
	v.w.Header().Set("Content-Type", "text/css; charset=utf-8")
	v.w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = v.w.Write(raw) // as above
}
