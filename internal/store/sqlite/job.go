package sqlite

import (
	"context"
	"errors"
	"sync/atomic"
)

// errPanic stands for the end of a closure that did not return: it panicked, or
// called runtime.Goexit.
var errPanic = errors.New("the closure did not return")

// States of a job.
const (
	waiting   int32 = iota
	taken           // by the writer
	withdrawn       // by its caller, whose context ended
)

// job is one closure in a queue. Its three channels hold one value each, so that
// neither side ever waits for the other to listen.
type job struct {
	fn     func(*handle) error
	state  atomic.Int32
	turn   chan *handle // the writer lends its connection
	ended  chan error   // the closure ended
	result chan error   // what became of it
}

func newJob(fn func(*handle) error) *job {
	return &job{fn: fn, turn: make(chan *handle, 1), ended: make(chan error, 1), result: make(chan error, 1)}
}

// take claims the job for the writer.
func (j *job) take() bool { return j.state.CompareAndSwap(waiting, taken) }

// do waits for the job's turn, runs the closure on the caller's goroutine and
// returns what became of it. Only the wait for the turn heeds ctx.
func (j *job) do(ctx context.Context) error {
	var h *handle
	select {
	case h = <-j.turn:
	case err := <-j.result:
		return err
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, withdrawn) {
			return queueing(ctx)
		}
		select {
		case h = <-j.turn:
		case err := <-j.result:
			return err
		}
	}
	return j.run(h)
}

// run keeps a panic on its way: the caller sees the same value and stack, once
// the closure's writes are undone.
func (j *job) run(h *handle) error {
	returned := false
	defer func() {
		if !returned {
			j.ended <- errPanic
			<-j.result
		}
	}()
	err := j.fn(h)
	returned = true
	j.ended <- err
	return <-j.result
}
