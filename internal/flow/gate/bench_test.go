package gate_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
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

// BenchmarkReconcile counts passes on a database with the limits of a server: a
// transaction that held the writer longer than those would fail here.
func BenchmarkReconcile(b *testing.B) {
	db, err := sqlite.Open(b.TempDir()+"/x.db", sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	at := day.Of(time.Now())
	place := venue.Venue{ID: 1, Name: "Mal", Category: venue.Mall, Level: 1, Declared: 1 << 30, Doors: 1}
	passes, shown := make([]venue.Pass, b.N), make([]venue.Showing, b.N)
	for i := range passes {
		var id venue.VisitID
		binary.BigEndian.PutUint64(id[8:], uint64(i+1))
		now := time.Now()
		passes[i] = venue.Pass{ID: id, Serial: id, Day: at, Who: venue.Pseudonym(id), Category: venue.Mall, Level: 1, Issued: now.Add(-time.Hour), Expires: now.Add(time.Hour), Party: 1, Decision: venue.Admit}
		shown[i] = venue.Showing{Serial: id, Door: 1, At: now}
	}
	if err := db.Bulk(b.Context(), func(s store.Stores) error {
		return errors.Join(s.Venues.Put(place), s.Passes.Put(passes))
	}); err != nil {
		b.Fatal(err)
	}
	policy, err := venue.ShippedPolicy()
	if err != nil {
		b.Fatal(err)
	}
	rules, err := status.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	book := gate.NewBook(policy, rules)
	if err := book.Refresh(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	where, _ := book.Place(1)
	b.ResetTimer()
	for part := range slices.Chunk(shown, 64) {
		codes, err := gate.Reconcile(b.Context(), db, where, part, time.Now())
		if err != nil || codes[0] != venue.SeenCounted {
			b.Fatal(codes, err)
		}
	}
}
