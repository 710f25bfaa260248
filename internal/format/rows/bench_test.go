package rows_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	. "github.com/amanah-project/amanah/internal/format/rows"
)

func wide() Options {
	o := Options{Columns: map[string]string{}}
	for _, c := range strings.Split("nik,name,birth,sex,phone,ref", ",") {
		o.Columns[c] = c
	}
	return o
}

func people(n int) []byte {
	var b bytes.Buffer
	b.WriteString("nik,name,birth,sex,phone,ref\n")
	for i := range n {
		fmt.Fprintf(&b, "990101150890%04d,Siti Rahayu,1990-08-15,M,+628990%09d,r%d\n", i%9999+1, i, i)
	}
	return b.Bytes()
}

func read(b *testing.B, in []byte, o Options, n int) {
	b.SetBytes(int64(len(in) / n))
	b.ReportAllocs()
	for done := 0; done < b.N; {
		r, err := Open(bytes.NewReader(in), o)
		if err != nil {
			b.Fatal(err)
		}
		for ; done < b.N; done++ {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range []string{"nik", "name", "birth", "sex", "phone", "ref"} {
				if row.Get(c) == "" {
					b.Fatal("empty")
				}
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

const benchRows = 100000

// One operation is one row of six columns.
func BenchmarkCSV(b *testing.B) { read(b, people(benchRows), wide(), benchRows) }

func BenchmarkCSVQuoted(b *testing.B) {
	in := bytes.ReplaceAll(people(benchRows), []byte("Siti Rahayu"), []byte(`"Rahayu, ""Siti"""`))
	read(b, in, wide(), benchRows)
}

func BenchmarkGzip(b *testing.B) {
	read(b, []byte(zipped(b, string(people(benchRows)))), wide(), benchRows)
}

func BenchmarkNDJSON(b *testing.B) {
	var in bytes.Buffer
	for i := range benchRows {
		fmt.Fprintf(&in, `{"nik":"990101150890%04d","name":"Siti Rahayu","birth":"1990-08-15","sex":"M","phone":"+628990%09d","ref":"r%d"}`+"\n", i%9999+1, i, i)
	}
	read(b, in.Bytes(), wide(), benchRows)
}

// BenchmarkStd is encoding/csv on the same bytes, for comparison.
func BenchmarkStd(b *testing.B) {
	in := people(benchRows)
	b.ReportAllocs()
	for done := 0; done < b.N; {
		r := csv.NewReader(bytes.NewReader(in))
		r.ReuseRecord = true
		for ; done < b.N; done++ {
			if _, err := r.Read(); err != nil {
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkSkip(b *testing.B) {
	in := people(benchRows)
	r, err := Open(bytes.NewReader(in), wide())
	if err != nil {
		b.Fatal(err)
	}
	for err == nil {
		_, err = r.Next()
	}
	at := r.Position()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		r, err := Open(bytes.NewReader(in), wide())
		if err == nil {
			err = r.Skip(at)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocs holds a row of six columns to one allocation, its text.
func TestAllocs(t *testing.T) {
	in := people(benchRows)
	n := testing.AllocsPerRun(3, func() {
		r, err := Open(bytes.NewReader(in), wide())
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if err != io.EOF {
			t.Fatal(err)
		}
	})
	if n/benchRows > 1.01 {
		t.Errorf("%.2f allocations a row", n/benchRows)
	}
}
