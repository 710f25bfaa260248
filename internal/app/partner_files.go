package app

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client/certify"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// maxPartnerFile bounds what is read of a file of terms, a signature or a report.
const maxPartnerFile = 1 << 20

// ReadFile reads a small file that a command was given, named in errors by its last
// part alone.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Newf(fault.Invalid, "%s cannot be read: %v", filepath.Base(name), unwrapPath(err))
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxPartnerFile+1))
	if err != nil || len(raw) > maxPartnerFile {
		return nil, fault.Newf(fault.Invalid, "%s cannot be read, or is larger than 1 MiB", filepath.Base(name))
	}
	return raw, nil
}

// ReadTerms reads a file of terms and checks them as of now.
func ReadTerms(name string) (partner.Terms, error) {
	raw, err := ReadFile(name)
	if err != nil {
		return partner.Terms{}, err
	}
	t, err := partner.ParseTerms(raw)
	if err != nil {
		return t, err
	}
	return t, t.Check(time.Now())
}

// errKeyFile is returned for a file that is no private key of ours.
var errKeyFile = fault.New(fault.Invalid, "the key file is not one of 'amanah partner draft': a private Ed25519 JWK")

type privateJWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	D   string `json:"d"`
}

// WriteKey writes a private key as a JWK, mode 0600.
func WriteKey(name string, key ed25519.PrivateKey) error {
	b64 := base64.RawURLEncoding.EncodeToString
	raw, err := json.MarshalIndent(privateJWK{"OKP", "Ed25519", b64(key.Public().(ed25519.PublicKey)), b64(key.Seed())}, "", "  ")
	if err != nil {
		return err
	}
	return WriteSecret(name, append(raw, '\n'))
}

// ReadKey reads what WriteKey wrote.
func ReadKey(name string) (ed25519.PrivateKey, error) {
	raw, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	var k privateJWK
	if json.Unmarshal(raw, &k) != nil || k.Kty != "OKP" || k.Crv != "Ed25519" {
		return nil, errKeyFile
	}
	seed, err := base64.RawURLEncoding.DecodeString(k.D)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errKeyFile
	}
	key := ed25519.NewKeyFromSeed(seed)
	if base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) != k.X {
		return nil, errKeyFile
	}
	return key, nil
}

// DraftPartner makes keys for a new partner, writes each into a folder and returns
// terms to begin from.
func DraftPartner(dir string, id partner.ID, name string) (partner.Terms, error) {
	k, err := NewPartnerKeys()
	if err != nil {
		return partner.Terms{}, err
	}
	t := DraftTerms(id, name, k, time.Now())
	t.Limits.MessagesPerMinute, t.Stages = 6000, []int{1000, 20_000, 500_000}
	if err := t.Check(time.Now()); err != nil {
		return t, err
	}
	for file, key := range map[string]ed25519.PrivateKey{"sign.jwk": k.Sign, "relay.jwk": k.Relay, "client.jwk": k.Client} {
		if err := WriteKey(filepath.Join(dir, file), key); err != nil {
			return t, err
		}
	}
	return t, nil
}

// SignTerms signs terms with a partner's key, which must be the one they name or,
// for a later version, may be the one that the version before named.
func SignTerms(t partner.Terms, key ed25519.PrivateKey) (string, error) {
	raw, err := t.Canonical()
	if err != nil {
		return "", err
	}
	signature := partner.Detached(key, raw)
	if t.Version > 1 {
		return signature, nil
	}
	return signature, t.Verify(signature)
}

// ReadSignature reads a detached JWS from a file.
func ReadSignature(name string) (string, error) {
	raw, err := ReadFile(name)
	return strings.TrimSpace(string(raw)), err
}

// errReport is returned for a file that is no report of a certification.
var errReport = fault.New(fault.Invalid, "this is not a certification's report")

// ReadReport reads what a certification's report says for the roll-out.
func ReadReport(name string) (partner.Report, error) {
	raw, err := ReadFile(name)
	if err != nil {
		return partner.Report{}, err
	}
	return ParseReport(raw)
}

// ParseReport is ReadReport of a report's bytes.
func ParseReport(raw []byte) (partner.Report, error) {
	r, err := certify.Parse(raw)
	if err != nil {
		return partner.Report{}, errReport
	}
	out := partner.Report{Partner: partner.ID(r.Partner), Passed: r.Passed, At: r.At}
	if r.Relay == "" {
		return out, partner.ErrReport // only an app was tested
	}
	if out.Relay, err = ParseThumbprint(r.Relay); err != nil {
		return out, errReport
	}
	n, err := hex.Decode(out.Digest[:], []byte(r.Digest))
	if err != nil || n != len(out.Digest) {
		return out, errReport
	}
	return out, nil
}

// ParseThumbprint reads a key's RFC 7638 thumbprint in base64url.
func ParseThumbprint(s string) ([32]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != 32 {
		return [32]byte{}, fault.New(fault.Invalid, "a key's thumbprint is 43 characters of base64url, as 'amanah partner terms check' prints it")
	}
	return [32]byte(raw), nil
}
