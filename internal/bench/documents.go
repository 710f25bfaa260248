package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
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
	KeeperCPU time.Duration `json:"keeper_cpu_per_document"`
	Memory    int64         `json:"memory"` // resident afterwards
}

// keep keeps documents of synthetic people, on the disk, by the same flow as a server.
func (v *Vault) keep(ctx context.Context, site *app.Site, opt VaultOptions) error {
	flow, done, err := site.OpenDocuments(ctx)
	if err != nil {
		return err
	}
	for _, d := range []Documents{{Size: 50_000, N: opt.Documents, Flight: 1}, {Size: 50_000, N: opt.Documents, Flight: 16}, {Size: 100_000_000, N: max(1, opt.Documents/100), Flight: 1}} {
		if err == nil {
			err = d.measure(ctx, site, flow, opt.Patients)
			v.Documents = append(v.Documents, d)
		}
	}
	if after := done(); err == nil {
		err = after
	}
	return err
}

func (d *Documents) measure(ctx context.Context, site *app.Site, flow *document.Flow, patients int) error {
	before, err := used(site.KeeperPID())
	if err != nil {
		return err
	}
	by := care.Caller{Actor: "operator", Facility: "rs-99-001", Rights: staff.Enter}
	var next atomic.Int64
	errs := make(chan error, d.Flight)
	var wait sync.WaitGroup
	cpu, began := own(), time.Now()
	for range d.Flight {
		wait.Go(func() {
			for i := next.Add(1); i <= int64(d.N); i = next.Add(1) {
				from := io.LimitReader(rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(d.Flight)}), d.Size)
				in := document.Incoming{From: from, Person: identity.PersonID(1 + i%int64(patients)), Source: fmt.Sprint(d.Size, " ", d.Flight, " ", i)}
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
	me, err := used(os.Getpid())
	d.Memory = me.Memory
	return err
}
