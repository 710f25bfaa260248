package certify

import (
	"context"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// clientAsking are the cases of how a client asks.
func clientAsking() []Case {
	return []Case{
		{
			ID: "client/check-in", Subject: OfClient,
			Title: Text{"Melapor masuk dan menunjukkan warna", "Checks in and shows the colour"},
			How:   "Starts the client with a good code; it must check in, print the colour that the platform told and end with status 0.",
			check: func(_ context.Context, r *run) finding { return checksIn(r.front.first) },
		},
		{
			ID: "client/new-nonce", Subject: OfClient,
			Title: Text{"Memakai nomor baru untuk setiap kunjungan", "Names each visit anew"},
			How:   "Starts the client a second time; its check-in must have another nonce and another holder's key than the first.",
			check: newNonceEach,
		},
		{
			ID: "client/same-nonce", Subject: OfClient, Hostile: true,
			Title: Text{"Mengulang kunjungan yang sama, bukan yang baru", "Asks again for the same visit, not for another"},
			How:   "The answer to the first check-in is lost; every further message must carry the same nonce, so that the visit counts once.",
			check: sameNonce,
		},
		{
			ID: "client/use-dpop-nonce", Subject: OfClient,
			Title: Text{"Mematuhi use_dpop_nonce", "Obeys use_dpop_nonce"},
			How:   "The platform refuses every proof without its nonce; the client must ask again with the nonce given and then show the colour.",
			check: useNonce,
		},
		{
			ID: "client/rotated-keys", Subject: OfClient,
			Title: Text{"Mengambil kunci baru ketika platform menggantinya", "Fetches the keys again when the platform has changed them"},
			How:   "The first message is refused with the problem type of an unknown key (RFC 9458 §5.3) and the key configuration is another from then on; the client must use it and show the colour.",
			check: rotated,
		},
		{
			ID: "client/time-out", Subject: OfClient, Hostile: true,
			Title: Text{"Berhenti menunggu pada waktunya", "Stops waiting in time"},
			How:   "No message is answered; the client must end by itself within `--timeout` and 2 seconds of its first message, without a colour and with a status that is not 0.",
			check: patience,
		},
		{
			ID: "client/cover", Subject: OfClient,
			Title: Text{"Mengirim lapor keluar penyamar", "Sends cover check-outs"},
			How:   "Starts the client's `cover`; at least two check-outs that end nothing must arrive, in messages like any other.",
			check: covers,
		},
	}
}

// try sets a stage, has it spoiled, and checks in with the good code.
func (r *run) try(ctx context.Context, name string, spoil func(*stage)) (*stage, *outcome, error) {
	s, err := r.front.stage(name)
	if err != nil {
		return nil, nil, err
	}
	spoil(s)
	o, err := r.front.checkIn(ctx, s, s.code())
	return s, o, err
}

func notStarted(err error) finding { return failed("the client could not be examined: %v", err) }

// checksIn judges an outcome that ought to show the honest colour.
func checksIn(o *outcome) finding {
	switch {
	case o.stopped:
		return failed("the client did not end")
	case o.colour == "":
		return failed("no colour was shown; the client ended with status %d", o.status)
	case o.colour != honest:
		return failed("the platform said %s, the client %s", honest, clip(o.colour))
	case o.status != 0:
		return failed("a colour was shown, and the status was %d", o.status)
	}
	return passed("the colour was shown")
}

const pathVisits = "/v1/visits"

func newNonceEach(ctx context.Context, r *run) finding {
	s, _, err := r.try(ctx, "again", func(*stage) {})
	if err != nil {
		return notStarted(err)
	}
	before, now := r.front.first.stage.asks(pathVisits), s.asks(pathVisits)
	switch {
	case len(before) == 0 || len(now) == 0:
		return failed("no check-in arrived")
	case now[0].asked().Nonce == "" || now[0].asked().Nonce == before[0].asked().Nonce:
		return failed("two visits have one nonce, or none")
	case now[0].asked().Holder == "" || now[0].asked().Holder == before[0].asked().Holder:
		return failed("two visits have one holder's key, or none")
	}
	return passed("two visits, two nonces")
}

// lose breaks the connection of the first message, once it was taken.
func lose(m *message, _ http.ResponseWriter, _ *http.Request) bool {
	if m.nth == 1 {
		panic(http.ErrAbortHandler)
	}
	return false
}

func sameNonce(ctx context.Context, r *run) finding {
	s, _, err := r.try(ctx, "lost", func(s *stage) { s.act = lose })
	if err != nil {
		return notStarted(err)
	}
	all := s.asks(pathVisits)
	for _, m := range all {
		if m.asked().Nonce != all[0].asked().Nonce || m.asked().Nonce == "" {
			return failed("after a lost answer the client asked for another visit")
		}
	}
	if len(all) < 2 {
		return passed("the client did not ask again")
	}
	return passed("%d messages, one visit", len(all))
}

func useNonce(ctx context.Context, r *run) finding {
	const given = "certify-nonce"
	s, o, err := r.try(ctx, "nonce", func(s *stage) {
		s.deny = func(m *message) (string, string) {
			if m.proof.nonce == given {
				return "", ""
			}
			return "use_dpop_nonce: repeat the request with the nonce given", given
		}
	})
	if err != nil {
		return notStarted(err)
	}
	for _, m := range s.asks(pathVisits) {
		if m.proof.nonce == given && o.colour != "" {
			return passed("asked again with the nonce")
		}
	}
	return failed("no proof carried the nonce given, or no colour was shown")
}

func rotated(ctx context.Context, r *run) finding {
	s, o, err := r.try(ctx, "rotated", func(s *stage) {
		before := s.configure
		after, err := envelope(r.opt.Setup.pin, time.Now(), time.Hour, r.front.configs[1])
		s.configure = func() []byte {
			if s.sent() == 0 || err != nil {
				return before()
			}
			return after
		}
		s.act = func(m *message, w http.ResponseWriter, _ *http.Request) bool {
			if len(m.body) == 0 || m.body[0] != byte(r.front.configs[0].ID) {
				return false
			}
			reply(w, http.StatusBadRequest, problemType, problem(http.StatusBadRequest, ohttp.ProblemKey, "the key configuration is not known: fetch it again"))
			return true
		}
	})
	if err != nil {
		return notStarted(err)
	}
	if o.colour == "" {
		return failed("no colour was shown; %d messages arrived", s.sent())
	}
	return passed("the new keys were used")
}

func patience(ctx context.Context, r *run) finding {
	_, o, err := r.try(ctx, "silent", func(s *stage) {
		s.act = func(_ *message, _ http.ResponseWriter, req *http.Request) bool {
			<-req.Context().Done()
			panic(http.ErrAbortHandler)
		}
	})
	switch {
	case err != nil:
		return notStarted(err)
	case o.stopped || o.waited() > r.opt.Patience+2*time.Second:
		return failed("the client had not ended when its time-out and 2 s had passed since its first message")
	case o.colour != "" || o.status == 0:
		return failed("nothing was answered, and the client showed %s and ended with status %d", clip(o.colour), o.status)
	}
	return passed("ended in time, without a colour")
}

func covers(ctx context.Context, r *run) finding {
	s, err := r.front.stage("cover")
	if err != nil {
		return notStarted(err)
	}
	o, err := r.front.launch(ctx, s, "cover", r.opt.Patience/2, "--every", (r.opt.Patience / 50).String())
	if err != nil {
		return notStarted(err)
	}
	n := 0
	for _, m := range s.asks("/v1/visits/leave") {
		if m.asked().Cover {
			n++
		}
	}
	switch {
	case n < 2:
		return failed("%d cover check-outs arrived", n)
	case o.stopped:
		return failed("the client had not ended after its time-out")
	}
	return passed("cover check-outs arrived")
}
