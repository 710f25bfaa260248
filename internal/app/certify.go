package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/client/certify"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
)

// Files of a setup's folder.
const (
	setupFile     = "setup.json"
	setupRelay    = "relay.json"
	setupPlatform = "platform.pem"
)

// CertifyOptions are what `amanah partner examine` needs beside the run's own.
type CertifyOptions struct {
	certify.Options
	Setup      string // folder
	Partner    uint32 // of a new setup
	Credential string // file of the relay's real credential, whose key a new setup takes
	Key        string // thumbprint, base64url, of the key that the relay keeps
	Listen     string
	Platform   string            // URL of the harness; empty for Listen's
	Report     string            // file for the report
	Markdown   string            // file for people; empty for none
	Language   certify.Language  // of Markdown
	Say        func(text string) // what the partner has to do
}

// Certify runs the published cases and writes the report, whole or not at all.
func Certify(ctx context.Context, opt CertifyOptions) (*certify.Report, error) {
	setup, err := opt.setup()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{opt.Report, opt.Markdown} { // before minutes are spent
		if info, err := os.Stat(filepath.Dir(name)); name != "" && (err != nil || !info.IsDir()) {
			return nil, fault.Newf(fault.Invalid, "there is no folder for %s", filepath.Base(name))
		}
	}
	run := opt.Options
	run.Setup = setup
	if run.Relay != "" {
		if run.Listener, err = bind(opt.Listen); err != nil {
			return nil, err
		}
		defer run.Listener.Close()
		opt.Say(fmt.Sprintf("the stand-in platform is %s: start the relay with %s and %s of %s, and trust no other authority for it",
			setup.Platform, setupRelay, setupPlatform, opt.Setup))
	}
	report, err := certify.Run(ctx, run)
	if err != nil {
		return nil, certifyFault(err)
	}
	if err := ReplaceFile(opt.Report, report.Marshal()); err != nil {
		return nil, err
	}
	if opt.Markdown != "" {
		err = ReplaceFile(opt.Markdown, []byte(report.Markdown(opt.Language)))
	}
	return report, err
}

// ReplaceFile writes a file whole, or leaves the one that is there.
func ReplaceFile(name string, raw []byte) error {
	return durable.WriteFile(durable.OS(filepath.Dir(name)), filepath.Base(name), raw)
}

func certifyFault(err error) error {
	switch {
	case errors.Is(err, certify.ErrRelay):
		return fault.New(fault.Unavailable, "no message came through the relay: is it started, with the harness as its platform and the files of the setup?")
	case errors.Is(err, certify.ErrClient):
		return fault.New(fault.Invalid, "the client's command cannot be started")
	case errors.Is(err, certify.ErrOptions):
		return fault.New(fault.Invalid, "give --relay, --client, or both: a certification needs both")
	}
	return err
}

// setup reads the folder's setup, or makes it with the files for the relay.
func (opt *CertifyOptions) setup() (*certify.Setup, error) {
	platform := opt.Platform
	if platform == "" {
		platform = "https://" + opt.Listen
	}
	raw, err := os.ReadFile(filepath.Join(opt.Setup, setupFile))
	if err == nil {
		s, err := certify.ParseSetup(raw)
		switch {
		case err != nil:
			return nil, fault.Newf(fault.Invalid, "%s is not one that this command made", setupFile)
		case s.Platform != platform || opt.Partner != 0 && s.Partner != opt.Partner:
			return nil, fault.Newf(fault.Conflict, "the setup is of partner %d at %s: use another folder", s.Partner, s.Platform)
		}
		return s, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.Invalid, "the setup cannot be read")
	}
	s, err := opt.newSetup(platform)
	if err != nil {
		return nil, err
	}
	return s, writeSetup(opt.Setup, s)
}

func (opt *CertifyOptions) newSetup(platform string) (s *certify.Setup, err error) {
	if _, _, err := net.SplitHostPort(opt.Listen); err != nil {
		return nil, fault.New(fault.Invalid, "--listen is HOST:PORT")
	}
	switch {
	case opt.Credential != "" && opt.Key != "":
		return nil, fault.New(fault.Invalid, "give --credential or --key, not both")
	case opt.Credential != "":
		c, bad := readRelayCredential(opt.Credential, "")
		if bad != nil {
			return nil, bad
		}
		if opt.Partner != 0 && opt.Partner != c.Partner {
			return nil, fault.New(fault.Conflict, "the credential is of another partner")
		}
		s, err = certify.NewSetup(c.Partner, platform, c.Key)
	case opt.Partner == 0:
		return nil, fault.New(fault.Invalid, "a new setup needs --credential or --partner")
	case opt.Key != "":
		raw, bad := base64.RawURLEncoding.Strict().DecodeString(opt.Key)
		if bad != nil || len(raw) != 32 {
			return nil, fault.New(fault.Invalid, "--key is the thumbprint of the relay's key: 43 characters of base64url")
		}
		s, err = certify.NewSetupFor(opt.Partner, platform, [32]byte(raw))
	default:
		s, err = certify.NewSetup(opt.Partner, platform, nil)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "--platform is https://HOST:PORT, without a path")
	}
	return s, nil
}

// writeSetup writes the setup itself last: with it the folder is whole.
func writeSetup(dir string, s *certify.Setup) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.New(fault.Invalid, "the setup's folder cannot be made")
	}
	credential, err := s.Credential().Marshal()
	if err != nil {
		return err
	}
	raw, err := s.Marshal()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		raw  []byte
	}{{setupRelay, credential}, {setupPlatform, s.Authority()}, {setupFile, raw}} {
		if err := ReplaceFile(filepath.Join(dir, f.name), f.raw); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return nil
}

func readRelayCredential(name, keyFile string) (client.RelayCredential, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return client.RelayCredential{}, fault.New(fault.Invalid, "the relay's credential file cannot be read")
	}
	if keyFile != "" {
		if raw, err = withKey(raw, keyFile); err != nil {
			return client.RelayCredential{}, err
		}
	}
	c, err := client.ParseRelay(raw)
	if err != nil {
		return c, fault.Newf(fault.Invalid, "the credential file is not one of 'amanah partner add': %v", err)
	}
	return c, nil
}
