package bench

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/ohttp"
)

// Hello serves the floor of HTTP on a listener until in ends: it reads each
// request's body and answers with as many bytes as a check-in's answer has.
func Hello(in io.Reader, addr string) error {
	runtime.GOMAXPROCS(1)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	answer := make([]byte, ohttp.ResponseSize)
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var buf [ohttp.RequestSize + 1]byte
		_, _ = io.ReadFull(r.Body, buf[:]) // the floor does nothing with it
		w.Header()["Content-Length"] = []string{"2048"}
		_, _ = w.Write(answer)
	})}
	go func() {
		_, _ = io.Copy(io.Discard, in) // its end is the signal
		_ = srv.Close()
	}()
	if err := srv.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// hello measures Hello in a process of its own under the run's own requests.
func hello(ctx context.Context, requests []request, connections int) (Cost, error) {
	self, err := os.Executable()
	if err != nil {
		return Cost{}, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Cost{}, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return Cost{}, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "hello", addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		return Cost{}, err
	}
	if err := cmd.Start(); err != nil {
		return Cost{}, err
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait() // it was only there to be measured
	}()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			return Cost{}, fault.New(fault.Unavailable, "the HTTP floor's process did not start")
		}
	}
	bare := make([]request, len(requests))
	for i := range bare {
		bare[i].raw = requests[i].raw
	}
	warm := min(len(bare)/10, 2000)
	if _, err := fly(ctx, addr, bare[:warm], connections, 0); err != nil {
		return Cost{}, err
	}
	before, err := used(cmd.Process.Pid)
	if err != nil {
		return Cost{}, err
	}
	if _, err := fly(ctx, addr, bare[warm:], connections, 0); err != nil {
		return Cost{}, err
	}
	after, err := used(cmd.Process.Pid)
	return Cost{"net/http, same sizes, handler that reads and answers", (after.CPU - before.CPU) / time.Duration(len(bare)-warm), 1}, err
}
