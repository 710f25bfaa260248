package certify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/amanah-project/amanah/ohttp"
)

// relayForwarding are the cases of what goes through a relay.
func relayForwarding() []Case {
	return []Case{
		{
			ID: "relay/request-body", Subject: OfRelay,
			Title: Text{"Meneruskan isi pesan bit demi bit, dengan jenis isinya", "Forwards the body bit for bit, with its content type"},
			How:   "Sends messages, among them one of bytes that text tools change (NUL, CR LF, invalid UTF-8); each must reach the platform once, unchanged, as `message/ohttp-req`.",
			check: requestBody,
		},
		{
			ID: "relay/answer-body", Subject: OfRelay,
			Title: Text{"Mengembalikan jawaban bit demi bit, tanpa mengubah panjangnya", "Returns the answer bit for bit, its length unchanged"},
			How:   "The platform answers with a sealed answer, with bytes that text tools change and with a refusal; the sender asks for compression. Each answer must come back unchanged and unencoded.",
			check: answerBody,
		},
		{
			ID: "relay/answer-status", Subject: OfRelay,
			Title: Text{"Mengembalikan status dan jenis isi dari platform", "Returns the platform's status and content type"},
			How:   "The platform answers 200, 400, 403, 409, 429 and 503, each with its content type; the same must come back.",
			check: answerStatus,
		},
		{
			ID: "relay/one-resource", Subject: OfRelay, Hostile: true,
			Title: Text{"Hanya meneruskan pesan, ke satu sumber daya", "Forwards messages only, to one resource"},
			How:   "Asks the relay with other methods, other paths and a query; nothing but `POST /ohttp` and the two published documents may reach the platform.",
			check: oneResource,
		},
		{
			ID: "relay/tampered", Subject: OfRelay, Hostile: true,
			Title: Text{"Meneruskan pesan yang rusak apa adanya", "Forwards damaged messages as they are"},
			How:   "Sends messages with a bit turned in the header, the encapsulated key and the ciphertext, and bytes that are no message; each must arrive unchanged, not be mended, judged or dropped.",
			check: tampered,
		},
		{
			ID: "relay/oversized", Subject: OfRelay, Hostile: true,
			Title: Text{"Menolak isi yang terlalu besar, tidak memotongnya", "Refuses bodies that are too big and does not cut them"},
			How:   "Sends one byte too many, and 2 MiB; the sender must be refused, no part of either may arrive, nor the 2 MiB at all.",
			check: oversized,
		},
		{
			ID: "relay/no-mix", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak menukar jawaban pesan yang bersamaan", "Does not mix up messages that are under way together"},
			How:   "Sends 16 messages that the platform holds until all are there or a moment has passed; each sender must get the answer to its own.",
			check: noMix,
		},
	}
}

// rough are bytes that a program mangles which takes a message for text.
func rough(size int) []byte {
	b := make([]byte, size)
	rand.Read(b)
	b[0] = 1 // the id of the platform's key
	copy(b[8:], "\r\n\r\n\x00\xff\xfe\xc0\xaf\n\n\t%00&amp;\xed\xa0\x80")
	copy(b[size-4:], "\r\n\r\n")
	return b
}

func requestBody(ctx context.Context, r *run) finding {
	for _, body := range [][]byte{nil, rough(ohttp.RequestSize)} {
		var e *exchange
		if body == nil {
			e = r.driver.fresh(ctx, nil)
		} else {
			e = r.driver.send(ctx, body, nil, nil)
		}
		own := e.own()
		switch {
		case len(own) == 0 && len(e.altered()) > 0:
			return failed("%d bytes were sent, %s arrived", len(e.body), difference(e.body, e.altered()[0].body))
		case len(own) == 0:
			return failed("a message did not arrive")
		case own[0].header.Get("Content-Type") != ohttp.MediaTypeRequest:
			return failed("the content type arrived as %s", clip(own[0].header.Get("Content-Type")))
		}
	}
	return passed("arrived unchanged")
}

// difference says where got leaves want, and nothing of what they hold.
func difference(want, got []byte) string {
	n := 0
	for n < len(want) && n < len(got) && want[n] == got[n] {
		n++
	}
	return fmt.Sprintf("%d bytes, different from byte %d on", len(got), n)
}

func answerBody(ctx context.Context, r *run) finding {
	e := r.driver.send(ctx, must(r.driver.message()), nil, http.Header{"Accept-Encoding": {"gzip, br, deflate"}})
	r.platform.mu.Lock()
	given := r.platform.answers[e.sum]
	r.platform.mu.Unlock()
	if given != nil && !bytes.Equal(given, e.answer) {
		return failed("of %d bytes, %s came back", len(given), difference(given, e.answer))
	}
	for _, want := range [][]byte{rough(ohttp.ResponseSize), []byte("{}"), problem(http.StatusBadRequest, "", "\u003cno message\u003e")} {
		e := r.driver.fresh(ctx, func(w http.ResponseWriter, _ *http.Request, _ int) {
			reply(w, http.StatusOK, ohttp.MediaTypeResponse, want)
		})
		if !bytes.Equal(want, e.answer) {
			return failed("of %d bytes, %s came back", len(want), difference(want, e.answer))
		}
		if enc := e.header.Get("Content-Encoding"); enc != "" {
			return failed("the answer was encoded as %s", clip(enc))
		}
	}
	return passed("came back unchanged")
}

