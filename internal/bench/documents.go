package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/document"
)

// Documents is how documents of one size are kept: sealed, looked at, their blobs
// durable, and entered as a record each.
type Documents struct {
	Size      int64         `json:"size"`
	N         int           `json:"documents"`
	Flight    int           `json:"in_flight"`
	Rate      float64       `json:"per_second"`
	Bytes     float64       `json:"bytes_per_second"`
	CPU       time.Duration `json:"cpu_per_document"`
	Kernel    time.Duration `json:"kernel_cpu_per_document"` // of CPU: the spool written and read, the blob written
	KeeperCPU time.Duration `json:"keeper_cpu_per_document"`
	Memory    int64         `json:"memory"` // resident afterwards
}

// Stored is what a document's bytes cost on the way into the store and out of it: what
// hashes them, twice on the way in, and opening one that is stored, block after block.
type Stored struct {
	Hash     float64 `json:"sha256_gbps"` // GB/s of a core
	Open     float64 `json:"open_gbps"`   // GB/s of a core
	OpenRate float64 `json:"open_bytes_per_second"`
}

// keep keeps documents of synthetic people, on the disk, by the same flow as a server.
func (v *Vault) keep(ctx context.Context, site *app.Site, opt VaultOptions) error {
	flow, done, err := site.OpenDocuments(ctx)
	if err != nil {
		return err
	}
	for _, d := range []Documents{{Size: 50_000, N: opt.Documents, Flight: 1}, {Size: 50_000, N: opt.Documents, Flight: 16}, {Size: longDocument, N: max(1, opt.Documents/100), Flight: 1}} {
		if err == nil {
			err = d.measure(ctx, site, flow, opt.Patients)
			v.Documents = append(v.Documents, d)
		}
	}
	if err == nil {
		err = v.InStore.measure(ctx, flow)
	}
	if after := done(); err == nil {
		err = after
	}
	return err
}

// measure seals a document into the store and opens it again, five times over; the best
// counts. What opens a record first is in the table by itself.
func (s *Stored) measure(ctx context.Context, flow *document.Flow) error {
	raw := block()
	var err error
	if s.Hash, err = gbps(len(raw), func() error { sha256.Sum256(raw); return nil }); err != nil {
		return err
	}
	d, err := flow.Seal(ctx, 1, record.Other, made(raw, longDocument, 0, 0))
	if err != nil {
		return err
	}
	buffer := make([]byte, 1<<20)
	for range 5 {
		cpu, began := own(), time.Now()
		c, err := flow.Open(ctx, 1, record.Other, d)
		if err != nil {
			return err
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.NewSectionReader(c, 0, c.Size()), buffer)
		if after := c.Close(); err == nil {
			err = after
		}
		if err == nil && n != longDocument {
			err = fault.New(fault.Internal, "a stored document was not opened whole")
		}
		if err != nil {
			return err
		}
		s.Open = max(s.Open, float64(n)/(own()-cpu).Seconds()/1e9)
		s.OpenRate = max(s.OpenRate, float64(n)/time.Since(began).Seconds())
	}
	return nil
}

// longDocument is as long as a series of images of a tomograph.
const longDocument = 100_000_000

// block is what documents of a bench are made of: made before anything is measured,
// because random bytes cost as much as a hash of them.
func block() []byte {
	raw := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(raw) // it returns no error
	return raw
}

// made is a document of size bytes, with a beginning of its own so that no two are one.
func made(raw []byte, size, i int64, flight int) io.Reader {
	head := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(i)), uint64(flight))
	return io.MultiReader(bytes.NewReader(head), io.LimitReader(&again{raw: raw}, size-int64(len(head))))
}

// again gives its bytes again and again.
type again struct {
	raw []byte
	at  int
}

// Read implements io.Reader.
func (a *again) Read(p []byte) (int, error) {
	n := copy(p, a.raw[a.at:])
	a.at = (a.at + n) % len(a.raw)
	return n, nil
}

func (d *Documents) measure(ctx context.Context, site *app.Site, flow *document.Flow, patients int) error {
	raw := block()
	before, err := used(site.KeeperPID())
	if err != nil {
		return err
	}
	by := care.Caller{Actor: "operator", Facility: "rs-99-001", Rights: staff.Enter}
	var next atomic.Int64
	errs := make(chan error, d.Flight)
	var wait sync.WaitGroup
	cpu, inside, began := own(), kernel(), time.Now()
	for range d.Flight {
		wait.Go(func() {
			for i := next.Add(1); i <= int64(d.N); i = next.Add(1) {
				in := document.Incoming{From: made(raw, d.Size, i, d.Flight), Person: identity.PersonID(1 + i%int64(patients)), Source: fmt.Sprint(d.Size, " ", d.Flight, " ", i)}
				s, err := flow.Put(ctx, by, in)
				if err == nil && s.Size != d.Size {
					err = fault.New(fault.Internal, "a document was not kept whole")
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	select {
	case err := <-errs:
		return err
	default:
	}
	after, err := used(site.KeeperPID())
	if err != nil {
		return err
	}
	n := float64(d.N)
	d.Rate, d.Bytes = n/took.Seconds(), n*float64(d.Size)/took.Seconds()
	d.CPU, d.KeeperCPU = time.Duration(float64(own()-cpu)/n), time.Duration(float64(after.since(before).CPU)/n)
	d.Kernel = time.Duration(float64(kernel()-inside) / n)
	me, err := used(os.Getpid())
	d.Memory = me.Memory
	return err
}
