package dump_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/trace/dump"
)

// taken is a sink that writes down what it is given, in order.
type taken struct {
	mu     sync.Mutex
	parts  map[int64]string
	marks  []dump.Mark
	passed int64
	fail   func(dump.Mark) error
}

func newTaken() *taken { return &taken{parts: map[int64]string{}} }

func fields(all []dump.Field) string {
	var out []string
	for _, f := range all {
		value := fmt.Sprintf("%q", f.Value)
		if f.Value == nil {
			value = "NULL"
		}
		out = append(out, f.Name+"="+value)
	}
	return strings.Join(out, " ")
}

func (s *taken) Rows(b *dump.Batch) error {
	var out strings.Builder
	for _, r := range b.Rows {
		if r.Source != b.Source {
			return fmt.Errorf("row of source %d in a batch of %d", r.Source, b.Source)
		}
		fmt.Fprintf(&out, "%d %s %d: %s\n", b.Source, b.Kind, r.Offset, fields(r.Fields))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[b.Number] = out.String()
	return nil
}

func (s *taken) Document(d *dump.Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[d.Number] = fmt.Sprintf("%d document %s %dx%d pixels %v UIDs %q IDs %q text %q fields %s\n", d.Source, d.Kind, d.Width, d.Height, d.PixelHash != [32]byte{}, d.UIDs, d.IDs, d.Text, fields(d.Fields))
	return nil
}

func (s *taken) Passed(m dump.Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.parts[m.Number-1]; !ok {
		return fmt.Errorf("%d passed and was not given", m.Number-1)
	}
	if s.passed != 0 && m.Number != s.passed+1 {
		return fmt.Errorf("%d passed behind %d", m.Number, s.passed)
	}
	s.passed = m.Number
	s.marks = append(s.marks, m)
	if s.fail != nil {
		return s.fail(m)
	}
	return nil
}

// text is all that was given, in order.
func (s *taken) text() string {
	var out strings.Builder
	for i := range s.passed {
		out.WriteString(s.parts[i])
	}
	return out.String()
}

// account writes down a report, and holds the sums against the sizes.
func account(t *testing.T, r *dump.Report) string {
	t.Helper()
	var out strings.Builder
	if len(r.Sources) != len(r.Accounts) {
		t.Fatalf("%d accounts of %d sources", len(r.Accounts), len(r.Sources))
	}
	for i, s := range r.Sources {
		a := r.Accounts[i]
		if a.Source != i || s.Number != i || a.Parsed < 0 || a.Parsed+a.Lost() != s.Size {
			t.Errorf("%s: %d parsed and %d skipped of %d: %+v", s.Name, a.Parsed, a.Lost(), s.Size, a.Skipped)
		}
		fmt.Fprintf(&out, "%d in %d: %s %s %s %d bytes, %d parsed", i, s.Parent, filepath.Base(s.Name), s.Kind, s.Charset, s.Size, a.Parsed)
		for _, k := range a.Skipped {
			var sum int64
			for _, g := range k.Ranges {
				if g.From >= g.To || g.To > s.Size {
					t.Errorf("%s: range %v of %d bytes", s.Name, g, s.Size)
				}
				sum += g.To - g.From
			}
			if sum > k.Bytes || sum != k.Bytes && k.More == 0 {
				t.Errorf("%s: %d bytes in ranges of %d", s.Name, k.Bytes, sum)
			}
			fmt.Fprintf(&out, "; %d %s", k.Bytes, k.Why)
		}
		fmt.Fprintf(&out, "\n")
	}
	return out.String()
}

// walk walks paths with one worker and with three, which must see the same.
func walk(t *testing.T, o dump.Options, paths ...string) (string, string, *dump.Report) {
	t.Helper()
	var texts, reports []string
	var report *dump.Report
	for _, workers := range []int{1, 3} {
		o.Workers = workers
		s := newTaken()
		r, err := dump.Walk(context.Background(), paths, s, o)
		if err != nil {
			t.Fatal(err)
		}
		texts, reports, report = append(texts, s.text()), append(reports, account(t, r)), r
	}
	if texts[0] != texts[1] || reports[0] != reports[1] {
		t.Errorf("one worker and three differ:\n%s%s", cmp.Diff(texts[0], texts[1]), cmp.Diff(reports[0], reports[1]))
	}
	return texts[0], reports[0], report
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// people is a table larger than several pieces.
func people(n int) []byte {
	out := []byte("nik,nama,alamat\n")
	for i := range n {
		out = fmt.Appendf(out, "99010141019%05d,\"SITI %d\",JL. MERDEKA NO %d\n", i, i, i)
	}
	return out
}

func TestTableOfManyPieces(t *testing.T) {
	path := write(t, "a.csv", people(30_000))
	rows, report, r := walk(t, dump.Options{}, path)
	if r.Rows != 30_000 || r.Batches < 4 {
		t.Errorf("%d rows in %d batches\n%s", r.Rows, r.Batches, report)
	}
	if d := cmp.Diff([]string{"nik", "nama", "alamat"}, r.Sources[0].Header); d != "" {
		t.Error(d)
	}
	last := `nik="9901014101929999" nama="SITI 29999" alamat="JL. MERDEKA NO 29999"` + "\n"
	if !strings.HasSuffix(rows, last) {
		t.Errorf("the last row is %q", rows[len(rows)-len(last):])
	}
}
