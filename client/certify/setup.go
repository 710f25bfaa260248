package certify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"time"

	"github.com/amanah-project/amanah/client"
)

// ErrSetup is returned for what is no setup of a certification.
var ErrSetup = errors.New("certify: not a setup of a certification")

const (
	setupKind = "amanah-certify/1"
	setupHost = "certify.amanah.invalid" // no name of RFC 6761's .invalid is ever anybody's
	setupLife = 90 * 24 * time.Hour
	redacted  = "[redacted]"
)

// Setup is the stand-in platform as a partner's relay must know it: its address, its
// authority of certificates, and the relay's credential with it. It is a secret of
// no worth beyond the certification: it prints as [redacted]. A partner sets its
// relay up once and may run the list as often as it likes.
type Setup struct {
	Partner    uint32
	Host       string   // as proofs and venue codes name the platform
	Platform   string   // https URL by which the relay reaches the harness
	Token      string   // the relay's
	RelayKey   []byte   // Ed25519 seed of the relay's key; empty when the relay keeps its own
	Thumbprint [32]byte // RFC 7638, of the key that the relay's proofs must be by

	pin, venue, ticket []byte // Ed25519 seeds
	authority          []byte // DER
	authorityKey       []byte // Ed25519 seed
}

type setupJSON struct {
	Kind         string `json:"kind"`
	Partner      uint32 `json:"partner"`
	Host         string `json:"host"`
	Platform     string `json:"platform"`
	Token        string `json:"token"`
	RelayKey     []byte `json:"relay_key,omitempty"`
	Thumbprint   []byte `json:"thumbprint"`
	Pin          []byte `json:"pin"`
	Venue        []byte `json:"venue"`
	Ticket       []byte `json:"ticket"`
	Authority    []byte `json:"authority"`
	AuthorityKey []byte `json:"authority_key"`
}

func seed() []byte {
	b := make([]byte, ed25519.SeedSize)
	rand.Read(b)
	return b
}

// NewSetupFor makes a setup for a harness at that https URL and a relay whose key's
// RFC 7638 thumbprint is given: the key itself stays with the relay.
func NewSetupFor(partner uint32, platform string, thumbprint [32]byte) (*Setup, error) {
	u, err := url.Parse(platform)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%w: the platform is https://HOST:PORT, without a path", ErrSetup)
	}
	s := &Setup{
		Partner: partner, Host: setupHost, Platform: platform, Token: "certify." + rand.Text(), Thumbprint: thumbprint,
		pin: seed(), venue: seed(), ticket: seed(), authorityKey: seed(),
	}
	s.authority, err = authority(ed25519.NewKeyFromSeed(s.authorityKey), "Amanah certification")
	return s, err
}

// NewSetup makes a setup whose credential holds the relay's key, an Ed25519
// seed; nil makes one.
func NewSetup(partner uint32, platform string, key []byte) (*Setup, error) {
	if key == nil {
		key = seed()
	}
	if len(key) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: the relay's key is an Ed25519 seed", ErrSetup)
	}
	s, err := NewSetupFor(partner, platform, thumbprint(key))
	if err == nil {
		s.RelayKey = key
	}
	return s, err
}

// Marshal writes the document that ParseSetup reads.
func (s *Setup) Marshal() ([]byte, error) {
	return json.MarshalIndent(setupJSON{
		setupKind, s.Partner, s.Host, s.Platform, s.Token, s.RelayKey, s.Thumbprint[:], s.pin, s.venue, s.ticket, s.authority, s.authorityKey,
	}, "", "  ")
}

// ParseSetup reads a setup.
func ParseSetup(raw []byte) (*Setup, error) {
	var j setupJSON
	if len(raw) > 64<<10 || json.Unmarshal(raw, &j) != nil || j.Kind != setupKind || j.Host == "" || j.Platform == "" || j.Token == "" {
		return nil, ErrSetup
	}
	for _, k := range [][]byte{j.Thumbprint, j.Pin, j.Venue, j.Ticket, j.AuthorityKey} {
		if len(k) != ed25519.SeedSize { // a thumbprint's length, too
			return nil, fmt.Errorf("%w: a key is damaged", ErrSetup)
		}
	}
	if len(j.RelayKey) > 0 && (len(j.RelayKey) != ed25519.SeedSize || thumbprint(j.RelayKey) != [32]byte(j.Thumbprint)) {
		return nil, fmt.Errorf("%w: the relay's key is damaged", ErrSetup)
	}
	if _, err := x509.ParseCertificate(j.Authority); err != nil {
		return nil, fmt.Errorf("%w: its authority is damaged", ErrSetup)
	}
	return &Setup{j.Partner, j.Host, j.Platform, j.Token, j.RelayKey, [32]byte(j.Thumbprint), j.Pin, j.Venue, j.Ticket, j.Authority, j.AuthorityKey}, nil
}

// Format hides the setup from every verb.
func (*Setup) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalJSON hides the setup; Marshal is the way to write it.
func (*Setup) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Credential is the relay's, as `amanah partner relay` and client.NewRelay take it,
// without a key when the relay keeps its own.
func (s *Setup) Credential() client.RelayCredential {
	return client.RelayCredential{
		Host: s.Host, Platform: s.Platform, Partner: s.Partner, Token: s.Token, Key: s.RelayKey,
		Expires: time.Now().Add(setupLife).UTC().Truncate(time.Second),
	}
}

// Authority is the certificate, PEM, by which the relay knows the stand-in platform.
// The relay must trust it for this connection alone.
func (s *Setup) Authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.authority})
}

// thumbprint is the RFC 7638 name of the Ed25519 key of a seed.
func thumbprint(seed []byte) [32]byte {
	x := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + b64(x) + `"}`))
}

func authority(key ed25519.PrivateKey, name string) ([]byte, error) {
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(setupLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
}

func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}

// certificates are what the stand-in platform shows: the right one, and the wrong
// ones that a relay must refuse, by what is wrong with them.
type certificates struct {
	right tls.Certificate
	wrong map[string]tls.Certificate
}

func (s *Setup) certificates() (*certificates, error) {
	u, err := url.Parse(s.Platform)
	if err != nil {
		return nil, fmt.Errorf("%w: its platform is no URL", ErrSetup)
	}
	ca, err := x509.ParseCertificate(s.authority)
	if err != nil {
		return nil, fmt.Errorf("%w: its authority is damaged", ErrSetup)
	}
	key, host := ed25519.NewKeyFromSeed(s.authorityKey), u.Hostname()
	stranger := ed25519.NewKeyFromSeed(seed())
	der, err := authority(stranger, "Amanah certification") // of the same name
	if err != nil {
		return nil, err
	}
	other, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := &certificates{wrong: map[string]tls.Certificate{}}
	if c.right, err = leaf(ca, key, host, now.Add(setupLife)); err != nil {
		return nil, err
	}
	for what, of := range map[string]struct {
		ca    *x509.Certificate
		key   ed25519.PrivateKey
		host  string
		until time.Time
	}{
		"another authority": {other, stranger, host, now.Add(setupLife)},
		"another name":      {ca, key, "other.amanah.invalid", now.Add(setupLife)},
		"expired":           {ca, key, host, now.Add(-time.Minute)},
	} {
		if c.wrong[what], err = leaf(of.ca, of.key, of.host, of.until); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func leaf(ca *x509.Certificate, by ed25519.PrivateKey, host string, until time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca, key.Public(), by)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
