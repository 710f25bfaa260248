package rows_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	. "github.com/amanah-project/amanah/internal/format/rows"
)

// bounded reads in to its end, and checks what must hold of every row.
func bounded(t *testing.T, in []byte, o Options) {
	r, err := Open(bytes.NewReader(in), o)
	if err != nil {
		return
	}
	line := int64(0)
	for range len(in) + 2 {
		row, err := r.Next()
		bad, refused := errors.AsType[*RowError](err)
		at, n := int64(0), int64(0)
		switch {
		case refused:
			at, n = bad.Offset, bad.Line
		case err != nil:
			return
		default:
			at, n = row.Offset, row.Line
			for _, c := range o.Columns {
				if v := row.Get(c); len(v) > MaxRow || !utf8.ValidString(v) {
					t.Fatalf("line %d: a value of %d bytes, %q", row.Line, len(v), v[:min(len(v), 100)])
				}
			}
		}
		if n <= line {
			t.Fatalf("line %d comes behind line %d", n, line)
		}
		line = n
		if zip := in[0] == 0x1f; !zip && at > 3 && in[at-1] != '\n' {
			t.Fatalf("line %d begins at %d, which begins no line", n, at)
		}
		if zip := in[0] == 0x1f; !zip && int(n) != 1+bytes.Count(in[:at], []byte("\n")) {
			t.Fatalf("line %d begins behind %d line breaks", n, bytes.Count(in[:at], []byte("\n")))
		}
	}
	t.Fatal("more rows than bytes")
}

// headed returns options that know every column of a header by its place.
func headed(header []string) (Options, bool) {
	o := Options{Format: CSV, Columns: map[string]string{}}
	for i, h := range header {
		if h == "" || strings.Trim(h, "abcdefghijklmnopqrstuvwxyz") != "" {
			return o, false
		}
		o.Columns[h] = string(rune('A' + i))
	}
	return o, len(o.Columns) == len(header) && len(header) <= 26
}

func seeds(f *testing.F) {
	names, err := filepath.Glob("testdata/*.in")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add([]byte(zipped(f, string(b))))
	}
}

func FuzzCSV(f *testing.F) {
	seeds(f)
	for _, s := range []string{"a,b\n1,2\n", "a,b\n\"1\r\n\",\"\"\"\"\r\n\n3,4\r", "a\n\r\n\"\"\n x \n", "a,b\n1,\"x\n2,y\n", "a,b\n\"1\n", "a,b\n1\"\"\n,\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		bounded(t, in, options())
		c := csv.NewReader(bytes.NewReader(in))
		header, err := c.Read()
		if err != nil || bytes.IndexByte(in, 0) >= 0 || !utf8.Valid(in) || len(in) > MaxRow {
			return
		}
		o, ok := headed(header)
		if !ok {
			return
		}
		want, err := c.ReadAll()
		if err != nil {
			return
		}
		r, err := Open(bytes.NewReader(in), o)
		if err != nil {
			t.Fatalf("encoding/csv reads it: %v", err)
		}
		var got [][]string
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("encoding/csv reads it: %v", err)
			}
			var rec []string
			for i := range header {
				rec = append(rec, row.Get(string(rune('A'+i))))
			}
			got = append(got, rec)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("-encoding/csv +rows: %s", d)
		}
	})
}

func FuzzNDJSON(f *testing.F) {
	seeds(f)
	for _, s := range []string{`{"nik":"1","name":"a\u00e9\n\ud83d\ude00","note":-1.5e+3}`, `{"nik":null}`, `{"note":true}{}`, `{"nik":"\ud800","x":0}`, `{}`, "{\"nik\":\"1\"\r}\n{"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		o := options()
		o.Format = NDJSON
		bounded(t, in, o)
		line, _, _ := bytes.Cut(in, []byte("\n"))
		if !bytes.HasPrefix(line, []byte("{")) || len(line) > MaxRow {
			return
		}
		r, err := Open(bytes.NewReader(line), o)
		if err != nil {
			return
		}
		row, err := r.Next()
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var want map[string]any
		stdErr := json.Unmarshal(line, &want)
		if err == nil && stdErr != nil {
			t.Fatalf("encoding/json refuses it: %v", stdErr)
		}
		if errors.Is(err, ErrObject) && stdErr == nil {
			t.Fatalf("encoding/json reads it: %v", err)
		}
		if err != nil {
			return
		}
		want = nil
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		for name, v := range want {
			to, ok := o.Columns[name]
			if !ok {
				if !slices.Contains(row.Unknown(), name) {
					t.Fatalf("member %q goes unnoticed", name)
				}
				continue
			}
			text := ""
			switch v := v.(type) {
			case string:
				text = v
			case json.Number:
				text = v.String()
			case bool:
				text = map[bool]string{true: "true", false: "false"}[v]
			}
			if got := row.Get(to); got != text {
				t.Fatalf("%s is %q, not %q", name, got, text)
			}
		}
	})
}
