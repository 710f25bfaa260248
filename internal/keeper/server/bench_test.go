package server

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
)

// BenchmarkOpenRecords opens all records of one person an operation through the
// socket, the intent on this machine's disk before the keys: by systems, who sign
// with Ed25519, and by people, whose browser and passkey are both checked. One at a
// time, then sixteen together, whose intents share an fsync.
func BenchmarkOpenRecords(b *testing.B) {
	h := newHouse(b, durable.OS(b.TempDir()), 10)
	s := serveOn(b, h.Keeper, h.c, b.TempDir(), true)
	h.served = true
	for name, m := range map[string]*colleague{"system": h.system, "person": h.doctor} {
		for width, together := range map[string]int{"alone": 1, "together": 16} {
			b.Run(name+"/"+width, func(b *testing.B) {
				asks := make(chan keeper.Ask, b.N)
				for range b.N {
					asks <- m.ask("GET", patient(1)) // counted once: it is the opening that is measured
				}
				close(asks)
				took := make([][]time.Duration, together)
				var done sync.WaitGroup
				b.ResetTimer()
				for w := range together {
					done.Go(func() {
						for ask := range asks {
							began := time.Now()
							_, out, err := s.serve.OpenRecords(b.Context(), ask, h.all(identity.PersonID(1)))
							if err != nil || out[0].Err != nil {
								b.Errorf("open: %v", err)
								return
							}
							took[w] = append(took[w], time.Since(began))
						}
					})
				}
				done.Wait()
				b.StopTimer()
				all := slices.Concat(took...)
				slices.Sort(all)
				if len(all) > 0 {
					b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-us")
					b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-us")
					b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "opens/s")
				}
			})
		}
	}
}
