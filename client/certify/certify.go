// Package certify runs the published list of cases against a partner's relay and
// the client in its app, and reports what they did.
//
// The harness is both ends. For a relay it is the platform that the relay forwards
// to and the device that sends, so it sees exactly what is forwarded and what comes
// back. For a client it is relay and platform, and starts the client as a command
// (see Options.Client). Nothing of the real platform takes part: keys, token and
// person are made up by Setup, so a run may go wrong in any way and hurts nobody.
//
// A passed run says that these cases passed on that day. It cannot say what a relay
// does with what it has seen when nobody looks; that it can read nothing of it is
// what the protocol sees to.
package certify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// ListVersion numbers the published list. It grows when a case is added, taken out
// or judged otherwise.
const ListVersion = 1

// Errors of a run that could not judge.
var (
	ErrOptions = errors.New("certify: there is neither a relay nor a client to examine")
	ErrRelay   = errors.New("certify: no message comes through the relay")
	ErrClient  = errors.New("certify: the client's command cannot be started")
)

// Subject is what a case examines.
type Subject string

// The subjects.
const (
	OfRelay  Subject = "relay"
	OfClient Subject = "client"
)

// Text is a sentence in both languages.
type Text struct{ Indonesian, English string }

// Case is one case of the published list.
type Case struct {
	ID      string // never used again for anything else
	Subject Subject
	Hostile bool   // something goes wrong, or somebody tries something
	Title   Text   // what a good relay or client does
	How     string // what the harness does and looks at

	check func(context.Context, *run) finding
}

// List returns the published cases in the order in which they are run.
func List() []Case {
	out := append(relayForwarding(), relayHeaders()...)
	out = append(out, relayOnce()...)
	out = append(out, relayTrust()...)
	out = append(out, relayLast()...)
	out = append(out, clientAsking()...)
	out = append(out, clientTrust()...)
	out = append(out, clientAnswers()...)
	out = append(out, clientLast()...)
	return out
}

// Verdict is how a case ended.
type Verdict string

// The verdicts.
const (
	Passed        Verdict = "passed"
	Failed        Verdict = "failed"
	NotApplicable Verdict = "not-applicable" // to a relay built like this one
	NotRun        Verdict = "not-run"        // the run left its subject out
)

// finding is what a check found.
type finding struct {
	verdict  Verdict
	evidence string
}

func passed(format string, a ...any) finding { return finding{Passed, fmt.Sprintf(format, a...)} }
func failed(format string, a ...any) finding { return finding{Failed, fmt.Sprintf(format, a...)} }
func notApplicable(why string) finding       { return finding{NotApplicable, why} }

// Options are what a run needs. Setup and one of Relay and Client are required.
type Options struct {
	Setup    *Setup
	Listener net.Listener // of the stand-in platform, at Setup's URL; the run closes it
	Relay    string       // URL of the relay under test; empty leaves its cases out

	// Client is the command that acts as the app under test; empty leaves its cases
	// out. It is started anew for each case, in an empty folder of its own, as
	//
	//	COMMAND checkin --link FILE --code URL --timeout DURATION
	//	COMMAND cover --link FILE --every DURATION --timeout DURATION
	//
	// where FILE holds a device's credential. A check-in prints a JSON object with
	// the member colour and ends with status 0, or shows no colour and ends with
	// another status. A cover sends cover check-outs until the time is over.
	Client []string

	Certificate string // base64url SHA-256 of the relay's certificate, when it uses mTLS

	Bound    time.Duration // within which a relay passes a time-out on; default 30 s
	Quiet    time.Duration // for which the harness watches for what comes again; default 30 s
	Wait     time.Duration // for the relay to come up; default 2 min
	Patience time.Duration // of a client that is not answered; default 5 s
	Grace    time.Duration // beyond its patience until it is stopped; default 10 s

	Progress func(Case, Result) // after each case; may be nil
}

func (o *Options) defaults() {
	for d, standard := range map[*time.Duration]time.Duration{
		&o.Bound: 30 * time.Second, &o.Quiet: 30 * time.Second, &o.Wait: 2 * time.Minute,
		&o.Patience: 5 * time.Second, &o.Grace: 10 * time.Second,
	} {
		if *d <= 0 {
			*d = standard
		}
	}
	if o.Progress == nil {
		o.Progress = func(Case, Result) {}
	}
}

// run is one run of the list.
type run struct {
	opt      Options
	platform *platform
	driver   *driver // into the relay
	front    *front  // for the client
	stalled  *exchange
}

// Run runs the list and reports. It returns ctx's error when it was interrupted,
// ErrRelay when nothing comes through the relay at all, and ErrClient when the
// client cannot be started: then there is nothing to report.
func Run(ctx context.Context, opt Options) (*Report, error) {
	if opt.Setup == nil || opt.Relay == "" && len(opt.Client) == 0 || opt.Relay != "" && opt.Listener == nil {
		return nil, ErrOptions
	}
	opt.defaults()
	r := &run{opt: opt}
	if opt.Relay != "" {
		p, err := newPlatform(opt.Setup, opt.Listener)
		if err != nil {
			return nil, err
		}
		defer p.close()
		r.platform, r.driver = p, newDriver(p, opt)
		if err := r.driver.arrive(ctx); err != nil {
			return nil, err
		}
	}
	if len(opt.Client) > 0 {
		f, err := newFront(opt)
		if err != nil {
			return nil, err
		}
		defer f.close()
		r.front = f
		if err := f.start(ctx); err != nil {
			return nil, err
		}
	}
	return r.judge(ctx)
}

func (r *run) judge(ctx context.Context) (*Report, error) {
	report := &Report{Version: reportVersion, List: ListVersion, Partner: r.opt.Setup.Partner, At: time.Now().UTC().Truncate(time.Second)}
	for _, c := range List() {
		result := Result{ID: c.ID, Verdict: NotRun}
		if c.Subject == OfRelay && r.platform != nil || c.Subject == OfClient && r.front != nil {
			found := c.check(ctx, r)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			result = Result{c.ID, found.verdict, found.evidence}
		}
		report.Cases = append(report.Cases, result)
		r.opt.Progress(c, result)
	}
	if r.platform != nil {
		report.Credential, report.Relay = r.platform.credential()
	}
	report.close()
	return report, nil
}
