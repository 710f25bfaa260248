// Package mutual lets a server and a keeper on different hosts know each other: TLS 1.3
// (RFC 8446) on which each end shows a certificate whose key the other was given
// beforehand. No issuer is trusted, no name is compared, and nothing is said before both
// are known.
package mutual

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Errors of connections and of the files that say who is known.
var (
	ErrStranger = fault.New(fault.Denied, "the other end shows no certificate that this end was given")
	ErrExpired  = fault.New(fault.Denied, "the other end's certificate is not good at this time: make a new one, or set the clock")
	ErrFile     = fault.New(fault.Invalid, "the file holds no certificate: PEM, one or more blocks CERTIFICATE")
	ErrTwice    = fault.New(fault.Invalid, "one certificate is given to both servers and operators: an operator's own is needed")
)

// Pin is the SHA-256 of a certificate's public key (RFC 7469 §2.4): a certificate renewed
// with the same key is the same end.
type Pin [sha256.Size]byte

// PinOf is a certificate's.
func PinOf(c *x509.Certificate) Pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// Known says in what role each end that is known may speak.
type Known map[Pin]keeper.Role

// Add reads certificates in PEM, all for one role; ErrFile, ErrTwice.
func (k Known) Add(role keeper.Role, text []byte) error {
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return ErrFile
		}
		pin := PinOf(c)
		if had, ok := k[pin]; ok && had != role {
			return ErrTwice
		}
		k[pin] = role
		n++
	}
	if n == 0 {
		return ErrFile
	}
	return nil
}

// Role returns what the other end of a connection may ask; ErrStranger, ErrExpired. The
// handshake proved that it holds its certificate's key.
func (k Known) Role(s tls.ConnectionState) (keeper.Role, error) {
	if len(s.PeerCertificates) == 0 {
		return 0, ErrStranger
	}
	c := s.PeerCertificates[0]
	role, ok := k[PinOf(c)]
	if !ok {
		return 0, ErrStranger
	}
	if now := time.Now(); now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return 0, ErrExpired
	}
	return role, nil
}

// Config is for either end. own is read at each handshake.
func Config(own func() (*tls.Certificate, error), k Known) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return own()
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return own()
		},
		ClientAuth: tls.RequireAnyClientCert,
		// What follows replaces the verification by issuer and name, and is called for
		// resumed sessions too.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := k.Role(s)
			return err
		},
		SessionTicketsDisabled: true,
	}
}
