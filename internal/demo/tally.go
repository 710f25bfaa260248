// Package demo runs a small country on one machine: a keeper, a server and
// partners' relays as processes of their own, and people whose devices check in
// through them. It shows what the operator sees, and at its end what a partner saw
// beside what the person saw.
package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts what the devices were answered. Colours are known to the devices
// of people, which here are ours; the server's operator sees their totals only.
type tally struct {
	mu      sync.Mutex
	began   time.Time
	done    int
	colours map[string]int
	turned  map[string]int // decisions
	failed  map[string]int // errors, by text safe for outsiders
	recent  []time.Duration
	marks   []mark // for the rate of the last seconds
}

type mark struct {
	at   time.Time
	done int
}

func newTally() *tally {
	return &tally{began: time.Now(), colours: map[string]int{}, turned: map[string]int{}, failed: map[string]int{}}
}

func (t *tally) answered(colour, decision string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	t.colours[colour]++
	t.turned[decision]++
	if t.recent = append(t.recent, took); len(t.recent) > 4096 {
		t.recent = t.recent[len(t.recent)-2048:]
	}
}

func (t *tally) refused(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed[why]++
}

// view is the tally at one moment.
type view struct {
	elapsed         time.Duration
	done            int
	rate            float64 // of the last five seconds
	p50, p99        time.Duration
	colours, turned map[string]int
	failed          map[string]int
}

func (t *tally) view() view {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.marks = append(t.marks, mark{now, t.done})
	for len(t.marks) > 2 && now.Sub(t.marks[0].at) > 5*time.Second {
		t.marks = t.marks[1:]
	}
	v := view{elapsed: now.Sub(t.began), done: t.done, colours: clone(t.colours), turned: clone(t.turned), failed: clone(t.failed)}
	if first := t.marks[0]; now.Sub(first.at) > 0 {
		v.rate = float64(t.done-first.done) / now.Sub(first.at).Seconds()
	}
	if len(t.recent) > 0 {
		sorted := slices.Clone(t.recent)
		slices.Sort(sorted)
		v.p50, v.p99 = sorted[len(sorted)/2], sorted[len(sorted)*99/100]
	}
	return v
}

func clone(m map[string]int) map[string]int {
	out := make(map[string]int, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// place is one venue as the operator sees it.
type place struct {
	name          string
	inside, limit int
}

// screen shows a view: drawn over itself on a terminal, as plain lines otherwise.
type screen struct {
	out      io.Writer
	terminal bool
	drawn    int // lines to go back over
}

func (s *screen) show(v view, intents int64, places []place) {
	if !s.terminal {
		fmt.Fprintf(s.out, "%4.0fs  %7d check-ins  %6.0f/s  p50 %s  p99 %s  green %d yellow %d red %d black %d  refused %d  failed %d  intents %d\n",
			v.elapsed.Seconds(), v.done, v.rate, short(v.p50), short(v.p99),
			v.colours["green"], v.colours["yellow"], v.colours["red"], v.colours["black"], v.turned["refuse"], total(v.failed), intents)
		return
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	line := func(format string, args ...any) { fmt.Fprintf(&b, "\x1b[2K"+format+"\n", args...) }
	line("Amanah demo  %s", v.elapsed.Round(time.Second))
	line("")
	line("  check-ins %9d   %6.0f/s   p50 %-8s p99 %-8s intents %d", v.done, v.rate, short(v.p50), short(v.p99), intents)
	for _, c := range []struct{ name, paint string }{{"green", "32"}, {"yellow", "33"}, {"red", "31"}, {"black", "90"}} {
		line("  \x1b[%sm%-6s\x1b[0m    %9d   %6.3f %%", c.paint, c.name, v.colours[c.name], share(v.colours[c.name], v.done))
	}
	line("  admitted %d, to be checked by staff %d, refused %d, failed %d", v.turned["admit"], v.turned["check"], v.turned["refuse"], total(v.failed))
	line("")
	for _, p := range places {
		line("  %-28s %6d of %6d  %s", p.name, p.inside, p.limit, bar(p.inside, p.limit))
	}
	s.drawn = strings.Count(b.String(), "\n")
	_, _ = io.WriteString(s.out, b.String()) // a terminal that went away ends the demo by its signal
}

func bar(n, of int) string {
	const width = 20
	full := 0
	if of > 0 {
		full = min(width, n*width/of)
	}
	return strings.Repeat("#", full) + strings.Repeat(".", width-full)
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

func total(m map[string]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

func short(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }
