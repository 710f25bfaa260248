package page_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/consenttest"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/page"
)

// advantage is how much better than tossing a coin whoever sees answers tells NIKs
// (or numbers) that are registered from those that are not: the largest difference
// of the two distributions, as total variation of what was seen and as
// Kolmogorov–Smirnov distance of how long it took.
type advantage struct {
	seen [2]map[string]int
	took [2][]time.Duration
}

func newAdvantage() *advantage {
	return &advantage{seen: [2]map[string]int{{}, {}}}
}

func (a *advantage) add(registered int, what string, took time.Duration) {
	a.seen[registered][what]++
	a.took[registered] = append(a.took[registered], took)
}

func (a *advantage) join(b *advantage) {
	for registered := range a.seen {
		for what, n := range b.seen[registered] {
			a.seen[registered][what] += n
		}
		a.took[registered] = append(a.took[registered], b.took[registered]...)
	}
}

func (a *advantage) answers() float64 {
	n, m := float64(len(a.took[0])), float64(len(a.took[1]))
	sum := 0.0
	for what := range a.seen[0] {
		sum += max(0, float64(a.seen[0][what])/n-float64(a.seen[1][what])/m)
	}
	for what := range a.seen[1] { // what only the registered are answered
		if a.seen[0][what] == 0 {
			sum = max(sum, float64(a.seen[1][what])/m)
		}
	}
	return sum
}

func (a *advantage) time() float64 {
	x, y := slices.Clone(a.took[0]), slices.Clone(a.took[1])
	slices.Sort(x)
	slices.Sort(y)
	worst, i, j := 0.0, 0, 0
	for i < len(x) && j < len(y) {
		at := min(x[i], y[j])
		for i < len(x) && x[i] == at {
			i++
		}
		for j < len(y) && y[j] == at {
			j++
		}
		d := float64(i)/float64(len(x)) - float64(j)/float64(len(y))
		worst = max(worst, d, -d)
	}
	return worst
}

// pool are as many NIKs and numbers that are registered as such that are not.
const pool = 200

func nikOf(registered, n int) identity.NIK {
	return consenttest.NIK(1000+registered*5000+n, grown)
}

func phoneOf(registered, n int) identity.Phone { return consenttest.Phone(1000 + registered*5000 + n) }

func (s *site) populate() {
	s.Helper()
	var people []identity.Person
	for n := range pool {
		people = append(people, consenttest.Person(s.T, nikOf(1, n), "Warga", grown, phoneOf(1, n)))
	}
	s.Register(people...)
}

// guesser types NIKs and codes in one browser after the other.
type guesser struct {
	*site
	b       *browser
	id      identity.AuthorizationID
	form    string
	begun   int // in this attempt
	brought int
}

// fresh begins another attempt.
func (g *guesser) fresh() {
	g.Helper()
	g.id = g.Push()
	g.b = g.fixed(g.id)
	_, html := g.b.get("/link/who")
	g.form, g.begun = formToken.FindStringSubmatch(html)[1], 0
}

// guess types a NIK and one code, and returns what was answered and how long it took.
func (g *guesser) guess(nik identity.NIK) (string, time.Duration) {
	g.Helper()
	if g.begun++; g.b == nil || g.begun > identity.CodesPerAttempt {
		g.fresh()
		g.begun = 1
	}
	began := time.Now()
	res, html := g.b.send("/link/who", url.Values{"form": {g.form}, "nik": {nik.Reveal()}})
	what := seen(res, html)
	if res.StatusCode == http.StatusSeeOther {
		g.brought++
		res, html = g.b.send("/link/code", url.Values{"form": {g.form}, "code": {"493018"}})
		what += seen(res, html)
		if res.StatusCode == http.StatusSeeOther {
			what = "confirmed"
		}
	}
	return what, time.Since(began)
}

