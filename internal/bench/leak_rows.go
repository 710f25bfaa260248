package bench

import (
	"context"
	"os"
	"time"

	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Traced is a dump traced whole, on two goroutines.
type Traced struct {
	Took    time.Duration `json:"took"`
	CPU     time.Duration `json:"cpu"`
	PerSec  float64       `json:"rows_per_second"`
	GBps    float64       `json:"gbps"` // of wall time
	Rows    int64         `json:"rows"`
	Matched int64         `json:"matched"`
	Records int64         `json:"records"`
	Memory  int64         `json:"memory"` // resident, of the whole process
}

func traced(ctx context.Context, file string, table *index.Table) (out Traced, err error) {
	before, began := own(), time.Now()
	engine := trace.New(table, index.NewAsker(benchIndexKey, benchJobKey))
	report, err := dump.Walk(ctx, []string{file}, engine, dump.Options{Workers: 2})
	if err != nil {
		return out, err
	}
	r := engine.Result()
	out.Took, out.CPU = time.Since(began), own()-before
	out.Rows, out.Matched, out.Records = r.Rows, r.Matched, r.Records
	out.PerSec = float64(r.Rows) / out.Took.Seconds()
	out.GBps = float64(report.Sources[0].Size) / out.Took.Seconds() / 1e9
	u, err := used(os.Getpid())
	out.Memory = u.Memory
	return out, err
}
