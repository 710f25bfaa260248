// Package keepertest serves a real keeper for tests.
package keepertest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/server"
)

// Serve serves a keeper over disk until the test ends, and returns a client on its
// admin socket. The keeper's root is sealed under a credential of zeros.
func Serve(t *testing.T, disk durable.FS) *client.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	k, err := server.Open(server.Options{Disk: disk, Credential: server.Credential{Secret: make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- k.Serve(ctx, server.ListenOptions{Dir: dir, SameUser: true, Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		cancel()
		<-served
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	c := client.New(filepath.Join(dir, "admin.sock"))
	for {
		if _, err := c.Health(ctx); err == nil {
			return c
		}
		time.Sleep(time.Millisecond)
	}
}
