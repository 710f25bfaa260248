package certify

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/amanah-project/amanah/ohttp"
)

// clientAnswers are the cases of whose answers a client believes.
func clientAnswers() []Case {
	return []Case{
		{
			ID: "client/answer-tampered", Subject: OfClient, Hostile: true,
			Title: Text{"Menolak jawaban yang diubah", "Refuses an answer that was changed"},
			How:   "The relay turns one bit of the first answer; the client must show no colour for it (it may ask again).",
			check: answerTampered,
		},
		{
			ID: "client/answer-replayed", Subject: OfClient, Hostile: true,
			Title: Text{"Menolak jawaban atas pertanyaan lain", "Refuses an answer to another request"},
			How:   "The first answer, of another colour, is held back; the relay gives it as the answer to the client's next message. That colour may not be shown.",
			check: answerReplayed,
		},
		{
			ID: "client/answer-forged", Subject: OfClient, Hostile: true,
			Title: Text{"Menolak jawaban buatan penerus", "Refuses an answer of the relay's making"},
			How:   "The relay answers the first message itself, unsealed, with a colour; it may not be shown.",
			check: answerForged,
		},
		{
			ID: "client/no-redirect", Subject: OfClient, Hostile: true,
			Title: Text{"Tidak mengikuti pengalihan", "Follows no redirection"},
			How:   "The relay answers 307 to another place; nothing may arrive there.",
			check: clientRedirect,
		},
	}
}

// elsewhere is the stage to which a redirection leads.
const elsewhere = "elsewhere"

// bad gives one bad answer, then honest ones.
func bad(ctx context.Context, r *run, name string, act func(s *stage, m *message, w http.ResponseWriter) bool) finding {
	s, o, err := r.try(ctx, name, func(s *stage) {
		s.act = func(m *message, w http.ResponseWriter, _ *http.Request) bool { return m.err == nil && act(s, m, w) }
	})
	switch {
	case err != nil:
		return notStarted(err)
	case s.sent() == 0:
		return failed("no message arrived")
	case o.colour != "" && (o.colour != honest || s.sent() == 1):
		return failed("the client showed %s", clip(o.colour))
	case o.colour != "":
		return passed("refused; the client asked again")
	}
	return passed("refused")
}

func answerTampered(ctx context.Context, r *run) finding {
	return bad(ctx, r, "tampered", func(s *stage, m *message, w http.ResponseWriter) bool {
		if m.nth > 1 {
			return false
		}
		sealed := s.answer(m, honest)
		if len(sealed) > 0 {
			sealed[len(sealed)/2] ^= 1
		}
		reply(w, http.StatusOK, ohttp.MediaTypeResponse, sealed)
		return true
	})
}

func answerReplayed(ctx context.Context, r *run) finding {
	var held atomic.Pointer[[]byte] // a client on trial may send two at once
	return bad(ctx, r, "replayed", func(s *stage, m *message, w http.ResponseWriter) bool {
		switch m.nth {
		case 1:
			sealed := s.answer(m, "green")
			held.Store(&sealed)
			panic(http.ErrAbortHandler)
		case 2:
			if sealed := held.Load(); sealed != nil {
				reply(w, http.StatusOK, ohttp.MediaTypeResponse, *sealed)
				return true
			}
		}
		return false
	})
}

func answerForged(ctx context.Context, r *run) finding {
	return bad(ctx, r, "forged", func(s *stage, m *message, w http.ResponseWriter) bool {
		if m.nth == 1 {
			reply(w, http.StatusOK, "application/json", s.visit(m, "green"))
		}
		return m.nth == 1
	})
}

func clientRedirect(ctx context.Context, r *run) finding {
	other, err := r.front.stage(elsewhere)
	if err != nil {
		return notStarted(err)
	}
	_, _, err = r.try(ctx, "redirect", func(s *stage) {
		s.act = func(_ *message, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Location", "/"+other.name)
			reply(w, http.StatusTemporaryRedirect, problemType, problem(http.StatusTemporaryRedirect, "", "elsewhere"))
			return true
		}
	})
	switch {
	case err != nil:
		return notStarted(err)
	case other.sent() > 0:
		return failed("the redirection was followed")
	}
	return passed("not followed")
}