// rest waits for the courier, lets a day pass and forgets what is over.
func (g *guesser) rest() {
	g.Helper()
	g.Brought(g.brought)
	g.Outbox.Drain()
	g.Forward(24 * time.Hour)
	g.Update(func(st store.Stores) error {
		_, err := st.Authorizations.Forget(g.Now(), 1<<20)
		return err
	})
	g.b = nil
}

// enumerate measures over n guesses of NIKs, interleaved.
func (s *site) enumerate(n int) *advantage {
	s.Helper()
	a, g := newAdvantage(), &guesser{site: s}
	s.Counts.Take()
	for i := range n {
		registered := rand.IntN(2)
		what, took := g.guess(nikOf(registered, i%pool))
		a.add(registered, what, took)
		if i%pool == pool-1 {
			g.rest()
		}
	}
	g.Brought(g.brought)
	return a
}

// phones measures over n numbers that somebody with an account asks for.
func (s *site) phones(n int) *advantage {
	s.Helper()
	a, b := newAdvantage(), s.browser()
	begin := func() string {
		b.send("/link/phone", url.Values{"do": {"begin"}})
		b.post("/link/who", "/link/who", "nik", siti.Reveal())
		b.post("/link/code", "/link/code", "code", s.Outbox.Next(s.T).Code.Reveal())
		_, html := b.get("/link/phone")
		return formToken.FindStringSubmatch(html)[1]
	}
	s.Outbox.Drain()
	form := begin()
	for i := range n {
		registered := rand.IntN(2)
		phone := phoneOf(registered, i%pool).Reveal()
		began := time.Now()
		res, html := b.send("/link/phone", url.Values{"form": {form}, "do": {"ask"}, "phone": {"+" + phone}, "again": {"+" + phone}})
		a.add(registered, seen(res, html), time.Since(began))
		s.Outbox.Next(s.T) // the old number is told
		if res, _ := b.send("/link/phone", url.Values{"form": {form}, "do": {"cancel"}}); res.StatusCode != http.StatusSeeOther {
			s.Fatalf("cancel: %d", res.StatusCode)
		}
		if i%25 == 24 { // the keeper lets one attempt open so much in an hour
			s.Forward(24 * time.Hour)
			form = begin()
		}
	}
	return a
}

// trial is how much is guessed: by SOAK a million in all, at as many sites side by side,
// whose answers leave on a beat well above what they take, as the server's do
// (SOAK_GUESSES makes it smaller). Without a beat time is not looked at.
type trial struct {
	niks, phones, sites int
	beat                time.Duration
}

func sized(t *testing.T) trial {
	if os.Getenv("SOAK") == "" {
		return trial{niks: 800, phones: 100, sites: 1}
	}
	n := 1_000_000
	if text := os.Getenv("SOAK_GUESSES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return trial{niks: n * 6 / 10, phones: n * 4 / 10, sites: 16, beat: 20 * time.Millisecond}
}

// at has a share of the guesses made at each site, side by side, and adds up.
func (w trial) at(t *testing.T, guess func(s *site, n int) *advantage, n int) *advantage {
	t.Helper()
	shares := make([]*advantage, w.sites)
	t.Run("sites", func(t *testing.T) {
		for i := range shares {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				s := open(t, func(p *page.Pages) { p.Pace = w.beat })
				s.populate()
				shares[i] = guess(s, n/w.sites)
			})
		}
	})
	all := newAdvantage()
	for _, a := range shares {
		if a == nil {
			t.Fatal("a site did not come to its end")
		}
		all.join(a)
	}
	return all
}

const most = 0.01

// TestEnumeration: whoever guesses NIKs and numbers learns nothing of which are
// registered from what is answered, nor, on the beat, from when.
func TestEnumeration(t *testing.T) {
	w := sized(t)
	for name, a := range map[string]*advantage{"NIKs": w.at(t, (*site).enumerate, w.niks), "numbers": w.at(t, (*site).phones, w.phones)} {
		if got := a.answers(); got > most || a.seen[0]["confirmed"] > 0 || a.seen[1]["confirmed"] > 10 {
			t.Errorf("%s: advantage %.3f, %d confirmed", name, got, a.seen[1]["confirmed"])
		}
		t.Logf("%s: %d and %d guesses, advantage in answers %.4f, in time %.4f", name, len(a.took[0]), len(a.took[1]), a.answers(), a.time())
		if w.beat > 0 && a.time() > most {
			t.Errorf("%s: advantage in time %.4f", name, a.time())
		}
	}
}

