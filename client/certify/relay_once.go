package certify

import (
	"context"
	"net"
	"net/http"
)

// relayOnce are the cases of a relay that sends each message once, now.
func relayOnce() []Case {
	return []Case{
		{
			ID: "relay/no-retry-reset", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak mengulang pesan ketika sambungan terputus", "Does not repeat a message when the connection breaks"},
			How:   "The platform takes a message and breaks the connection, three times with different messages; each must have arrived once.",
			check: noRetryReset,
		},
		{
			ID: "relay/no-retry-time-out", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak mengulang pesan ketika platform diam", "Does not repeat a message when the platform is silent"},
			How:   "The platform takes a message and stays silent until the relay gives up; the message must have arrived once.",
			check: noRetryTimeOut,
		},
		{
			ID: "relay/no-retry-error", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak mengulang pesan ketika platform menolaknya", "Does not repeat a message that the platform refuses"},
			How:   "The platform answers 500, 502, 503 and 429 with `Retry-After: 0`; each message must have arrived once.",
			check: noRetryError,
		},
		{
			ID: "relay/time-out", Subject: OfRelay, Hostile: true,
			Title: Text{"Memberi tahu perangkat ketika platform diam", "Tells the device when the platform is silent"},
			How:   "The platform stays silent; within the bound (30 seconds unless set) the relay must answer with a status of 500 or more.",
			check: timeOut,
		},
		{
			ID: "relay/no-cache", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak menjawab dari simpanan", "Does not answer from a cache"},
			How:   "Sends the same bytes twice: both must arrive, and the second sender must get the platform's second answer, a refusal.",
			check: noCache,
		},
		{
			ID: "relay/no-redirect", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak mengikuti pengalihan", "Follows no redirection"},
			How:   "The platform answers 307 and 308 to another path; nothing may arrive there.",
			check: noRedirect,
		},
	}
}

// relayLast are the cases that look back at the whole run.
func relayLast() []Case {
	return []Case{
		{
			ID: "relay/no-replay", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak mengirim ulang pesan di kemudian hari", "Does not send a message again later"},
			How:   "Once all is sent, the harness watches for a quiet period (30 seconds unless set): no message of the run may arrive after it was answered, and none that nobody sent.",
			check: noReplay,
		},
	}
}

// reset breaks the connection with what was read in it.
func reset(w http.ResponseWriter, _ *http.Request, _ int) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if s, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS would take its leave first
		_ = s.NetConn().Close()
		return
	}
	_ = c.Close()
}

func noRetryReset(ctx context.Context, r *run) finding {
	for range 3 {
		if e := r.driver.fresh(ctx, reset); len(e.own()) > 1 {
			return failed("one message arrived %d times", len(e.own()))
		}
	}
	return passed("3 broken connections, each message once")
}

// silent stays silent until the relay gives up.
func silent(_ http.ResponseWriter, r *http.Request, _ int) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// stall has the one silent exchange of the run that two cases judge.
func (r *run) stall(ctx context.Context) *exchange {
	if r.stalled == nil {
		r.stalled = r.driver.fresh(ctx, silent)
	}
	return r.stalled
}

func noRetryTimeOut(ctx context.Context, r *run) finding {
	if e := r.stall(ctx); len(e.own()) > 1 {
		return failed("one message arrived %d times", len(e.own()))
	}
	return passed("the message arrived once")
}

func timeOut(ctx context.Context, r *run) finding {
	e := r.stall(ctx)
	switch {
	case e.status == 0 && e.took < r.opt.Bound:
		return failed("the relay broke the connection instead of answering")
	case e.status == 0 || e.took > r.opt.Bound:
		return failed("no answer within %s", r.opt.Bound)
	case e.status < 500:
		return failed("the relay answered %d for a silent platform", e.status)
	}
	return passed("answered %d within the bound", e.status)
}

func noRetryError(ctx context.Context, r *run) finding {
	for _, status := range []int{500, 502, 503, 429} {
		e := r.driver.fresh(ctx, func(w http.ResponseWriter, req *http.Request, nth int) {
			w.Header().Set("Retry-After", "0")
			refuseWith(status)(w, req, nth)
		})
		if len(e.own()) > 1 {
			return failed("refused with %d, one message arrived %d times", status, len(e.own()))
		}
	}
	return passed("4 refusals, each message once")
}

func noCache(ctx context.Context, r *run) finding {
	body := must(r.driver.message())
	var second *exchange
	for range 2 {
		second = r.driver.send(ctx, body, nil, nil)
	}
	switch {
	case len(second.own()) == 0:
		return failed("the second of two equal messages did not arrive; the relay answered %d", second.status)
	case second.status == http.StatusOK:
		return failed("the second of two equal messages was answered with 200, which the platform did not say")
	}
	return passed("both arrived, the second was refused by the platform")
}

func noRedirect(ctx context.Context, r *run) finding {
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		e := r.driver.fresh(ctx, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Location", pathTrap)
			reply(w, status, problemType, problem(status, "", "elsewhere"))
		})
		for _, a := range e.arrivals {
			if a.uri == pathTrap {
				return failed("%d was followed", status)
			}
		}
	}
	return passed("2 redirections, neither followed")
}

func noReplay(ctx context.Context, r *run) finding {
	if err := pause(ctx, r.opt.Quiet); err != nil {
		return failed("interrupted")
	}
	for _, a := range r.platform.messages() {
		switch {
		case a.open: // other cases judge these
		case a.known:
			return failed("a message arrived again after it had been answered")
		case a.idle:
			return failed("a message arrived that nobody sent")
		}
	}
	return passed("nothing came again within %s", r.opt.Quiet)
}