// clientLast are the cases that look back at the whole run.
func clientLast() []Case {
	return []Case{
		{
			ID: "client/one-size", Subject: OfClient,
			Title: Text{"Setiap pesan sama panjang", "Every message has one length"},
			How:   "Looks at all messages of the run: each has 2,048 bytes and the type `message/ohttp-req`.",
			check: oneSize,
		},
		{
			ID: "client/no-headers", Subject: OfClient, Hostile: true,
			Title: Text{"Tidak mengirim tajuk yang mengenali perangkat", "Sends no header that knows the device"},
			How:   "Looks at all messages and fetched documents of the run: they have `Host`, `Content-Type`, `Content-Length`, `Accept: */*`, `Accept-Encoding` and `Connection`, and nothing else.",
			check: noHeaders,
		},
		{
			ID: "client/no-cookie", Subject: OfClient, Hostile: true,
			Title: Text{"Tidak mengembalikan kuki", "Returns no cookie"},
			How:   "Every answer and document of the run sets a cookie; none may come back.",
			check: noCookie,
		},
		{
			ID: "client/fresh-message", Subject: OfClient, Hostile: true,
			Title: Text{"Menyegel setiap pesan sekali", "Seals each message once"},
			How:   "Looks at all messages of the run, repeated ones among them: no encapsulated key may come twice.",
			check: freshMessage,
		},
		{
			ID: "client/proof", Subject: OfClient,
			Title: Text{"Membuktikan kuncinya dalam setiap permintaan", "Proves its key in every request"},
			How:   "Looks at all requests of the run: each carries the token and a new DPoP proof by the device's key, for its method and URL.",
			check: clientProof,
		},
		{
			ID: "client/nothing-kept", Subject: OfClient, Hostile: true,
			Title: Text{"Tidak menyimpan jawaban", "Keeps no answer"},
			How:   "Searches the folder in which the client ran, its home and temporary files included, after every start: nothing that was planted in an answer may be there, as it was, in hexadecimal or in base64.",
			check: func(_ context.Context, r *run) finding {
				for _, o := range r.front.outcomes {
					if o.kept != "" {
						return failed("an answer was found in %s", o.kept)
					}
				}
				return passed("nothing was found after %d starts", len(r.front.outcomes))
			},
		},
		{
			ID: "client/nothing-logged", Subject: OfClient, Hostile: true,
			Title: Text{"Tidak mencatat jawaban", "Logs no answer"},
			How:   "Searches what the client wrote to standard error at every start for what was planted in an answer.",
			check: func(_ context.Context, r *run) finding {
				for _, o := range r.front.outcomes {
					if o.logged {
						return failed("an answer was found on standard error")
					}
				}
				return passed("nothing was found after %d starts", len(r.front.outcomes))
			},
		},
	}
}

// all returns the messages of every stage, and the headers of every request. Where a
// redirection led is the matter of its own case.
func (f *front) all() (messages []*message, headers []http.Header) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.stages {
		if s.name == elsewhere {
			continue
		}
		s.mu.Lock()
		messages = append(messages, s.messages...)
		headers = append(headers, s.documents...)
		s.mu.Unlock()
	}
	for _, m := range messages {
		headers = append(headers, m.header)
	}
	return messages, headers
}

func oneSize(_ context.Context, r *run) finding {
	all, _ := r.front.all()
	for _, m := range all {
		if len(m.body) != ohttp.RequestSize {
			return failed("a message of %d bytes", len(m.body))
		}
		if got := m.header.Get("Content-Type"); got != ohttp.MediaTypeRequest {
			return failed("a message of the type %s", clip(got))
		}
	}
	return passed("%d messages, one length", len(all))
}

func noHeaders(_ context.Context, r *run) finding {
	_, all := r.front.all()
	fine := []string{"Content-Type", "Content-Length", "Accept-Encoding", "Connection", "Cookie"} // cookies are another case
	for _, h := range all {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			if !slices.Contains(fine, name) && (name != "Accept" || h.Get(name) != "*/*") {
				return failed("a request came with %s", clip(name))
			}
		}
	}
	return passed("none in %d requests", len(all))
}

func noCookie(_ context.Context, r *run) finding {
	_, all := r.front.all()
	for _, h := range all {
		if h.Get("Cookie") != "" {
			return failed("a cookie came back")
		}
	}
	return passed("none in %d requests", len(all))
}

func freshMessage(_ context.Context, r *run) finding {
	all, _ := r.front.all()
	seen := map[string]bool{}
	for _, m := range all {
		key := string(m.body[:min(len(m.body), 7+32)]) // the header and the encapsulated key
		if seen[key] {
			return failed("one message came twice")
		}
		seen[key] = true
	}
	return passed("%d messages, each of its own", len(all))
}

func clientProof(_ context.Context, r *run) finding {
	seen := map[string]bool{}
	f := r.front
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.stages {
		if s.name == elsewhere {
			continue
		}
		s.mu.Lock()
		messages := slices.Clone(s.messages)
		s.mu.Unlock()
		want := thumbprint(s.key)
		for _, m := range messages {
			switch {
			case m.err != nil: // what does not open says nothing
			case m.wrong != nil:
				return failed("%s %s: %v", clip(m.inner.Method), clip(strings.SplitN(m.inner.Path, "?", 2)[0]), m.wrong)
			case m.proof.key != want:
				return failed("a proof by another key")
			case m.proof.id == "" || seen[m.proof.id]:
				return failed("a proof was used twice, or has no id")
			}
			seen[m.proof.id] = m.err == nil
		}
	}
	return passed("%d proofs", len(seen))
}
