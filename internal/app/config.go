// Package app reads the configuration and wires adapters, keeper and edges into
// the processes of an installation, and is the only package that knows them all.
// It promises to refuse a configuration that would undo a promise of the design,
// with what to change. It decides nothing about people, colours or venues.
package app

import (
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/amanah-project/amanah/internal/fault"
)

// Config is the server's configuration. The field comments are the manual;
// `amanah config example` prints the same file with its defaults.
type Config struct {
	// Data is the folder for everything the server keeps; made when absent, with
	// mode 0700.
	Data string `toml:"data" help:"Folder for everything the server keeps; made when absent." default:"data"`
	// Listen is the address of the public interface.
	Listen string `toml:"listen" help:"Address of the public interface." default:"127.0.0.1:8443"`
	// Host is the public host name, as it stands in venue codes and in the proofs
	// that devices and relays sign. Changing it makes every printed code foreign.
	Host string `toml:"host" help:"Public host name, as in venue codes." default:"localhost"`
	// Ops is the address of /metrics and /healthz; loopback unless OpsPublic.
	Ops string `toml:"ops" help:"Address of /metrics and /healthz." default:"127.0.0.1:9464"`
	// OpsPublic lets Ops be reachable from other hosts. Metrics hold no personal
	// data, but they tell how busy every partner is.
	OpsPublic bool `toml:"ops_public" help:"Let the metrics be reachable from other hosts."`

	TLS       TLS       `toml:"tls" embed:"" prefix:"tls-"`
	Database  Database  `toml:"database" embed:"" prefix:"database-"`
	Keeper    Keeper    `toml:"keeper" embed:"" prefix:"keeper-"`
	Documents Documents `toml:"documents" embed:"" prefix:"documents-"`
	Gate      GateLimit `toml:"gate" embed:"" prefix:"gate-"`
	Retention Retention `toml:"retention" embed:"" prefix:"retention-"`
	Message   Message   `toml:"message" embed:"" prefix:"message-"`
	Link      LinkLimit `toml:"link" embed:"" prefix:"link-"`
	Staff     Staff     `toml:"staff" embed:"" prefix:"staff-"`
	Canaries  Canaries  `toml:"canaries" embed:"" prefix:"canaries-"`
	Log       Log       `toml:"log" embed:"" prefix:"log-"`
}

// TLS says how the public interface is protected.
type TLS struct {
	// Cert and Key are PEM files, read again when they change.
	Cert string `toml:"cert" help:"PEM file of the certificate chain."`
	Key  string `toml:"key" help:"PEM file of the certificate's key."`
	// Proxy says that a reverse proxy on this host ends TLS; Listen must then be
	// a loopback address.
	Proxy bool `toml:"proxy" help:"A reverse proxy on this host ends TLS."`
}

// Database says where rows are kept.
type Database struct {
	// Engine is sqlite (embedded, in Data) or postgres.
	Engine string `toml:"engine" help:"sqlite or postgres." enum:"sqlite,postgres" default:"sqlite"`
	// URLFile is a file holding the PostgreSQL connection URL, so that its
	// password is in no configuration, command line or environment.
	URLFile string `toml:"url_file" help:"File holding the PostgreSQL connection URL."`
}

// Keeper says where the keeper is.
type Keeper struct {
	// Socket is the keeper's serve socket. Empty: the server starts a keeper of
	// its own as a child process, which needs SameUser.
	Socket string `toml:"socket" help:"The keeper's serve socket; empty starts a keeper as a child."`
	// Admin is the keeper's admin socket, for commands only; never given to the
	// server of an installation with two users.
	Admin string `toml:"admin" help:"The keeper's admin socket, for commands."`
	// Address is host:port of a keeper on another host, in place of Socket.
	Address string `toml:"address" help:"host:port of a keeper on another host, in place of the socket."`
	// Cert and Key are PEM files of this end towards it, made when absent: the keeper
	// is given the certificate, which says whether a server or an operator asks.
	Cert string `toml:"cert" help:"PEM file of this end's certificate towards a keeper on another host; made when absent."`
	Key  string `toml:"key" help:"PEM file of that certificate's key; made when absent."`
	// Known is a PEM file of that keeper's certificate, and of the next one during a
	// change.
	Known string `toml:"known" help:"PEM file of that keeper's certificate."`
	// SameUser admits that keeper and server run under one user, so that whoever
	// takes over the server's user has the keys too. For trials only.
	SameUser bool `toml:"same_user" help:"Admit that keeper and server run under one user. For trials only."`
	// Credential is the file whose 32 bytes seal the root key of a child keeper;
	// default keeper.credential in Data, made when absent.
	Credential string `toml:"credential" help:"File that seals the root key of a child keeper."`
}

