package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/mutual"
	keeperserver "github.com/amanah-project/amanah/internal/keeper/server"
)

func (c Config) checkKeeper(say func(bool, string, ...any)) {
	k := c.Keeper
	say(k.Address != "" && (k.Socket != "" || k.Admin != ""), "keeper.address and keeper.socket name two keepers: set one")
	say(k.Address != "" && k.SameUser, "keeper.same_user is for a keeper on this host, and keeper.address names another: unset one")
	say(k.Address != "" && (k.Cert == "" || k.Key == "" || k.Known == ""), "keeper.address needs keeper.cert and keeper.key, made when absent, and keeper.known: a copy of the certificate file of the keeper")
	say(k.Address == "" && (k.Cert != "" || k.Key != "" || k.Known != ""), "keeper.cert, keeper.key and keeper.known are for a keeper on another host: set keeper.address")
}

// keeperClient is of the keeper on another host, where one is configured, else of the
// socket; where names it in an error.
func (c Config) keeperClient(socket string) (k *keeperclient.Client, where string, err error) {
	if c.Keeper.Address == "" {
		return keeperclient.New(socket), filepath.Base(socket), nil
	}
	if err := makeCertificate(c.Keeper.Cert, c.Keeper.Key, c.Host); err != nil {
		return nil, "", err
	}
	known := mutual.Known{}
	// Who answers asks nothing, so their role is not looked at.
	if err := addKnown(known, keeper.RoleServe, c.Keeper.Known); err != nil {
		return nil, "", err
	}
	own := &certificate{cert: c.Keeper.Cert, key: c.Keeper.Key}
	config := mutual.Config(own.own, known)
	where = c.Keeper.Address + " to who shows " + filepath.Base(c.Keeper.Cert) + " (was that certificate given to the keeper?)"
	return keeperclient.NewRemote(c.Keeper.Address, config), where, nil
}

// remote listens for other hosts, where the keeper is to.
func (cfg KeeperConfig) remote() (*keeperserver.Remote, error) {
	if cfg.Listen == "" {
		if cfg.Cert+cfg.Key+cfg.Servers+cfg.Operators != "" {
			return nil, fault.New(fault.Invalid, "--cert, --key, --servers and --operators are for other hosts: give --listen too")
		}
		return nil, nil
	}
	if cfg.Cert == "" || cfg.Key == "" || cfg.Servers == "" {
		return nil, fault.New(fault.Invalid, "--listen needs --cert and --key, made when absent, and --servers: a copy of the certificate file of each server")
	}
	if err := makeCertificate(cfg.Cert, cfg.Key, "keeper"); err != nil {
		return nil, err
	}
	r := &keeperserver.Remote{Own: (&certificate{cert: cfg.Cert, key: cfg.Key}).own, Known: mutual.Known{}}
	if err := addKnown(r.Known, keeper.RoleServe, cfg.Servers); err != nil {
		return nil, err
	}
	if cfg.Operators != "" {
		if err := addKnown(r.Known, keeper.RoleAdmin, cfg.Operators); err != nil {
			return nil, err
		}
	}
	var err error
	r.Listener, err = net.Listen("tcp", cfg.Listen)
	return r, err
}

func addKnown(k mutual.Known, role keeper.Role, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fault.Newf(fault.Invalid, "%s cannot be read: copy the other end's certificate file there", filepath.Base(name))
	}
	if err := k.Add(role, text); err != nil {
		return fault.Newf(fault.Invalid, "%s: %v", filepath.Base(name), err)
	}
	return nil
}

// certificateLife is how long a certificate is good that is known by its key alone.
const certificateLife = 5 * 365 * 24 * time.Hour

// makeCertificate makes a self-signed certificate and its key where neither is.
func makeCertificate(cert, key, name string) error {
	_, err1 := os.Stat(cert)
	_, err2 := os.Stat(key)
	if !os.IsNotExist(err1) && !os.IsNotExist(err2) {
		return nil
	}
	if !os.IsNotExist(err1) || !os.IsNotExist(err2) {
		return fault.Newf(fault.Invalid, "of %s and %s one is there and the other is not: restore it, or remove both and give the other end the new certificate", filepath.Base(cert), filepath.Base(key))
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := WriteSecret(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})); err != nil {
		return err
	}
	return WriteSecret(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