// TestEnumerationIsSeen is its control: a page that answers one in twenty of the
// registered otherwise is caught.
func TestEnumerationIsSeen(t *testing.T) {
	s := open(t, nil)
	s.populate()
	n := 0
	s.pages.Linking = variant{Linking: s.Flow, prove: func(ctx context.Context, a consent.Attempt, code identity.OneTime) error {
		err := s.Flow.Prove(ctx, a, code)
		if a.Asking.Page.Asked != 0 {
			if n++; n%20 == 0 {
				return identity.ErrFactorSpent
			}
		}
		return err
	}}
	if got := s.enumerate(800).answers(); got <= most {
		t.Errorf("advantage %.3f where one of twenty is answered otherwise", got)
	}
}

// TestEnumerationTimeIsSeen is the control of time: registered people take 100 µs
// more, and there is no beat. Under SOAK only: it is a measurement.
func TestEnumerationTimeIsSeen(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("a measurement: SOAK=1 makes it")
	}
	slow := open(t, nil)
	slow.populate()
	registered := map[identity.NIK]bool{}
	for n := range pool {
		registered[nikOf(1, n)] = true
	}
	slow.pages.Linking = variant{Linking: slow.Flow, begin: func(ctx context.Context, a consent.Attempt, nik identity.NIK, from, lang string) error {
		err := slow.Flow.Begin(ctx, a, nik, from, lang)
		for end := time.Now().Add(100 * time.Microsecond); registered[nik] && time.Now().Before(end); {
		}
		return err
	}}
	got := slow.enumerate(50_000).time()
	t.Logf("advantage in time %.4f", got)
	if got <= 2*most {
		t.Errorf("advantage in time %.4f where the registered take 100 µs more: the measurement does not see it", got)
	}
}

// TestEnumerationStops: from one network few guesses are looked at in an hour, from
// many not more than the pages' own part of the keeper's meter, and of codes none is
// right.
func TestEnumerationStops(t *testing.T) {
	n, hour := 1_200, 250
	if os.Getenv("SOAK") != "" {
		n, hour = 1_000_000, 2500
	}
	s := open(t, nil)
	s.populate()
	s.Flow.Lanes = consent.NewLanes(consent.Limits{PerHour: hour, PerNetwork: 60, PerNIK: 10, Burst: 1 << 30})
	g := &guesser{site: s}
	s.Counts.Take()
	looked, confirmed := 0, 0
	blocked := map[string]bool{}
	ask := func(i int, from string) {
		nik := consenttest.NIK(1000+i%90_000, grown)
		if g.b == nil || g.begun >= identity.CodesPerAttempt {
			g.fresh()
		}
		g.b.from = from
		before := g.brought
		what, _ := g.guess(nik)
		switch {
		case what == "confirmed":
			confirmed++
		case g.brought == before:
			g.begun-- // nothing was begun
			blocked[what] = true
		}
		looked += g.brought - before
	}
	for i := range n / 2 {
		ask(i, "192.0.2.1:1")
	}
	if looked > 60 {
		t.Errorf("one network had %d looked at in an hour", looked)
	}
	g.b = nil
	for i := range n / 2 {
		ask(n/2+i, fmt.Sprintf("10.%d.%d.1:1", i/250%250, i%250))
	}
	if looked > hour || looked < hour/2 {
		t.Errorf("%d looked at in an hour", looked)
	}
	if confirmed > 10 {
		t.Errorf("%d confirmed before the block", confirmed)
	}
	if len(blocked) != 1 {
		t.Errorf("who is stopped is told in %d ways", len(blocked))
	}
	t.Logf("%d of %d looked at, %d confirmed", looked, n, confirmed)
}
