package gate_test

import (
	"sync/atomic"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/gate"
)

// BenchmarkDo is the flow alone, over a real database, with a keeper that seals
// nothing: 64 requests in flight.
func BenchmarkDo(b *testing.B) {
	w := newWorld(b, nil, gate.Options{Queue: 4096})
	const people = 20_000
	w.giveColours(greenPerson, 1000, people)
	var next atomic.Uint64
	asks := make([]gate.Ask, b.N)
	for i := range asks {
		asks[i] = w.checkIn(greenPerson, 2, 1)
		asks[i].Person = identity.PersonID(1000 + i%people)
	}
	b.SetParallelism(64)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w.do(asks[next.Add(1)-1])
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(len(w.keeper.leaves))/float64(b.N), "commits/op")
}