// must turns a message that cannot be made, which only a broken source of chance
// brings about, into an empty one, that every case fails.
func must(b []byte, err error) []byte {
	if err != nil {
		return nil
	}
	return b
}

func answerStatus(ctx context.Context, r *run) finding {
	for _, c := range []struct {
		status int
		media  string
	}{
		{200, ohttp.MediaTypeResponse}, {400, problemType}, {403, problemType}, {409, problemType}, {429, problemType}, {503, problemType},
	} {
		e := r.driver.fresh(ctx, func(w http.ResponseWriter, _ *http.Request, _ int) {
			reply(w, c.status, c.media, problem(c.status, "", "as the case says"))
		})
		if e.status != c.status {
			return failed("the platform said %d, the relay %d", c.status, e.status)
		}
		if got := e.header.Get("Content-Type"); got != c.media {
			return failed("with status %d the content type %s came back as %s", c.status, c.media, clip(got))
		}
	}
	return passed("6 statuses came back with their types")
}

func oneResource(ctx context.Context, r *run) finding {
	body := must(r.driver.message())
	first, done := r.platform.expect(sha256.Sum256(body), nil)
	defer done()
	for _, c := range []struct {
		method, path string
		body         []byte
	}{
		{"GET", "", nil}, {"GET", "/v1/status", nil}, {"GET", "/../v1/links", nil}, {"DELETE", "", nil}, {"HEAD", "/v1/status", nil},
		{"OPTIONS", "", nil}, {"PUT", "", body}, {"PATCH", "/ohttp", body}, {"POST", "/v1/visits", body}, {"POST", "?person=planted", body},
	} {
		_, _, _, _ = r.driver.request(ctx, c.method, c.path, c.body, nil) // what it is answered is the relay's affair
	}
	for _, a := range r.platform.since(first) {
		ok := a.method == http.MethodPost && a.uri == pathMessage || a.method == http.MethodGet && (a.uri == ohttp.WellKnownPath || a.uri == pathKeys)
		if !ok {
			return failed("%s %s reached the platform", clip(a.method), clip(a.uri))
		}
	}
	return passed("nothing else reached the platform")
}

func tampered(ctx context.Context, r *run) finding {
	var bodies [][]byte
	for _, at := range []int{0, 3, 12, 60, ohttp.RequestSize - 1} {
		body := must(r.driver.message())
		if len(body) > at {
			body[at] ^= 1
		}
		bodies = append(bodies, body)
	}
	for _, body := range append(bodies, make([]byte, ohttp.RequestSize)) {
		e := r.driver.send(ctx, body, nil, nil)
		if len(e.own()) > 0 {
			continue
		}
		if len(e.altered()) > 0 {
			return failed("a damaged message arrived as %s", difference(body, e.altered()[0].body))
		}
		return failed("a damaged message did not arrive; the relay answered %d", e.status)
	}
	return passed("%d damaged messages arrived unchanged", len(bodies)+1)
}

func oversized(ctx context.Context, r *run) finding {
	const huge = 2 << 20
	for _, size := range []int{ohttp.RequestSize + 1, huge} {
		body := make([]byte, size)
		rand.Read(body)
		e := r.driver.send(ctx, body, nil, nil)
		switch {
		case len(e.altered()) > 0:
			return failed("%d bytes were sent and %d arrived", size, len(e.altered()[0].body))
		case size == huge && len(e.own()) > 0:
			return failed("%d bytes were passed on", size)
		case e.err == nil && e.status < 400:
			return failed("%d bytes were answered with %d", size, e.status)
		}
	}
	return passed("both refused")
}

func noMix(ctx context.Context, r *run) finding {
	const together = 16
	var there sync.WaitGroup
	there.Add(together)
	all := make(chan struct{})
	go func() { there.Wait(); close(all) }()
	exchanges := make([]*exchange, together)
	answers := make([][]byte, together)
	var done sync.WaitGroup
	for i := range exchanges {
		answers[i] = make([]byte, ohttp.ResponseSize)
		rand.Read(answers[i])
		arrived := sync.OnceFunc(there.Done)
		done.Go(func() {
			exchanges[i] = r.driver.fresh(ctx, func(w http.ResponseWriter, req *http.Request, _ int) {
				arrived()
				select { // a relay may let few through at a time
				case <-all:
				case <-req.Context().Done():
				case <-afterMoment():
				}
				reply(w, http.StatusOK, ohttp.MediaTypeResponse, answers[i])
			})
			arrived()
		})
	}
	done.Wait()
	for i, e := range exchanges {
		for j, other := range answers {
			if i != j && bytes.Equal(e.answer, other) {
				return failed("a sender got the answer to another's message")
			}
		}
	}
	return passed("16 senders, 16 answers, each its own")
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// clip makes a text from another side fit for a report: short, printable, quoted.
func clip(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return strings.ToValidUTF8(fmt.Sprintf("%q", s), "?")
}
