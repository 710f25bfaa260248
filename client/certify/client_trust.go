package certify

import (
	"context"
	"strings"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// clientTrust are the cases of whose keys and codes a client believes.
func clientTrust() []Case {
	refused := func(id string, t Text, how string, spoil func(*run, *stage) error) Case {
		return Case{ID: id, Subject: OfClient, Hostile: true, Title: t, How: how, check: func(ctx context.Context, r *run) finding {
			return sendsNothing(ctx, r, id, func(s *stage) (string, error) { return s.code(), spoil(r, s) })
		}}
	}
	scanned := func(id string, t Text, how string, code func(*run, *stage) string) Case {
		return Case{ID: id, Subject: OfClient, Hostile: true, Title: t, How: how, check: func(ctx context.Context, r *run) finding {
			return sendsNothing(ctx, r, id, func(s *stage) (string, error) { return code(r, s), nil })
		}}
	}
	return []Case{
		refused("client/keys-unsigned",
			Text{"Menolak kunci enkapsulasi tanpa tanda tangan", "Refuses a key configuration that nobody signed"},
			"The relay gives its own key configuration as bare `application/ohttp-keys`; no message may be sent.",
			func(r *run, s *stage) error {
				raw, err := ohttp.AppendConfigs(nil, r.front.configs[0])
				s.configure = func() []byte { return raw }
				return err
			}),
		refused("client/keys-foreign",
			Text{"Menolak kunci enkapsulasi bertanda tangan pihak lain", "Refuses a key configuration signed by another key"},
			"The relay gives its own key configuration, signed by a key of its own; no message may be sent.",
			func(r *run, s *stage) error {
				raw, err := envelope(seed(), time.Now(), time.Hour, r.front.configs[0])
				s.configure = func() []byte { return raw }
				return err
			}),
		refused("client/keys-old",
			Text{"Menolak kunci enkapsulasi yang kedaluwarsa", "Refuses a key configuration of before"},
			"The relay gives a key configuration that the platform signed and whose time is over; no message may be sent.",
			func(r *run, s *stage) error {
				raw, err := envelope(r.opt.Setup.pin, time.Now(), -time.Hour, r.front.configs[0])
				s.configure = func() []byte { return raw }
				return err
			}),
		refused("client/documents-foreign",
			Text{"Menolak kunci kode tempat bertanda tangan pihak lain", "Refuses keys of venue codes signed by another key"},
			"The relay gives the right keys of codes and tickets under a signature of its own; no check-in may be sent.",
			func(r *run, s *stage) (err error) {
				s.published, err = publish(r.opt.Setup, seed(), time.Now())
				return err
			}),
		scanned("client/code-foreign",
			Text{"Menolak kode tempat dari alamat lain", "Refuses a venue code of another host"},
			"The client scans a good code under another host; no message may be sent.",
			func(r *run, s *stage) string {
				return strings.Replace(s.code(), "https://"+r.opt.Setup.Host, "https://"+r.front.trap.Addr().String(), 1)
			}),
		scanned("client/code-forged",
			Text{"Menolak kode tempat palsu", "Refuses a forged venue code"},
			"The client scans a code of the right host whose signature does not hold; no message may be sent.",
			func(r *run, s *stage) string {
				// One bit of the serial: the key's id is right.
				good := []byte(s.code())
				at := len("https://"+r.opt.Setup.Host+"/v/") + 24
				good[at] = map[bool]byte{true: 'B', false: 'A'}[good[at] == 'A']
				return string(good)
			}),
		scanned("client/code-expired",
			Text{"Menolak kode tempat yang kedaluwarsa", "Refuses a venue code whose time is over"},
			"The client scans a rotating code of ten minutes ago; no message may be sent.",
			func(r *run, s *stage) string {
				return s.signed(r.opt.Setup.venue, verify.VenueCode{Venue: 3, Door: 1, Serial: 1, Expires: time.Now().Add(-10 * time.Minute).Truncate(time.Second)})
			}),
		{
			ID: "client/code-not-opened", Subject: OfClient, Hostile: true,
			Title: Text{"Tidak membuka alamat dalam kode", "Never opens the URL of a code"},
			How:   "The codes of the cases before led to a host that listens, and the client was told of a proxy; neither may have been called in the whole run.",
			check: notOpened,
		},
	}
}

// sendsNothing judges a client that meets what it must refuse without asking.
func sendsNothing(ctx context.Context, r *run, id string, spoil func(*stage) (string, error)) finding {
	s, err := r.front.stage(strings.TrimPrefix(id, "client/"))
	if err != nil {
		return notStarted(err)
	}
	code, err := spoil(s)
	if err != nil {
		return notStarted(err)
	}
	o, err := r.front.checkIn(ctx, s, code)
	switch {
	case err != nil:
		return notStarted(err)
	case s.sent() > 0:
		return failed("%d messages were sent", s.sent())
	case o.colour != "" || o.status == 0:
		return failed("the client showed %s and ended with status %d", clip(o.colour), o.status)
	}
	return passed("nothing was sent, no colour was shown")
}

func notOpened(_ context.Context, r *run) finding {
	if n := r.front.called.Load(); n > 0 {
		return failed("%d calls", n)
	}
	return passed("nobody called")
}
