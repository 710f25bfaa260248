package mutual_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/mutual"
)

func certify(t *testing.T, key ed25519.PrivateKey, serial int64, life time.Duration) (*x509.Certificate, []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(life)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestKnown: a certificate is known by its key, so one renewed with the same key is, and
// one end has one role.
func TestKnown(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, text := certify(t, key, 1, time.Hour)
	renewed, _ := certify(t, key, 2, time.Hour)
	over, _ := certify(t, key, 3, -time.Hour)
	stranger, _ := certify(t, other, 1, time.Hour)

	k := mutual.Known{}
	if err := k.Add(keeper.RoleServe, append([]byte("a comment\n"), text...)); err != nil {
		t.Fatal(err)
	}
	if err := k.Add(keeper.RoleAdmin, text); !errors.Is(err, mutual.ErrTwice) {
		t.Errorf("for a second role: %v", err)
	}
	for _, bad := range []string{"", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if err := k.Add(keeper.RoleServe, []byte(bad)); !errors.Is(err, mutual.ErrFile) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, c := range []struct {
		name  string
		shown []*x509.Certificate
		want  error
	}{
		{"as given", []*x509.Certificate{first}, nil},
		{"renewed", []*x509.Certificate{renewed}, nil},
		{"over", []*x509.Certificate{over}, mutual.ErrExpired},
		{"a stranger", []*x509.Certificate{stranger}, mutual.ErrStranger},
		{"a stranger, with one that is known behind", []*x509.Certificate{stranger, first}, mutual.ErrStranger},
		{"none", nil, mutual.ErrStranger},
	} {
		role, err := k.Role(tls.ConnectionState{PeerCertificates: c.shown})
		if !errors.Is(err, c.want) || (err == nil) != (role == keeper.RoleServe) {
			t.Errorf("%s: %v %v", c.name, role, err)
		}
	}
}
