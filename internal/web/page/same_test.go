package page_test

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/consenttest"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/web/page"
)

// crowd adds who has no number of their own: two who share one, and one without.
func (s *site) crowd() map[string]identity.NIK {
	s.Helper()
	shared, sharing, none := consenttest.NIK(4, grown), consenttest.NIK(5, grown), consenttest.NIK(6, grown)
	s.Register(consenttest.Person(s.T, shared, "Agus", grown, consenttest.Phone(4)),
		consenttest.Person(s.T, sharing, "Dewi", grown, consenttest.Phone(4)), consenttest.Person(s.T, none, "Rina", grown, identity.Phone{}))
	return map[string]identity.NIK{"nobody": nobody, "a number of two": shared, "no number": none}
}

// seen is an answer as its receiver sees it, but for the token of the form.
func seen(res *http.Response, html string) string {
	var head []string
	for name, values := range res.Header {
		for _, v := range values {
			if name == "Set-Cookie" {
				v = fmt.Sprint(len(v), " bytes")
			}
			head = append(head, name+": "+v)
		}
	}
	sort.Strings(head)
	return fmt.Sprintf("%d, %d bytes\n%s\n\n%s", res.StatusCode, len(html), strings.Join(head, "\n"), formToken.ReplaceAllString(html, ""))
}

// patience is how long the courier is waited for: what it does after that is counted
// as not done.
const patience = 2 * time.Second

// whole is all that somebody sees who types a NIK and guesses codes, on a day of its
// own, and all that was asked of the stores and the keeper meanwhile.
func (s *site) whole(nik identity.NIK) ([]string, map[string]int) {
	s.Helper()
	s.Forward(24 * time.Hour)
	id := s.Push()
	b := s.fixed(id)
	s.Counts.Take()
	var all []string
	add := func(res *http.Response, html string) { all = append(all, seen(res, html)) }
	add(b.post("/link/who", "/link/who", "nik", nik.Reveal()))
	s.Asked(1, patience)
	add(b.get("/link/code"))
	guess := 0
	try := func() {
		code := fmt.Sprintf("%06d", guess)
		if c, err := identity.ParseOneTime(code); err == nil && c.Hash(s.Flow.Key, id) == s.Page(id).Factor {
			code = fmt.Sprintf("%06d", guess+500_000)
		}
		guess++
		add(b.post("/link/code", "/link/code", "code", code))
	}
	for range identity.TriesPerAttempt + 1 {
		try()
	}
	add(b.post("/link/code", "/link/code", "code", "12")) // no code
	add(b.get("/link/person"))
	add(b.get("/link/consent"))
	add(b.post("/link/who", "/link/who", "nik", nik.Reveal())) // another code
	s.Asked(2, patience)
	try()
	s.Forward(time.Minute * 11)
	add(b.get("/link/code"))
	return all, s.Counts.Take()
}

// differs tells the first difference between what is seen of two NIKs, or "".
func (s *site) differs(a, b identity.NIK) string {
	s.Helper()
	seenA, costA := s.whole(a)
	seenB, costB := s.whole(b)
	for i := range seenA {
		if seenA[i] != seenB[i] {
			return fmt.Sprintf("answer %d: %s\n\nand\n\n%s", i, seenA[i], seenB[i])
		}
	}
	return consenttest.Differ(costA, costB)
}

// TestNobodyLooksLikeSomebody: the NIK of nobody, of somebody without a number and of
// somebody whose number is another's too is answered like that of somebody whose
// code was wrong: status, headers, length, text, and the number of reads and writes
// and of calls of the keeper.
func TestNobodyLooksLikeSomebody(t *testing.T) {
	s := open(t, nil)
	for name, nik := range s.crowd() {
		if d := s.differs(siti, nik); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if d := s.differs(siti, siti); d != "" {
		t.Errorf("the same twice: %s", d)
	}
}

// variant is a linking flow without one of the protections.
type variant struct {
	page.Linking
	begin func(ctx context.Context, a consent.Attempt, nik identity.NIK, from, lang string) error
	prove func(ctx context.Context, a consent.Attempt, code identity.OneTime) error
}

func (v variant) Begin(ctx context.Context, a consent.Attempt, nik identity.NIK, from, lang string) error {
	if v.begin == nil {
		return v.Linking.Begin(ctx, a, nik, from, lang)
	}
	return v.begin(ctx, a, nik, from, lang)
}

func (v variant) Prove(ctx context.Context, a consent.Attempt, code identity.OneTime) error {
	if v.prove == nil {
		return v.Linking.Prove(ctx, a, code)
	}
	return v.prove(ctx, a, code)
}

// TestWithoutDecoyIsCaught is the control of the test above: each variant, as it
// would be written by somebody who does not think of who is asking, is told apart.
func TestWithoutDecoyIsCaught(t *testing.T) {
	for name, make := range map[string]func(s *site) variant{
		"says that nobody is registered": func(s *site) variant {
			return variant{begin: func(ctx context.Context, a consent.Attempt, nik identity.NIK, from, lang string) error {
				if nik == nobody {
					return fault.New(fault.NotFound, "nobody is registered under this NIK")
				}
				return s.Flow.Begin(ctx, a, nik, from, lang)
			}}
		},
		"opens nothing for nobody": func(s *site) variant {
			silent := *s.Flow
			silent.Courier = consent.NewCourier(s.Plain, nil, nil, s.Now, func(error) {}) // never runs
			return variant{begin: func(ctx context.Context, a consent.Attempt, nik identity.NIK, from, lang string) error {
				if nik == nobody {
					return silent.Begin(ctx, a, nik, from, lang)
				}
				return s.Flow.Begin(ctx, a, nik, from, lang)
			}}
		},
		"counts no guesses of nobody": func(s *site) variant {
			return variant{prove: func(ctx context.Context, a consent.Attempt, code identity.OneTime) error {
				if a.Asking.Page.Asked == 0 {
					return identity.ErrFactor
				}
				return s.Flow.Prove(ctx, a, code)
			}}
		},
		"does not run out for nobody": func(s *site) variant {
			return variant{prove: func(ctx context.Context, a consent.Attempt, code identity.OneTime) error {
				err := s.Flow.Prove(ctx, a, code)
				if a.Asking.Page.Asked == 0 && err != nil {
					return identity.ErrFactor
				}
				return err
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, nil)
			v := make(s)
			v.Linking = s.Flow
			s.pages.Linking = v
			if s.differs(siti, nobody) == "" {
				t.Error("the test does not see it")
			}
		})
	}
}
