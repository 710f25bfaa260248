package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/permit"
	"github.com/amanah-project/amanah/internal/keeper/root"
	keeperserver "github.com/amanah-project/amanah/internal/keeper/server"
	"github.com/amanah-project/amanah/internal/telemetry"
)

// KeeperConfig are the flags of `amanah keeper`.
type KeeperConfig struct {
	Dir            string `required:"" help:"The keeper's folder; made when absent."`
	Sockets        string `required:"" help:"Folder of serve.sock and admin.sock."`
	Credential     string `help:"File of at least 32 bytes that seals the root key; made when absent and the folder is new."`
	PassphraseFile string `help:"File holding a passphrase that seals the root key instead."`
	Host           string `help:"Public host name that signed requests are for: without it nobody who signs is believed."`
	ClinicianHour  int    `default:"60" help:"People of their facility's patients that a clinician may open in an hour."`
	ClientHour     int    `default:"2000" help:"The same, of a facility's system."`
	ActorsHour     int    `default:"20000" help:"People that all who sign may open in an hour together."`
	UnsignedHour   int    `default:"3000" help:"People whose health records the server may open in an hour unsigned, for jobs and people's own links."`
	Listen         string `help:"host:port on which other hosts are answered, by mutual TLS; none without it."`
	Cert           string `help:"PEM file of the keeper's certificate towards other hosts; made when absent."`
	Key            string `help:"PEM file of that certificate's key; made when absent."`
	Servers        string `help:"PEM file of the certificates of servers on other hosts."`
	Operators      string `help:"PEM file of the certificates of operators on other hosts."`
	SameUser       bool   `help:"Answer peers of the keeper's own user. For trials only."`
	RetentionDays  int    `default:"30" help:"Days after which a day's key may be destroyed."`
	ColoursPerDay  int    `default:"12" help:"Colours a person may be told in a day."`
	Vacant         int    `help:"Of so many numbers of people one, on average, is given to nobody: canary people in exports have those. 0: none."`
	UntilEOF       bool   `hidden:"" help:"End when standard input ends."`
}

// RunKeeper runs a keeper until ctx ends.
func RunKeeper(ctx context.Context, cfg KeeperConfig, in io.Reader, logTo io.Writer) (err error) {
	log := telemetry.Log(logTo, "text", slog.LevelInfo)
	credential, err := cfg.credential()
	if err != nil {
		return err
	}
	if cfg.ColoursPerDay < 1 || cfg.ColoursPerDay > 12 {
		return fault.New(fault.Invalid, "a person may be told 1 to 12 colours in a day")
	}
	if cfg.Vacant < 0 || cfg.Vacant == 1 {
		return fault.New(fault.Invalid, "--vacant is 0, or 2 and more: of so many numbers one is given to nobody")
	}
	if min(cfg.ClinicianHour, cfg.ClientHour, cfg.ActorsHour, cfg.UnsignedHour) < 1 {
		return fault.New(fault.Invalid, "a budget is 1 or more people an hour")
	}
	opt := keeperserver.Options{
		Disk: durable.OS(cfg.Dir), Credential: credential, RetentionDays: cfg.RetentionDays, ColoursPerDay: cfg.ColoursPerDay,
		Limits: permit.Limits{UnsignedPerHour: cfg.UnsignedHour}, Vacant: cfg.Vacant,
		Norms: desk.Norms{Clinician: cfg.ClinicianHour, Client: cfg.ClientHour, All: cfg.ActorsHour},
	}
	if cfg.Host != "" {
		opt.Origin = "https://" + cfg.Host
	}
	k, err := keeperserver.Open(opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	if cfg.UntilEOF {
		var cancel context.CancelFunc
		ctx, cancel = UntilEOF(ctx, in)
		defer cancel()
	}
	remote, err := cfg.remote()
	if err != nil {
		return err
	}
	log.Info("keeping", "dir", filepath.Base(cfg.Dir))
	return k.Serve(ctx, keeperserver.ListenOptions{Dir: cfg.Sockets, SameUser: cfg.SameUser, Remote: remote, Log: log})
}

func (cfg KeeperConfig) credential() (root.Credential, error) {
	if (cfg.Credential == "") == (cfg.PassphraseFile == "") {
		return root.Credential{}, fault.New(fault.Invalid, "give either --credential or --passphrase-file")
	}
	if cfg.PassphraseFile != "" {
		c, err := root.ReadCredential(cfg.PassphraseFile)
		return root.Credential{Passphrase: trimLine(c.Secret)}, err
	}
	if err := makeCredential(cfg.Credential, cfg.Dir); err != nil {
		return root.Credential{}, err
	}
	return root.ReadCredential(cfg.Credential)
}

func trimLine(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// makeCredential makes a credential file for a keeper that has none and no folder
// yet: a folder sealed by another credential must not be left behind by mistake.
func makeCredential(name, dir string) error {
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "root")); err == nil {
		return fault.New(fault.Invalid, "the keeper's folder exists but its credential file does not: restore the file it was made with")
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	return WriteSecret(name, secret)
}

func (c Config) serveSocket() string {
	if c.Keeper.Socket != "" {
		return c.Keeper.Socket
	}
	return filepath.Join(c.Data, "run", "serve.sock")
}

func (c Config) adminSocket() string {
	switch {
	case c.Keeper.Admin != "":
		return c.Keeper.Admin
	case c.Keeper.Socket != "":
		return filepath.Join(filepath.Dir(c.Keeper.Socket), "admin.sock")
	}
	return filepath.Join(c.Data, "run", "admin.sock")
}

// reachKeeper returns a client of the keeper, starting one as a child when the
// configuration names none and none answers. Calling stop lets the child end.
func reachKeeper(ctx context.Context, cfg Config, socket string, logTo io.Writer) (*keeperclient.Client, func(), error) {
	k, where, err := cfg.keeperClient(socket)
	if err != nil {
		return nil, nil, err
	}
	stop := func() { _ = k.Close() }
	if _, err := k.Health(ctx); err == nil {
		return k, stop, nil
	} else if cfg.Keeper.Socket != "" || cfg.Keeper.Address != "" {
		return nil, nil, fmt.Errorf("no keeper answers on %s: %w", where, err)
	}
	if !cfg.Keeper.SameUser {
		return nil, nil, fault.New(fault.Invalid, "no keeper answers, and one started here would run under this user: set keeper.socket, or keeper.same_user for a trial")
	}
	child, err := startKeeper(cfg, logTo)
	if err != nil {
		return nil, nil, err
	}
	if err := child.ready(ctx, "the keeper", func() error {
		_, err := k.Health(ctx)
		return err
	}); err != nil {
		child.stop()
		return nil, nil, err
	}
	return k, func() { _ = k.Close(); child.stop() }, nil
}

func startKeeper(cfg Config, logTo io.Writer) (*child, error) {
	credential := cfg.Keeper.Credential
	if credential == "" {
		credential = filepath.Join(cfg.Data, "keeper.credential")
	}
	vacant := 0
	if cfg.Canaries.Regions != "" {
		vacant = cfg.Canaries.Vacant
	}
	return startChild(logTo, "keeper", "--until-eof", "--vacant", fmt.Sprint(vacant), "--same-user", "--dir", filepath.Join(cfg.Data, "keeper"),
		"--sockets", filepath.Join(cfg.Data, "run"), "--credential", credential, "--host", cfg.Host,
		"--retention-days", fmt.Sprint(cfg.Retention.VisitDays))
}
