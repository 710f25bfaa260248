package token

import (
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrCertificate is returned for a certificate outside its time.
var ErrCertificate = fault.New(fault.Denied, "the certificate is not valid now")

// Certificate returns the SHA-256 (RFC 8705 §3.1, x5t#S256) of the certificate whose
// key the caller of this very connection holds, which TLS has shown. Who issued it is
// of no account: whoever asks knows certificates by their hashes. ErrToken when none
// was shown, whatever a header says; ErrCertificate, with the hash, when it is
// outside its time.
//
// A token is bound to this hash as it is to the RFC 7638 thumbprint of a proof's key,
// in the same field: a certificate is DER and a thumbprint's input is JSON, so that
// nothing has both names.
func Certificate(r *http.Request, now time.Time) (identity.Thumbprint, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return identity.Thumbprint{}, ErrToken
	}
	leaf, err := r.TLS.PeerCertificates[0], error(nil)
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		err = ErrCertificate
	}
	return sha256.Sum256(leaf.Raw), err
}
