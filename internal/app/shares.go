package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper/root"
)

// SharesConfig says whose root key is shared among how many.
type SharesConfig struct {
	Dir            string `required:"" help:"The keeper's folder."`
	Credential     string `help:"File that seals its root key."`
	PassphraseFile string `help:"File of the passphrase that seals it instead."`
	Of             int    `default:"5" help:"How many shares, 2 to 7."`
	Need           int    `default:"3" help:"How many of them recover the root key."`
	Out            string `required:"" help:"Folder for the shares, each a file for one holder; made when absent."`
}

// MakeShares writes the shares of a keeper's root key and returns their names. None is
// written over another.
func MakeShares(cfg SharesConfig) ([]string, error) {
	c, err := KeeperConfig{Credential: cfg.Credential, PassphraseFile: cfg.PassphraseFile}.existing()
	if err != nil {
		return nil, err
	}
	raw, err := durable.ReadFile(durable.OS(cfg.Dir), "root")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "the keeper's folder has no root key")
	}
	if err != nil {
		return nil, err
	}
	shares, err := root.MakeShares(raw, c, cfg.Of, cfg.Need)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Out, 0o700); err != nil {
		return nil, fault.Newf(fault.Invalid, "the folder for the shares cannot be made: %v", unwrapPath(err))
	}
	var names []string
	for i, raw := range shares {
		name := filepath.Join(cfg.Out, fmt.Sprintf("share-%d-of-%d", i+1, cfg.Of))
		if err := WriteSecret(name, raw); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// RecoverConfig says which shares recover the root key of what.
type RecoverConfig struct {
	Shares     []string `arg:"" help:"Files of shares, as many as are needed or more."`
	Dir        string   `help:"The keeper's folder, whose root file is written anew."`
	Recovery   string   `help:"The recovery folder of backups instead, whose root file is written anew."`
	Credential string   `required:"" help:"File that seals the root key from now on; made when absent."`
}

// RecoverRoot writes the root key's file anew from shares, under another credential,
// if it is the root of what lies beside it.
func RecoverRoot(cfg RecoverConfig) error {
	if (cfg.Dir == "") == (cfg.Recovery == "") {
		return fault.New(fault.Invalid, "give either --dir or --recovery")
	}
	folder, name, beside := durable.OS(cfg.Dir), "fixed", "fixed"
	if cfg.Dir == "" {
		folder, name, beside = durable.OS(cfg.Recovery), recoveryKeys, "recovery"
	}
	wrapped, err := durable.ReadFile(folder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "the folder holds nothing that a root key of the keeper's wraps")
	}
	if err != nil {
		return err
	}
	var shares [][]byte
	for _, file := range cfg.Shares {
		raw, err := os.ReadFile(file)
		if err != nil {
			return fault.Newf(fault.NotFound, "the share %s cannot be read", filepath.Base(file))
		}
		shares = append(shares, raw)
	}
	if _, err := os.Stat(cfg.Credential); os.IsNotExist(err) {
		secret := make([]byte, 32)
		rand.Read(secret)
		if err := WriteSecret(cfg.Credential, secret); err != nil {
			return err
		}
	}
	c, err := root.ReadCredential(cfg.Credential)
	if err != nil {
		return err
	}
	raw, err := root.Recover(shares, c)
	if err != nil {
		return err
	}
	if err := root.Check(raw, c, beside, wrapped); err != nil {
		return fault.New(fault.Conflict, "these shares are of another root key than this folder's")
	}
	return durable.WriteFile(folder, recoveryRoot, raw)
}
