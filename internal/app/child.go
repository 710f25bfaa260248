package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// child is another process of this program. It ends when its standard input does,
// so also when this process is killed.
type child struct {
	cmd  *exec.Cmd
	in   io.Closer
	done chan struct{}
}

// startChild runs this program again with other arguments.
func startChild(logTo io.Writer, args ...string) (*child, error) {
	return startChildOn(0, logTo, args...)
}

// startChildOn lets the child use so many processors; zero means all.
func startChildOn(procs int, logTo io.Writer, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Stdout, cmd.Stderr = logTo, logTo
	if procs > 0 {
		cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", procs))
	}
	separate(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fault.Newf(fault.Unavailable, "%s cannot be started: %v", args[0], err)
	}
	c := &child{cmd, in, make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its log says why it ended
		close(c.done)
	}()
	return c, nil
}

// ready polls until check holds, the child ends or half a minute is over.
func (c *child) ready(ctx context.Context, what string, check func() error) error {
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = check(); err == nil {
			return nil
		}
		if ctx.Err() != nil || c.ended() {
			break
		}
	}
	return fmt.Errorf("%s did not start: %w", what, err)
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *child) stop() {
	_ = c.in.Close()
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// UntilEOF returns a context that ends when r does.
func UntilEOF(ctx context.Context, r io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, r) // its end is the signal
		cancel()
	}()
	return ctx, cancel
}
