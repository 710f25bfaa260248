package response

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

// leaked is what a trace observed of a dump of so many rows of one copy: five cells and a token
// in each.
func leaked(base *leak.Base, seed *leak.Seed, rows int) *observed {
	o := &observed{Result: &trace.Result{}, Report: &dump.Report{Rows: int64(rows)}, Indexes: 1}
	r := o.Result
	for i := range rows {
		r.Known = append(r.Known, base.Row(binary.BigEndian.AppendUint32(nil, uint32(i))))
	}
	slices.Sort(r.Known)
	for _, row := range r.Known {
		r.Tokens = append(r.Tokens, trace.Token{Row: row, Token: seed.Token(row)})
		for f := leak.Street; f <= leak.Letters; f++ {
			c := leak.Cell{Row: row, Family: f}
			r.Cells = append(r.Cells, leak.Observed{Cell: c, Symbol: seed.Symbol(base, c)})
		}
	}
	return o
}

func sealedFolder(t testing.TB, d durable.FS, job byte) folder {
	t.Helper()
	seal, err := sealer(append(make([]byte, 31), job))
	if err != nil {
		t.Fatal(err)
	}
	return folder{d, seal}
}

// TestKept: what is kept is read again, as is what tools kept before in one piece; with another
// key, cut, or a bit turned it does not open, and what is not there is not there.
func TestKept(t *testing.T) {
	base, disk := leak.Base{1}, durabletest.New(1)
	f := sealedFolder(t, disk, 1)
	want := leaked(&base, &leak.Seed{2}, 5000)
	if _, err := f.kept(keptName); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing kept: %v", err)
	}
	same := func(what string) {
		t.Helper()
		got, err := f.kept(keptName)
		if err != nil {
			t.Fatal(what, err)
		}
		if d := cmp.Diff(want, &got, cmp.AllowUnexported(observed{}), cmpopts.EquateEmpty()); d != "" {
			t.Error(what, d)
		}
	}
	plain, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.write(keptName, plain); err != nil {
		t.Fatal(err)
	}
	same("in one piece")
	if err := f.keep(keptName, want); err != nil {
		t.Fatal(err)
	}
	same("streamed")
	raw, err := durable.ReadFile(disk, keptName)
	if err != nil || len(raw) > len(plain)/8 {
		t.Errorf("%d bytes, as JSON %d: %v", len(raw), len(plain), err)
	}
	refused := func(what string, f folder) {
		t.Helper()
		if o, err := f.kept(keptName); !errors.Is(err, ErrKept) || o.Result != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("another key", sealedFolder(t, disk, 2))
	for _, at := range []int{len(ageBegins) + 30, len(raw) / 2, len(raw) - 1} {
		bad := slices.Clone(raw)
		bad[at] ^= 1
		if err := durable.WriteFile(disk, keptName, bad); err != nil {
			t.Fatal(err)
		}
		refused("a bit turned", f)
		if err := durable.WriteFile(disk, keptName, raw[:at]); err != nil {
			t.Fatal(err)
		}
		refused("cut", f)
	}
}

// BenchmarkAfterReading is what a trace does when all is read, of 300,000 rows with five marks
// and a token each: it keeps what it observed, freezes it, and weighs 20 copies of 100,000 rows
// and all decoys.
func BenchmarkAfterReading(b *testing.B) {
	base, seed := leak.Base{1}, leak.Seed{2}
	o := leaked(&base, &seed, 300_000)
	var codes keeper.Codes
	var reads []keeper.Reading
	for j := range 20 {
		one := keeper.Code{Copy: leak.Copy{1, byte(j)}, Seed: leak.Seed{2, byte(j)}}
		read := keeper.Reading{Copy: one.Copy}
		for i := range 100_000 {
			read.Rows = append(read.Rows, keeper.RowVersion{Row: o.Result.Known[(3*i+j)%len(o.Result.Known)], Version: 1})
		}
		codes.Codes, reads = append(codes.Codes, one), append(reads, read)
	}
	f := sealedFolder(b, durable.OS(b.TempDir()), 1)
	for b.Loop() {
		if err := f.keep(keptName, o); err != nil {
			b.Fatal(err)
		}
		frozen := leak.Freeze(sampleOf(o.Result))
		had := delivered(reads)
		frozen.Choose(slices.Collect(maps.Values(had)))
		found := frozen.Weigh(&base, holdings(codes, had))
		if at := slices.IndexFunc(found, func(e leak.Evidence) bool { return e.LnE > 100 }); at != 0 {
			b.Fatal("named ", at)
		}
		if c := control(frozen, &base, []byte("job"), leak.Spend(leak.Epsilon, 1, len(found)), &canaries{}); c.Accused > 0 {
			b.Fatal(c)
		}
	}
	raw, err := durable.ReadFile(f.FS, keptName)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(raw))/300_000, "kept-B/row")
}
