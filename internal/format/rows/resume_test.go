package rows_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/fault"
	. "github.com/amanah-project/amanah/internal/format/rows"
)

func open(t interface {
	Helper()
	Fatal(...any)
}, in string) *Reader {
	t.Helper()
	r, err := Open(strings.NewReader(in), options())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// table draws a table with rows good and bad.
func table(t *rapid.T) string {
	line := rapid.SampledFrom([]string{"1,Ani\n", "2,\"Bu\ndi\"\r\n", "\n", "3\n", "4,\"x\n", "5,\xff\n", "6,\"\"\n"})
	return "nik,name\n" + strings.Join(rapid.SliceOfN(line, 0, 40).Draw(t, "lines"), "")
}

// TestResume stops a reader anywhere and goes on with another, plain or gzip: both
// together give what one gives alone.
func TestResume(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := table(rt)
		want, _ := all(open(rt, in))
		stop := rapid.IntRange(0, len(want)).Draw(rt, "stop")
		first := open(rt, in)
		for range stop {
			first.Next()
		}
		at := first.Position()
		if at.Rows != int64(stop) {
			rt.Fatalf("%d rows at row %d", at.Rows, stop)
		}
		for _, in := range []string{in, zipped(t, in)} {
			second := open(rt, in)
			if err := second.Skip(at); err != nil {
				rt.Fatal(err)
			}
			if got := second.Position(); got != at {
				rt.Fatalf("stands at %+v, not %+v", got, at)
			}
			got, err := all(second)
			if err != nil {
				rt.Fatal(err)
			}
			if d := cmp.Diff(append(want[:stop:stop], got...), want); d != "" {
				rt.Fatal(d)
			}
		}
	})
}

func TestResumeNoticesChanges(t *testing.T) {
	var b strings.Builder
	b.WriteString("nik,name\n")
	for i := range 100000 {
		fmt.Fprintf(&b, "%d,Ani\n", i)
	}
	in := b.String()
	r := open(t, in)
	for range 90000 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	at := r.Position()
	if err := open(t, in).Skip(at); err != nil {
		t.Fatalf("control, unchanged: %v", err)
	}
	if err := open(t, in+"7,Budi\n").Skip(at); err != nil {
		t.Errorf("control, rows added at the end: %v", err)
	}
	if err := open(t, in).Skip(Position{}); err != nil {
		t.Errorf("control, from the start: %v", err)
	}
	z := zipped(t, in)
	for name, changed := range map[string]string{
		"a byte":          in[:5000] + "x" + in[5001:],
		"the header":      "nik,nama\n" + in[9:],
		"shrunk":          in[:500000],
		"shrunk by one":   in[:at.Offset-1],
		"shrunk gzip":     zipped(t, in[:500000]),
		"cut gzip":        z[:len(z)/2],
		"a row in front":  in[:9] + "x,y\n" + in[9:],
		"a header longer": "nik,name" + strings.Repeat(",x", 20) + in[8:],
	} {
		r := open(t, changed)
		if err := r.Skip(at); !errors.Is(err, ErrChanged) || fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Next(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: a changed file goes on with %v", name, err)
		}
	}
	r = open(t, in)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Skip(Position{Offset: 3}); !errors.Is(err, ErrChanged) {
		t.Errorf("backwards: %v", err)
	}
	r = open(t, "nik\n1\n")
	for err := error(nil); err == nil; {
		_, err = r.Next()
	}
	if err := r.Skip(at); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
}
