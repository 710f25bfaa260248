package relay

import (
	"errors"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/web/token"
)

// byCertificate admits a relay by its TLS client certificate (RFC 8705 §2.2): the
// agreement names the certificate's SHA-256, so who issued it is of no account, and
// TLS has shown that the relay holds its key. Nothing else need be sent, which is
// all that a plain reverse proxy can do.
//
// Only the certificate of this very connection counts: a header that names one
// could be written by anybody.
func (h *Handler) byCertificate(r *http.Request, now time.Time) (caller, error) {
	sum, timely := token.Certificate(r, now)
	if errors.Is(timely, token.ErrToken) {
		return caller{}, timely
	}
	grant, err := h.Partners.AdmitCertificate(sum)
	if err != nil {
		return caller{}, err
	}
	return caller{partner: grant.Partner, grant: grant}, timely
}
