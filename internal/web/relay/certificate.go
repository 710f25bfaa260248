package relay

import (
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/token"
)

// ErrCertificate is returned for a certificate outside its time.
var ErrCertificate = fault.New(fault.Denied, "the relay's certificate is not valid now")

// byCertificate admits a relay by its TLS client certificate (RFC 8705 §2.2): the
// agreement names the certificate's SHA-256, so who issued it is of no account, and
// TLS has shown that the relay holds its key. Nothing else need be sent, which is
// all that a plain reverse proxy can do.
//
// Only the certificate of this very connection counts: a header that names one
// could be written by anybody.
func (h *Handler) byCertificate(r *http.Request, now time.Time) (caller, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return caller{}, token.ErrToken
	}
	leaf := r.TLS.PeerCertificates[0]
	grant, err := h.Partners.AdmitCertificate(sha256.Sum256(leaf.Raw))
	if err != nil {
		return caller{}, err
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		err = ErrCertificate
	}
	return caller{partner: grant.Partner, grant: grant}, err
}