// GateLimit tunes the gate.
type GateLimit struct {
	// Workers is the number of batches in flight: 1 on SQLite, more where a
	// commit takes long.
	Workers int `toml:"workers" help:"Batches in flight." default:"1"`
	// Linger is how long a batch waits for company.
	Linger time.Duration `toml:"linger" help:"How long a batch waits for company." default:"0s"`
}

// Retention says how long what is kept.
type Retention struct {
	// VisitDays is the number of days after which a day's visits become
	// unreadable for ever: at least 14, which a person's history shows.
	VisitDays int `toml:"visit_days" help:"Days after which a day's visits become unreadable." default:"30"`
}

// Log says how the log is written.
type Log struct {
	// Format is text or json.
	Format string `toml:"format" help:"text or json." enum:"text,json" default:"text"`
	// Level is debug, info, warn or error.
	Level string `toml:"level" help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
}

// Default returns the configuration that `amanah config example` prints.
func Default() Config {
	return Config{
		Data: "data", Listen: "127.0.0.1:8443", Host: "localhost", Ops: "127.0.0.1:9464",
		Database:  Database{Engine: "sqlite"},
		Documents: Documents{Store: "disk", Region: "us-east-1"},
		Gate:      GateLimit{Workers: 1},
		Retention: Retention{VisitDays: 30},
		Message:   defaultMessage(),
		Link:      LinkLimit{LookupsPerHour: 2500, PerNetwork: 60, PerNIK: 10},
		Canaries:  defaultCanaries(),
		Log:       Log{Format: "text", Level: "info"},
	}
}

// ErrConfig heads every refusal of a configuration.
var ErrConfig = fault.New(fault.Invalid, "the configuration is not usable")

// Parse reads TOML over the defaults; a key it does not know is an error that
// names it.
func Parse(text string) (Config, error) {
	c := Default()
	meta, err := toml.Decode(text, &c)
	if err != nil {
		return c, fault.Newf(fault.Invalid, "configuration: %v", err)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return c, fault.Newf(fault.Invalid, "configuration: %s is no setting; `amanah config example` lists them all", extra[0])
	}
	return c, nil
}

// Check returns every reason why the server must not start with c, each with
// what to change, or nil.
func (c Config) Check() error {
	var bad []string
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	tls := c.TLS.Cert != "" && c.TLS.Key != ""
	say((c.TLS.Cert == "") != (c.TLS.Key == ""), "tls.cert and tls.key come together: set both or neither")
	say(!tls && !c.TLS.Proxy && !Loopback(c.Listen), "listen %q is reachable from other hosts without TLS: set tls.cert and tls.key, or tls.proxy behind a proxy on this host", c.Listen)
	say(c.TLS.Proxy && !Loopback(c.Listen), "tls.proxy needs a loopback address in listen, else the proxy can be gone around: use 127.0.0.1:port")
	say(!c.OpsPublic && c.Ops != "" && !Loopback(c.Ops), "ops %q is reachable from other hosts: use a loopback address, or set ops_public", c.Ops)
	say(c.Host == "" || strings.ContainsAny(c.Host, "/:@?# ") || strings.ToLower(c.Host) != c.Host, "host must be a plain host name in lower case, as in health.example.id")
	c.checkKeeper(say)
	say(c.Keeper.Socket == "" && c.Keeper.Address == "" && !c.Keeper.SameUser, "no keeper is configured, and a keeper started by the server runs under the server's user: set keeper.socket to a keeper of another user, or keeper.same_user for a trial")
	say(c.Keeper.SameUser && c.TLS.Proxy, "keeper.same_user is for trials, and tls.proxy says this is none: run the keeper under a user of its own and set keeper.socket")
	say(c.Keeper.SameUser && !Loopback(c.Listen), "keeper.same_user is for trials on one host, but listen %q is reachable from others: run the keeper under a user of its own and set keeper.socket", c.Listen)
	say(c.Database.Engine != "sqlite" && c.Database.Engine != "postgres", "database.engine is sqlite or postgres")
	say(c.Database.Engine == "postgres" && c.Database.URLFile == "", "database.engine postgres needs database.url_file: a file of mode 0600 holding the connection URL")
	say(c.Database.Engine == "sqlite" && c.Database.URLFile != "", "database.url_file is set but database.engine is sqlite: the rows would not be where you think")
	say(c.Gate.Workers < 1 || c.Gate.Workers > 16, "gate.workers is 1 to 16")
	say(c.Gate.Linger < 0 || c.Gate.Linger > 100*time.Millisecond, "gate.linger is 0 to 100ms")
	say(c.Retention.VisitDays < 14 || c.Retention.VisitDays > 90, "retention.visit_days is 14 (a person's history) to 90")
	c.checkLink(say)
	c.checkDocuments(say)
	c.checkCanaries(say)
	if len(bad) == 0 {
		return c.checkFiles()
	}
	return fault.Newf(fault.Invalid, "%s:\n  - %s", ErrConfig.Error(), strings.Join(bad, "\n  - "))
}

// checkFiles refuses secrets that others may read.
func (c Config) checkFiles() error {
	for _, name := range append(c.Message.secrets(), c.Database.URLFile, c.TLS.Key, c.Keeper.Credential, c.Keeper.Key, c.Documents.CredentialFile) {
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			if (name == c.Keeper.Credential || name == c.Keeper.Key || name == c.Message.File) && os.IsNotExist(err) {
				continue // made when it is first needed
			}
			return fault.Newf(fault.Invalid, "%s cannot be read: check that it exists and belongs to this user", filepath.Base(name))
		}
		if info.Mode().Perm()&0o077 != 0 {
			return fault.Newf(fault.Invalid, "%s may be read by others: chmod 600 it", filepath.Base(name))
		}
	}
	if info, err := os.Stat(c.Data); err == nil && info.Mode().Perm()&0o077 != 0 {
		return fault.Newf(fault.Invalid, "the data folder may be read by others: chmod 700 it")
	}
	return nil
}

// DatabaseURL reads the connection URL, refusing one that would send rows over a
// network in clear.
func (c Config) DatabaseURL() (string, error) {
	raw, err := os.ReadFile(c.Database.URLFile)
	if err != nil {
		return "", fault.New(fault.Invalid, "database.url_file cannot be read")
	}
	s := strings.TrimSpace(string(raw))
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fault.New(fault.Invalid, "database.url_file must hold a URL such as postgres://user:password@host/database?sslmode=verify-full")
	}
	mode := u.Query().Get("sslmode")
	local := u.Hostname() == "" || strings.HasPrefix(u.Query().Get("host"), "/") || loopbackHost(u.Hostname())
	if !local && mode != "verify-full" && mode != "verify-ca" {
		return "", fault.New(fault.Invalid, "the database is on another host: its URL needs sslmode=verify-full, else rows cross the network to whoever answers")
	}
	return s, nil
}

// MakeData makes the data folder, private to this user.
func (c Config) MakeData() error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fault.Newf(fault.Invalid, "the data folder cannot be made: %v", unwrapPath(err))
	}
	return nil
}

func unwrapPath(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

// Loopback reports whether addr is reachable from this host only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
