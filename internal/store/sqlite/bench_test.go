package sqlite_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// gate makes check-ins as the gate does: ids that ascend, pseudonyms that do not,
// one leaf for a batch.
type gate struct {
	id  accesslog.GateID
	seq uint64
	ms  uint64
}

func (g *gate) batch(n int) ([]venue.Visit, []venue.Delta, accesslog.Leaf) {
	now := time.Now()
	visits := make([]venue.Visit, n)
	random := make([]byte, n*(16+16+288))
	rand.Read(random)
	leaf := accesslog.Leaf{Gate: g.id, Seq: g.seq, Count: n, At: now, Events: make([]accesslog.Event, n)}
	rand.Read(leaf.Signature[:])
	inside := map[venue.ID]int{}
	for i := range visits {
		g.ms++
		r := random[i*320:]
		v := &visits[i]
		binary.BigEndian.PutUint64(v.ID[:], g.ms<<16)
		copy(v.ID[6:], r[:10])
		*v = venue.Visit{
			ID: v.ID, Venue: venue.ID(1 + r[10]%200), Door: 1, Day: day.Of(now), Who: venue.Pseudonym(r[16:32]), Entered: now,
			LeavesBy: now.Truncate(time.Minute).Add(2 * time.Hour), Party: 1, Decision: venue.Admit,
			Leaf: venue.LeafRef{Gate: g.id, Seq: g.seq, Index: i},
		}
		inside[v.Venue]++
		e := &leaf.Events[i]
		copy(e.ID[:], r[32:])
		copy(e.Tag[:], r[48:])
		copy(e.Commitment[:], r[64:])
		e.Sealed = r[100:250] // 150 bytes
	}
	g.seq++
	var deltas []venue.Delta
	for id, by := range inside {
		deltas = append(deltas, venue.Delta{Venue: id, By: by})
	}
	return visits, deltas, leaf
}

func write(s store.Stores, v []venue.Visit, d []venue.Delta, l accesslog.Leaf) error {
	if err := s.Visits.Put(v); err != nil {
		return err
	}
	if err := s.Venues.Add(d); err != nil {
		return err
	}
	return s.Log.Put([]accesslog.Leaf{l})
}

const benchPeople = 100_000

// benchDB has 200 venues, 100,000 colours and 300,000 visits of today.
func benchDB(b *testing.B) (*sqlite.DB, *gate) {
	b.Helper()
	db, err := sqlite.Open(filepath.Join(b.TempDir(), "amanah.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	g := &gate{id: accesslog.GateID{1}, ms: uint64(time.Now().UnixMilli())}
	err = db.Bulk(context.Background(), func(s store.Stores) error {
		for id := range 200 {
			if err := s.Venues.Put(venue.Venue{ID: venue.ID(id + 1), Category: venue.Mall}); err != nil {
				return err
			}
		}
		rows := make([]status.SealedColour, benchPeople)
		for i := range rows {
			rows[i] = status.SealedColour{Person: identity.PersonID(i + 1), Version: 1, Sealed: make([]byte, 60)}
			rand.Read(rows[i].Sealed)
		}
		if err := s.Status.PutColours(rows); err != nil {
			return err
		}
		for range 300_000 / 250 {
			if err := write3(s, g, 250); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db, g
}

func write3(s store.Stores, g *gate, n int) error {
	v, d, l := g.batch(n)
	return write(s, v, d, l)
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reports wall and processor time of each of n items an iteration.
func measure(b *testing.B, n int, run func()) {
	began := cpu(b)
	b.ResetTimer()
	for b.Loop() {
		run()
	}
	items := float64(b.N * n)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e3/items, "µs/item")
	b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/1e3/items, "cpu-µs/item")
}

// BenchmarkCheckIns is one Update of a batch: visits, trails, leaf, counts.
func BenchmarkCheckIns(b *testing.B) {
	db, g := benchDB(b)
	for _, n := range []int{16, 55, 256} {
		for _, reads := range []bool{false, true} {
			name := map[bool]string{false: "write", true: "turn"}[reads]
			b.Run(name+"/"+map[int]string{16: "16", 55: "55", 256: "256"}[n], func(b *testing.B) {
				before := db.Stats()
				measure(b, n, func() {
					v, d, l := g.batch(n)
					err := db.Update(context.Background(), func(s store.Stores) error {
						if reads {
							if err := read(s, v); err != nil {
								return err
							}
						}
						return write(s, v, d, l)
					})
					if err != nil {
						b.Fatal(err)
					}
				})
				after := db.Stats()
				items := float64(b.N * n)
				b.ReportMetric(float64(after.Commits-before.Commits)/items, "commits/item")
				b.ReportMetric(float64((after.CommitTime-before.CommitTime).Nanoseconds())/1e3/items, "commit-µs/item")
				b.ReportMetric(float64((after.CheckpointTime-before.CheckpointTime).Nanoseconds())/1e3/items, "checkpoint-µs/item")
			})
		}
	}
}

// read is what the gate reads within its transaction before it decides.
func read(s store.Stores, v []venue.Visit) error {
	ids := make([]venue.VisitID, len(v))
	links := make([]identity.LinkID, len(v))
	trails := make([]venue.Trail, len(v))
	venues := map[venue.ID]bool{}
	for i := range v {
		ids[i], links[i], trails[i] = v[i].ID, identity.LinkID(v[i].ID), venue.Trail{Day: v[i].Day, Who: v[i].Who}
		venues[v[i].Venue] = true
	}
	if _, err := s.Links.Get(links); err != nil {
		return err
	}
	if _, err := s.Visits.Get(ids); err != nil {
		return err
	}
	if _, err := s.Visits.Of(trails); err != nil {
		return err
	}
	var places []venue.ID
	for id := range venues {
		places = append(places, id)
	}
	_, err := s.Venues.Inside(places)
	return err
}

// BenchmarkUpdates is group commit itself: 64 callers, one check-in each.
func BenchmarkUpdates(b *testing.B) {
	db, g := benchDB(b)
	const callers = 64
	before := db.Stats()
	measure(b, callers, func() {
		var done sync.WaitGroup
		for range callers {
			v, d, _ := g.batch(1)
			done.Go(func() {
				err := db.Update(context.Background(), func(s store.Stores) error {
					if err := s.Visits.Put(v); err != nil {
						return err
					}
					return s.Venues.Add(d)
				})
				if err != nil {
					b.Error(err)
				}
			})
		}
		done.Wait()
	})
	after := db.Stats()
	b.ReportMetric(float64(after.Commits-before.Commits)/float64(after.Closures-before.Closures), "commits/item")
}

func BenchmarkColours(b *testing.B) {
	db, _ := benchDB(b)
	for _, n := range []int{1, 64, 256} {
		b.Run(map[int]string{1: "1", 64: "64", 256: "256"}[n], func(b *testing.B) {
			ids := make([]identity.PersonID, n)
			var next uint64
			measure(b, n, func() {
				for i := range ids {
					next = next*6364136223846793005 + 1442695040888963407
					ids[i] = identity.PersonID(1 + next>>33%benchPeople)
				}
				err := db.View(context.Background(), func(s store.Stores) error {
					_, err := s.Status.Colours(ids)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
