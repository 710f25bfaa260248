package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
)

// Options of a demo.
type Options struct {
	For      time.Duration // how long devices check in; zero until interrupted
	People   int
	Rate     float64 // check-ins a second
	Data     string  // a folder to keep; empty for one that is removed at the end
	Out      io.Writer
	Terminal bool
}

// Run runs a demo. It returns an error when anything in it failed; people who were
// told all their colours of the day are none, nor is a ctx that ended while they check in.
func Run(ctx context.Context, opt Options) (err error) {
	if opt.People < 100 || opt.People > 1_000_000 {
		return fault.New(fault.Invalid, "a demo has 100 to 1,000,000 people")
	}
	if opt.Rate <= 0 || opt.Rate > 5000 {
		return fault.New(fault.Invalid, "a demo checks in 1 to 5,000 times a second")
	}
	if opt.Data == "" {
		if opt.Data, err = os.MkdirTemp("", "amanah-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(opt.Data)) }()
	}
	if _, err := os.Stat(filepath.Join(opt.Data, "site")); err == nil {
		return fault.New(fault.Conflict, "the folder has a demo's data already: its devices are of relays that are no more")
	}
	c := &country{opt: opt, as: day.Of(time.Now()), tally: newTally()}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := c.found(ctx); err != nil {
		return err
	}
	if err := c.meet(ctx); err != nil {
		return err
	}
	if err := c.live(ctx); err != nil {
		return err
	}
	return c.compare()
}

// country is a running demo.
type country struct {
	opt    Options
	as     day.Day // of which the people and their evidence are
	site   *app.Site
	tally  *tally
	venues []venue.Venue
	codes  []string
	phones []*phone
	relays []string
	sides  []side // two check-ins of different colour
}

// phone is one person's device. One person checks in at one place at a time.
type phone struct {
	mu     sync.Mutex
	device *client.Device
	line   *tap
}

// live lets people check in until the time is over or ctx ends.
func (c *country) live(ctx context.Context) error {
	if c.opt.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opt.For)
		defer cancel()
	}
	c.tally.began = time.Now()
	var visitors sync.WaitGroup
	slots := make(chan struct{}, 256) // devices in flight
	pace := time.NewTicker(time.Duration(float64(time.Second) / c.opt.Rate))
	defer pace.Stop()
	show := time.NewTicker(c.interval())
	defer show.Stop()
	view := &screen{out: c.opt.Out, terminal: c.opt.Terminal}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-show.C:
			c.show(view)
		case <-pace.C:
			select {
			case slots <- struct{}{}:
				visitors.Go(func() {
					defer func() { <-slots }()
					c.visit(context.WithoutCancel(ctx))
				})
			default: // this machine cannot go faster; the rate shown says so
			}
		}
	}
	visitors.Wait()
	c.show(view)
	if v := c.tally.view(); total(v.failed) > 0 {
		for why, n := range v.failed {
			fmt.Fprintf(c.opt.Out, "failed %d times: %s\n", n, why)
		}
		return fault.New(fault.Internal, "check-ins failed")
	}
	return nil
}

func (c *country) interval() time.Duration {
	if c.opt.Terminal {
		return 500 * time.Millisecond
	}
	return 2 * time.Second
}

// visit is one check-in of somebody, somewhere; two in five check out again.
func (c *country) visit(ctx context.Context) {
	p := c.phones[rand.IntN(len(c.phones))]
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	at := rand.IntN(len(c.codes))
	began := time.Now()
	v, err := p.device.CheckIn(ctx, client.CheckIn{Code: c.codes[at], Party: 1})
	if err != nil {
		if limited(err) {
			return // that person's colours of the day are used up, as they should be
		}
		c.tally.refused(err.Error())
		return
	}
	c.tally.answered(v.Colour, v.Decision, time.Since(began))
	if v.Decision != "refuse" && rand.IntN(5) < 2 {
		if _, err := p.device.Leave(ctx, v.Visit); err != nil {
			c.tally.refused("leave: " + err.Error())
		}
	}
}

// limited reports whether the day's colours are used up.
func limited(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Type == client.ProblemLimit
}

func (c *country) show(view *screen) {
	counts, err := c.site.Counts(context.Background())
	if err != nil {
		c.tally.refused("the server's own counts: " + err.Error())
	}
	places := make([]place, 0, len(counts.Places))
	for _, v := range counts.Places {
		places = append(places, place{v.Name, v.Inside, v.Limit})
	}
	view.show(c.tally.view(), counts.Intents, places)
}
