package certify

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// relayTrust are the cases of a relay's credential and of whom it trusts.
func relayTrust() []Case {
	return []Case{
		{
			ID: "relay/credential", Subject: OfRelay,
			Title: Text{"Membuktikan diri dengan kunci dalam perjanjian", "Proves itself with the key of its agreement"},
			How:   "Every message must carry the token given and a DPoP proof (RFC 9449) by the relay's key for `POST` and the platform's URL, or come over a connection with the relay's certificate (RFC 8705).",
			check: credential,
		},
		{
			ID: "relay/fresh-proof", Subject: OfRelay, Hostile: true,
			Title: Text{"Membuat bukti baru untuk setiap pesan", "Makes a new proof for each message"},
			How:   "No proof's id may come twice, each must be of this moment and carry a nonce that the platform gave. Does not apply to a certificate, which each connection proves anew.",
			check: freshProof,
		},
		{
			ID: "relay/nonce", Subject: OfRelay,
			Title: Text{"Mematuhi use_dpop_nonce", "Obeys use_dpop_nonce"},
			How:   "The platform takes nothing of a message and asks for a proof with a nonce; the relay must send the message once more with that nonce and return the second answer.",
			check: nonce,
		},
		{
			ID: "relay/nonce-once", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak mengulang tanpa henti", "Does not repeat without end"},
			How:   "The platform asks for another nonce each time; a message may arrive twice, not more often.",
			check: nonceOnce,
		},
		{
			ID: "relay/platform-certificate", Subject: OfRelay, Hostile: true,
			Title: Text{"Menolak platform palsu", "Refuses a false platform"},
			How:   "The platform shows a certificate of another authority, of another name, and an expired one; no message may reach it, and the relay must answer with an error.",
			check: platformCertificate,
		},
		{
			ID: "relay/tls-only", Subject: OfRelay, Hostile: true,
			Title: Text{"Hanya berbicara melalui TLS", "Speaks TLS only"},
			How:   "In the whole run, the refused certificates included, the relay must not have spoken to the platform without TLS.",
			check: tlsOnly,
		},
		{
			ID: "relay/key-documents", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak mengubah kunci platform", "Does not alter the platform's keys"},
			How:   "Fetches `/ohttp-keys` and `/keys` through the relay; they must be the platform's documents, byte for byte. Does not apply to a relay that serves neither.",
			check: keyDocuments,
		},
	}
}

// byCertificate reports whether the relay shows a certificate instead of proofs.
func (r *run) byCertificate() bool {
	kind, _ := r.platform.credential()
	return kind == ByCertificate
}

func credential(_ context.Context, r *run) finding {
	all := r.platform.messages()
	want := r.opt.Setup.Thumbprint
	for _, a := range all {
		switch {
		case r.byCertificate() && r.opt.Certificate == "":
			return failed("the relay shows a certificate, and the run was not told which one is right")
		case r.byCertificate() && a.cert != r.opt.Certificate:
			return failed("a message came with another certificate, or none")
		case r.byCertificate():
		case a.wrong != nil:
			return failed("a message came with a wrong proof: %v", a.wrong)
		case a.proof.key != want:
			return failed("a message came with a proof by another key")
		}
	}
	return passed("right in %d messages", len(all))
}

func freshProof(ctx context.Context, r *run) finding {
	if r.byCertificate() {
		return notApplicable("the relay shows a certificate")
	}
	for range 3 {
		r.driver.fresh(ctx, nil)
	}
	seen := map[string]bool{}
	all := r.platform.messages()
	r.platform.mu.Lock()
	defer r.platform.mu.Unlock()
	for i, a := range all {
		age := a.at.Sub(a.proof.issued)
		switch {
		case a.proof.id == "" || seen[a.proof.id]:
			return failed("message %d came with the proof id of an earlier one", i+1)
		case age < -proofAge || age > proofAge:
			return failed("message %d came with a proof of %s before", i+1, age.Round(time.Second))
		case a.proof.nonce != "" && !r.platform.nonces[a.proof.nonce]:
			return failed("message %d came with a nonce that the platform did not give", i+1)
		}
		seen[a.proof.id] = true
	}
	return passed("%d messages, %d proofs", len(all), len(seen))
}

