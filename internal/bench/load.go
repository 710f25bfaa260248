package bench

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/ohttp"
)

// line is one connection to the server, without an HTTP client's own cost.
type line struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(addr string) (*line, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &line{c, bufio.NewReaderSize(c, 8<<10), nil}, nil
}

var errAnswer = fault.New(fault.Internal, "the server answered outside the encapsulation")

// ask writes a request and reads the answer's body, which is valid until the next.
func (l *line) ask(raw []byte) ([]byte, error) {
	if err := l.conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := l.conn.Write(raw); err != nil {
		return nil, err
	}
	status, err := l.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200"))
	size := 0
	for {
		h, err := l.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(h) <= 2 {
			break
		}
		if v, found := bytes.CutPrefix(h, []byte("Content-Length: ")); found {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return nil, err
			}
		}
	}
	l.body = slices.Grow(l.body[:0], size)[:size]
	if _, err := io.ReadFull(l.in, l.body); err != nil {
		return nil, err
	}
	if !ok {
		return nil, errAnswer
	}
	return l.body, nil
}

// flight is what one measured stretch gave.
type flight struct {
	Answered int
	Took     time.Duration
	Waits    []time.Duration // of every request, sorted
	bad      error
}

func (f *flight) at(q float64) time.Duration {
	if len(f.Waits) == 0 {
		return 0
	}
	return f.Waits[min(len(f.Waits)-1, int(q*float64(len(f.Waits))))]
}

// fly sends the requests over so many connections. With rate zero each connection
// asks as soon as it is answered; otherwise request i is due at i/rate, and its
// wait counts from then, whether or not a connection was free.
func fly(ctx context.Context, addr string, requests []request, connections int, rate float64) (*flight, error) {
	f := &flight{Waits: make([]time.Duration, len(requests))}
	var next atomic.Int64
	var group sync.WaitGroup
	var once sync.Once
	began := time.Now()
	for range connections {
		l, err := dial(addr)
		if err != nil {
			return nil, err
		}
		group.Go(func() {
			defer l.conn.Close()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(requests) {
					return
				}
				due := time.Now()
				if rate > 0 {
					due = began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
					time.Sleep(time.Until(due))
				}
				body, err := l.ask(requests[i].raw)
				if x := requests[i].exchange; err == nil && i%101 == 0 && x != nil {
					err = admitted(x, body)
				}
				if err != nil {
					once.Do(func() { f.bad = err })
					return
				}
				f.Waits[i] = time.Since(due)
			}
		})
	}
	group.Wait()
	f.Took, f.Answered = time.Since(began), len(requests)
	slices.Sort(f.Waits)
	if f.bad != nil {
		return nil, f.bad
	}
	return f, ctx.Err()
}

// admitted opens an answer: a bench of refusals measures nothing.
func admitted(x *ohttp.Exchange, body []byte) error {
	plain, err := x.Open(bytes.Clone(body))
	if err != nil {
		return err
	}
	r, err := ohttp.ParseResponse(plain)
	if err != nil {
		return err
	}
	if r.Status != 200 || !bytes.Contains(r.Body, []byte(`"decision"`)) {
		return fault.Newf(fault.Internal, "a check-in was answered with %d: %s", r.Status, r.Body)
	}
	return nil
}
