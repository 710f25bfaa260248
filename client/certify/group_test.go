//go:build unix

package certify_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client/certify"
)

// TestNothingIsLeftRunning: a client that does not end is stopped with whatever it
// started.
func TestNothingIsLeftRunning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	s, err := certify.NewSetup(7, "https://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = certify.Run(ctx, certify.Options{
		Setup: s, Client: []string{"sh", "-c", `sleep 600 & echo $! > "$0"; wait`, file}, Patience: time.Second, Grace: time.Second,
		Progress: func(c certify.Case, r certify.Result) {
			if c.ID == "client/check-in" {
				if r.Verdict != certify.Failed || r.Evidence != "the client did not end" {
					t.Errorf("%s: %s", r.Verdict, r.Evidence)
				}
				cancel()
			}
		},
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err == nil && strings.Contains(string(stat), ") Z ") {
			return // dead, and nobody has asked after it yet
		}
		if time.Now().After(end) {
			t.Fatal("what the client started still runs")
		}
	}
}
