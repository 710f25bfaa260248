// Package relay is the platform's door for partners' relays: one resource that
// takes an encapsulated message and answers with one, and the documents that
// devices fetch through their relay.
//
// What a relay can see of the platform's answer depends on who the relay is and
// on the framing alone: every message that opens is answered with 200, one
// length and one set of headers.
package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
)

// Errors that a relay sees.
var (
	ErrMedia  = fault.New(fault.Invalid, "the content type must be message/ohttp-req")
	ErrSize   = fault.Newf(fault.Invalid, "an encapsulated request has exactly %d bytes", ohttp.RequestSize)
	ErrKeyID  = fault.New(fault.Invalid, "the key configuration is not known: fetch it again")
	ErrOpen   = fault.New(fault.Invalid, "the message does not open")
	ErrReplay = fault.New(fault.Conflict, "the message was sent before")
	ErrLoad   = fault.New(fault.Busy, "too many messages: try again shortly")
)

// Partners says which partners are served.
type Partners interface {
	// Admit returns what a partner may do now whose agreement in force binds its
	// relay to that key; else why it is not served.
	Admit(id partner.ID, key [32]byte) (partner.Grant, error)
	// AdmitCertificate is Admit for the partner whose agreement binds the certificate
	// with that SHA-256.
	AdmitCertificate(sum [32]byte) (partner.Grant, error)
	// Spend takes one message from the partner's quota; partner.ErrQuota.
	Spend(g partner.Grant) error
}

// Device answers the opened requests.
type Device interface {
	Serve(ctx context.Context, r *api.Request) api.Response
}

// Observer is told of each message, for metrics.
type Observer interface {
	Relayed(partner, outcome string)
}

// Handler takes encapsulated messages.
type Handler struct {
	URL      string // of this resource, as relays' proofs name it
	Tokens   func() *token.Sealer
	Nonces   *dpop.Nonces
	Once     *dpop.Once
	Partners Partners
	Gateway  *ohttp.Gateway
	Device   Device
	Seen     Observer
	Now      func() time.Time
	Known    *dpop.Known // relays' proof headers
}

// ServeHTTP answers POST /ohttp.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := h.Now()
	who, err := h.admit(r, now)
	if err == nil {
		err = h.Partners.Spend(who.grant)
	}
	if err != nil {
		h.refuse(w, who, err)
		return
	}
	var buf [ohttp.RequestSize + 1]byte
	body, err := read(r, buf[:])
	if err != nil {
		h.refuse(w, who, err)
		return
	}
	answer, outcome, err := h.answer(r.Context(), who, body)
	if err != nil {
		h.refuse(w, who, err)
		return
	}
	head := w.Header()
	head["Content-Type"] = mediaResponse
	head["Content-Length"] = []string{strconv.Itoa(len(answer))}
	head["Cache-Control"] = noStore
	head["Dpop-Nonce"] = []string{h.Nonces.Give()}
	h.Seen.Relayed(who.partner.String(), outcome)
	_, _ = w.Write(answer) // a relay that hung up loses the answer; the retry finds it
}

// These slices are shared by all answers and never written to.
var (
	mediaResponse = []string{ohttp.MediaTypeResponse}
	noStore       = []string{"no-store"}
)

// caller is a relay that was admitted, or was refused.
type caller struct {
	partner partner.ID    // 0 when nobody is known
	grant   partner.Grant // what the partner may do now
	proof   dpop.Proof    // the relay's own; none of a certificate
}

// admit verifies the relay's own credential, a token and proof or a certificate.
// Whose it is it says, for metrics, even of one that is refused.
func (h *Handler) admit(r *http.Request, now time.Time) (caller, error) {
	auth := r.Header.Get("Authorization")
	if auth == "" {
		return h.byCertificate(r, now)
	}
	sealed, ok := strings.CutPrefix(auth, "DPoP ")
	if !ok {
		return caller{}, token.ErrToken
	}
	claims, err := h.Tokens().Open(sealed, token.ScopeRelay, now)
	if err != nil {
		return caller{}, err
	}
	who := caller{partner: claims.Partner}
	if who.grant, err = h.Partners.Admit(claims.Partner, claims.Key); err != nil {
		return who, err
	}
	proof, err := dpop.Verify(r.Header.Get("DPoP"), dpop.Want{
		Method: http.MethodPost, URL: h.URL, Token: sealed, Fresh: h.Nonces.Fresh, Known: h.Known,
	})
	if err != nil {
		return who, err
	}
	if proof.Thumbprint != claims.Key {
		return who, dpop.ErrBound
	}
	who.proof = proof
	return who, h.Once.Use(proof, now)
}

