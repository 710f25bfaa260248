package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/amanah-project/amanah/internal/telemetry"
)

// gcPercent lets garbage grow to three times what lives, a few tens of MiB: at Go's
// own 100 collecting it was a twentieth of a check-in's CPU. GOGC wins over it.
const gcPercent = 300

// memoryLimit is where garbage is collected sooner than that: bodies of many megabytes
// come seldom, and thrice what they take is not there for them. GOMEMLIMIT wins over it.
const memoryLimit = 192 << 20

func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// Serve runs a server until ctx ends. It refuses a configuration that would undo a
// promise.
func Serve(ctx context.Context, cfg Config, logTo io.Writer) (err error) {
	if err := cfg.Check(); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	limitMemory()
	if err := cfg.MakeData(); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		return err
	}
	log := telemetry.Log(logTo, cfg.Log.Format, level)
	// A child keeper must outlive the server's last request, so it gets no signal
	// of its own and ends when the server lets go of it.
	k, stop, err := reachKeeper(context.WithoutCancel(ctx), cfg, cfg.serveSocket(), logTo)
	if err != nil {
		return err
	}
	defer stop()
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := NewServer(ctx, cfg, db, k, log)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
