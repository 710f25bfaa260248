package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// Site is a whole installation on this host's loopback, its keeper, server and
// relays each a process of its own: for the demo and for measuring.
type Site struct {
	*Operator
	cfg    Config
	log    *os.File
	procs  int
	server *child
	relays []*child
	close  func() error
	keeper *child
}

// SiteOptions say what a Site stands on.
type SiteOptions struct {
	Dir         string // a folder of its own
	PostgresURL string // a file holding the URL; empty for SQLite
	VisitDays   int
	Workers     int
	Procs       int // processors that the server may use; zero for all
}

// OpenSite makes or opens an installation in a folder and starts its keeper.
func OpenSite(ctx context.Context, opt SiteOptions) (*Site, error) {
	cfg := Default()
	cfg.Data = filepath.Join(opt.Dir, "data")
	cfg.Keeper.SameUser = true
	cfg.Message.Kind, cfg.Message.File = "file", filepath.Join(opt.Dir, "messages.ndjson") // everybody is synthetic
	if opt.Workers > 0 {
		cfg.Gate.Workers = opt.Workers
	}
	if opt.PostgresURL != "" {
		cfg.Database.Engine, cfg.Database.URLFile = "postgres", opt.PostgresURL
	}
	var err error
	if cfg.Listen, err = freeAddr(); err != nil {
		return nil, err
	}
	if cfg.Ops, err = freeAddr(); err != nil {
		return nil, err
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := cfg.MakeData(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(opt.Dir, "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the log: %w", err)
	}
	s := &Site{cfg: cfg, log: log, procs: opt.Procs}
	if s.keeper, err = startKeeper(cfg, log); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := s.keeper.ready(ctx, "the keeper", func() error { return dial("unix", cfg.adminSocket()) }); err != nil {
		return nil, errors.Join(err, s.Close(), s.reason())
	}
	if s.Operator, s.close, err = openOperator(ctx, cfg, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// freeAddr returns a loopback address that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func dial(network, addr string) error {
	c, err := net.Dial(network, addr)
	if err == nil {
		_ = c.Close() // it was only to see whether somebody listens
	}
	return err
}

// reason is what the site's processes wrote last, for an error.
func (s *Site) reason() error {
	raw, err := os.ReadFile(s.log.Name())
	if err != nil || len(raw) == 0 {
		return err
	}
	if len(raw) > 2000 {
		raw = raw[len(raw)-2000:]
	}
	return fault.New(fault.Internal, string(raw))
}

// Listen is the server's address.
func (s *Site) Listen() string { return s.cfg.Listen }

// Host is the public host name.
func (s *Site) Host() string { return s.cfg.Host }

// Platform is the URL by which relays and doors reach the server.
func (s *Site) Platform() string { return "http://" + s.cfg.Listen }

// StartServer starts the server.
func (s *Site) StartServer(ctx context.Context) (err error) {
	args := []string{
		"serve", "--until-eof", "--data", s.cfg.Data, "--listen", s.cfg.Listen, "--ops", s.cfg.Ops, "--host", s.cfg.Host,
		"--keeper-same-user", "--keeper-socket", s.cfg.serveSocket(), "--gate-workers", fmt.Sprint(s.cfg.Gate.Workers),
		"--database-engine", s.cfg.Database.Engine, "--log-level", "warn",
		"--message-kind", s.cfg.Message.Kind, "--message-file", s.cfg.Message.File,
	}
	if s.cfg.Database.URLFile != "" {
		args = append(args, "--database-url-file", s.cfg.Database.URLFile)
	}
	if s.server, err = startChildOn(s.procs, s.log, args...); err != nil {
		return err
	}
	if err := s.server.ready(ctx, "the server", s.Healthy); err != nil {
		return errors.Join(err, s.reason())
	}
	return nil
}

// Healthy asks the server for its health.
func (s *Site) Healthy() error {
	c := http.Client{Timeout: 3 * time.Second}
	r, err := c.Get("http://" + s.cfg.Ops + "/healthz")
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fault.Newf(fault.Unavailable, "the server's health is %s", r.Status)
	}
	return nil
}

// Metrics reads the server's metrics.
func (s *Site) Metrics(ctx context.Context) (string, error) {
	raw, err := fetch(ctx, "http://"+s.cfg.Ops+"/metrics")
	return string(raw), err
}

// StartRelay registers a partner, starts its relay and returns the relay's URL.
func (s *Site) StartRelay(ctx context.Context, name string) (url string, err error) {
	p, credential, err := s.AddPartner(ctx, name, s.Platform())
	if err != nil {
		return "", err
	}
	raw, err := credential.Marshal()
	if err != nil {
		return "", err
	}
	file := filepath.Join(s.cfg.Data, fmt.Sprintf("relay-%s.json", p.ID))
	if err := WriteSecret(file, raw); err != nil {
		return "", err
	}
	addr, err := freeAddr()
	if err != nil {
		return "", err
	}
	c, err := startChild(s.log, "partner", "relay", "--until-eof", "--credential", file, "--listen", addr)
	if err != nil {
		return "", err
	}
	s.relays = append(s.relays, c)
	return "http://" + addr, c.ready(ctx, "the relay", func() error { return dial("tcp", addr) })
}

// ServerPID and KeeperPID number the processes, for measuring.
func (s *Site) ServerPID() int { return s.server.cmd.Process.Pid }

// KeeperPID is the keeper's.
func (s *Site) KeeperPID() int { return s.keeper.cmd.Process.Pid }

// Counts are what the operator sees of a running site.
type Counts struct {
	Places  []VenueRow
	Intents int64 // events in the access log
}

// Counts reads the access log's count and the venues' occupancy.
func (s *Site) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	var err error
	if c.Places, err = s.Venues(ctx); err != nil {
		return c, err
	}
	err = s.DB.View(ctx, func(st store.Stores) error {
		tallies, err := st.Log.Gates()
		c.Intents = 0
		for _, t := range tallies {
			c.Intents += int64(t.Events)
		}
		return err
	})
	return c, err
}

// StopServer stops the server alone.
func (s *Site) StopServer() {
	if s.server != nil {
		s.server.stop()
		s.server = nil
	}
}

// Close stops all processes: relays, server, keeper.
func (s *Site) Close() error {
	for _, r := range s.relays {
		r.stop()
	}
	s.StopServer()
	var err error
	if s.close != nil {
		err = s.close()
	}
	s.keeper.stop()
	return errors.Join(err, s.log.Close())
}

var _ io.Closer = (*Site)(nil)
