package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/telemetry"
)

// RelayOptions are what `amanah partner relay` needs.
type RelayOptions struct {
	Credential string // file
	PrivateKey string // file of the relay's key, when the credential holds none
	Listen     string
	Cert, Key  string        // PEM files; empty for plain HTTP on loopback
	Timeout    time.Duration // of one forwarded message; at most 25 s
	Log        io.Writer
}

// RunRelay runs a partner's relay until ctx ends.
func RunRelay(ctx context.Context, opt RelayOptions) error {
	credential, err := readRelayCredential(opt.Credential, opt.PrivateKey)
	if err != nil {
		return err
	}
	if (opt.Cert == "") != (opt.Key == "") {
		return fault.New(fault.Invalid, "give both --tls-cert and --tls-key, or neither")
	}
	if opt.Cert == "" && !Loopback(opt.Listen) {
		return fault.New(fault.Invalid, "without TLS a relay listens on loopback only, behind a proxy that ends TLS: give --tls-cert and --tls-key, or a loopback address")
	}
	if opt.Timeout <= 0 || opt.Timeout > 25*time.Second {
		return fault.New(fault.Invalid, "--timeout is above 0 and at most 25s: devices wait no longer")
	}
	log := telemetry.Log(opt.Log, "text", slog.LevelInfo)
	l, err := bind(opt.Listen)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: client.NewRelay(credential, client.RelayOptions{Timeout: opt.Timeout}), ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() {
		if opt.Cert != "" {
			failed <- srv.ServeTLS(l, opt.Cert, opt.Key)
			return
		}
		failed <- srv.Serve(l)
	}()
	log.Info("relaying", "listen", l.Addr().String(), "partner", credential.Partner)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return srv.Shutdown(stop)
}

// withKey puts the relay's private key into a credential that holds none.
func withKey(raw []byte, file string) ([]byte, error) {
	key, err := ReadKey(file)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, fault.New(fault.Invalid, "the credential file is not one of 'amanah partner credential'")
	}
	members["key"] = base64.RawURLEncoding.EncodeToString(key.Seed())
	return json.Marshal(members)
}