// read takes the body if it is of the right type and size. It reads into buf,
// which has room for one byte too many.
func read(r *http.Request, buf []byte) ([]byte, error) {
	if r.Header.Get("Content-Type") != ohttp.MediaTypeRequest {
		return nil, ErrMedia
	}
	n, err := io.ReadFull(r.Body, buf)
	if !errors.Is(err, io.ErrUnexpectedEOF) || n == 0 {
		return nil, ErrSize
	}
	return buf[:n], nil
}

// answer opens a message, has it answered and seals the answer; the outcome is for
// metrics.
func (h *Handler) answer(ctx context.Context, who caller, body []byte) (sealed []byte, outcome string, err error) {
	plain, seal, err := h.Gateway.Open(body)
	if err != nil {
		return nil, "", framing(err)
	}
	inner, err := ohttp.ParseRequest(plain)
	if err != nil {
		// It opened, so nothing but the sealed answer may tell the relay.
		inner = ohttp.Request{}
	}
	out := h.Device.Serve(ctx, &api.Request{
		Partner: who.partner,
		Grant:   who.grant,
		Method:  inner.Method,
		Path:    inner.Path,
		Auth:    ohttp.Get(inner.Header, "authorization"),
		Proof:   all(inner.Header, "dpop"),
		Lang:    ohttp.Get(inner.Header, "accept-language"),
		Media:   ohttp.Get(inner.Header, "content-type"),
		Body:    inner.Body,
		Relay:   who.proof,

		Attestation: all(inner.Header, "oauth-client-attestation"),
	})
	outcome = "answered"
	message, err := encode(out)
	if err != nil {
		// An answer that fits no message is our mistake; the relay must not see even
		// that one was made.
		outcome = fault.Internal.String()
		status, text := problem.Document(err)
		if message, err = encode(api.Response{Status: status, Type: problem.Type, Nonce: out.Nonce, Body: text}); err != nil {
			return nil, "", err
		}
	}
	if sealed, err = seal.Seal(nil, message); err != nil {
		return nil, "", err
	}
	out.Departs.Wait()
	return leak(sealed, out), outcome, nil
}

// all joins the values of a field that may be there once: two proofs are none.
func all(fields []ohttp.Field, name string) string {
	first, more := "", false
	for _, f := range fields {
		switch {
		case f.Name != name:
		case more:
			return first + ", " + f.Value
		default:
			first, more = f.Value, true
		}
	}
	return first
}

func encode(r api.Response) ([]byte, error) {
	message, err := ohttp.AppendResponse(nil, &ohttp.Response{
		Status: r.Status,
		Header: []ohttp.Field{{Name: "content-type", Value: r.Type}, {Name: "dpop-nonce", Value: r.Nonce}},
		Body:   r.Body,
	})
	if err == nil && len(message) > ohttp.MaxResponse {
		err = ohttp.ErrTooLarge
	}
	return message, err
}

// framing translates what may be said of a message that did not open.
func framing(err error) error {
	switch {
	case errors.Is(err, ohttp.ErrSize):
		return ErrSize
	case errors.Is(err, ohttp.ErrKeyID):
		return staleKey{ErrKeyID}
	case errors.Is(err, ohttp.ErrReplay):
		return ErrReplay
	case errors.Is(err, ohttp.ErrReplayCacheFull):
		return ErrLoad
	}
	return ErrOpen
}

func (h *Handler) refuse(w http.ResponseWriter, who caller, err error) {
	w.Header()["Dpop-Nonce"] = []string{h.Nonces.Give()}
	h.Seen.Relayed(who.partner.String(), fault.KindOf(err).String())
	problem.Write(w, err)
}

// staleKey carries the problem type that tells a device to fetch the key
// configuration again.
type staleKey struct{ error }

// Unwrap returns the fault.
func (e staleKey) Unwrap() error { return e.error }

// ProblemType implements problem.Typed.
func (staleKey) ProblemType() string { return ohttp.ProblemKey }