// demand refuses a message for want of a nonce, and hands one out.
func (r *run) demand(w http.ResponseWriter) string {
	n := r.platform.give()
	w.Header().Set("Dpop-Nonce", n)
	reply(w, http.StatusForbidden, problemType, problem(http.StatusForbidden, "", "use_dpop_nonce: repeat the request with the nonce given"))
	return n
}

func nonce(ctx context.Context, r *run) finding {
	if r.byCertificate() {
		return notApplicable("the relay shows a certificate")
	}
	given := make(chan string, 1)
	e := r.driver.fresh(ctx, func(w http.ResponseWriter, _ *http.Request, nth int) {
		if nth == 1 {
			given <- r.demand(w)
			return
		}
		w.Header().Set("Dpop-Nonce", r.platform.give())
		reply(w, http.StatusOK, ohttp.MediaTypeResponse, []byte("second"))
	})
	own := e.own()
	switch {
	case len(own) < 2:
		return failed("the message was not sent again with the nonce")
	case own[1].proof.nonce != <-given:
		return failed("the message was sent again without the nonce given")
	case e.status != http.StatusOK || !bytes.Equal(e.answer, []byte("second")):
		return failed("the second answer did not come back")
	}
	return passed("sent again with the nonce")
}

func nonceOnce(ctx context.Context, r *run) finding {
	if r.byCertificate() {
		return notApplicable("the relay shows a certificate")
	}
	e := r.driver.fresh(ctx, func(w http.ResponseWriter, _ *http.Request, nth int) {
		if nth > 20 { // it would never end
			refuseWith(http.StatusForbidden)(w, nil, nth)
			return
		}
		r.demand(w)
	})
	if n := len(e.own()); n > 2 {
		return failed("one message arrived %d times", n)
	}
	return passed("arrived %d times", len(e.own()))
}

func platformCertificate(ctx context.Context, r *run) finding {
	p := r.platform
	defer func() {
		p.shown.Store(&p.certs.right)
		p.listener.cut()
	}()
	kinds := make([]string, 0, len(p.certs.wrong))
	for what := range p.certs.wrong {
		kinds = append(kinds, what)
	}
	slices.Sort(kinds)
	for _, what := range kinds {
		wrong := p.certs.wrong[what]
		p.shown.Store(&wrong)
		p.listener.cut()
		e := r.driver.fresh(ctx, nil)
		switch {
		case len(e.own())+len(e.altered()) > 0:
			return failed("a message reached a platform whose certificate is %s", what)
		case e.err == nil && e.status < 500:
			return failed("the relay answered %d for a platform whose certificate is %s", e.status, what)
		}
	}
	return passed("3 false platforms, none reached")
}

func tlsOnly(_ context.Context, r *run) finding {
	if n := r.platform.listener.plaintext(); n > 0 {
		return failed("%d connections without TLS", n)
	}
	return passed("every connection spoke TLS")
}

func keyDocuments(ctx context.Context, r *run) finding {
	served := 0
	for path, want := range map[string][]byte{"/ohttp-keys": r.platform.envelope, "/keys": r.platform.published} {
		status, _, got, err := r.driver.request(ctx, http.MethodGet, path, nil, nil)
		switch {
		case err == nil && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed):
		case err != nil || status != http.StatusOK:
			return failed("%s was answered with %d", path, status)
		case !bytes.Equal(got, want):
			return failed("%s came as %s", path, difference(want, got))
		default:
			served++
		}
	}
	if served == 0 {
		return notApplicable("the relay serves no documents")
	}
	return passed("%d documents, unaltered", served)
}
