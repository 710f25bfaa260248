package trace

import (
	"testing"

	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// BenchmarkRows is one row held against the index, all columns there.
func BenchmarkRows(b *testing.B) {
	const people = 5000
	all := rows(0, people, "nik", "name", "birth", "phone", "address", "record", "place", "updated", "age", "token")
	e := New(world(people), index.NewAsker(indexKey, jobKey))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if err := e.Rows(&dump.Batch{Rows: all}); err != nil {
			b.Fatal(err)
		}
		e.ahead = map[int64]part{}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/people, "ns/row")
}
