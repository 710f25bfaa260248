package dump_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/trace/dump"
)

// errEnough ends a walk that a test stops.
var errEnough = errors.New("enough")

// stopped walks until the first state behind so many batches is kept, from one that was kept
// before, and returns it as a disk would: encoded. nil when the walk ended.
func stopped(t *testing.T, paths []string, from *dump.State, s *taken, behind int64) (*dump.State, *dump.Report) {
	t.Helper()
	var raw bytes.Buffer
	o := dump.Options{Workers: 2, From: from, Due: func() bool { return true }}
	o.Keep = func(at *dump.State) error {
		if at.Mark.Number < behind {
			return nil
		}
		if err := gob.NewEncoder(&raw).Encode(at); err != nil {
			return err
		}
		return errEnough
	}
	r, err := dump.Walk(context.Background(), paths, s, o)
	if err == nil {
		return nil, r
	}
	var at dump.State
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&raw).Decode(&at); err != nil {
		t.Fatal(err)
	}
	return &at, nil
}

// sample is a folder of everything that a walk may be stopped in: one of each format, and what
// has many pieces.
func sample(t *testing.T) string {
	table := people(9000)
	var sql, copied, lines, doc bytes.Buffer
	sql.WriteString("-- MySQL dump\nCREATE TABLE `orang` (\n  `nik` char(16),\n  `nama` text\n);\n")
	copied.WriteString("--\n-- PostgreSQL database dump\n--\nSET x = 1;\nCOPY public.orang (nik, nama) FROM stdin;\n")
	doc.WriteString(`{"total": 9, "orang": [`)
	for i := range 9000 {
		end, comma := ",", ",\n"
		if i%50 == 0 {
			sql.WriteString("INSERT INTO `orang` VALUES ")
		}
		if i%50 == 49 {
			end = ";\n"
		}
		if i == 8999 {
			comma = ""
		}
		fmt.Fprintf(&sql, "('99010141019%05d','SITI; %d \\' JALAN KENANGA')%s", i, i, end)
		fmt.Fprintf(&copied, "99010141019%05d\tSITI %d JALAN KENANGA NOMOR\n", i, i)
		fmt.Fprintf(&lines, "{\"nik\":\"99010141019%05d\",\"nama\":\"SITI %d\"}\n", i, i)
		fmt.Fprintf(&doc, "{\"nik\":\"99010141019%05d\",\"nama\":\"SITI %d\"}%s", i, i, comma)
	}
	copied.WriteString("\\.\nSELECT 1;\n")
	doc.WriteString("]}")
	packed := zipped(named{"one.csv", table}, named{"two.csv", table})
	stream := gz(tarred(named{"0.csv", table}, named{"1.zip", packed}, named{"2.csv", []byte("nik,nama\n9901014101900001,SITI\n")}))
	dir := t.TempDir()
	for _, f := range append(files(t),
		named{"aa.csv", table}, named{"ab.txt", wide(binary.LittleEndian, true, string(table))},
		named{"ac.sql", sql.Bytes()}, named{"ad.sql", copied.Bytes()}, named{"ae.ndjson", lines.Bytes()}, named{"af.json", doc.Bytes()},
		named{"ag.csv", bytes.Replace(table, []byte("SITI 4000"), bytes.Repeat([]byte("SITI "), 200_000), 1)}, // buffers grow
		named{"ah.zip", packed}, named{"ai.tgz", stream}, named{"aj.tgz", stream[:len(stream)*2/3]},
	) {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestGoesOnFromAnyState: a walk stopped behind every batch there is, each time going on from
// what was kept, gives each batch once and reports what one walk does.
func TestGoesOnFromAnyState(t *testing.T) {
	paths := []string{sample(t)}
	whole := newTaken()
	first, err := dump.Walk(context.Background(), paths, whole, dump.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if whole.passed < 30 {
		t.Fatalf("%d batches", whole.passed)
	}
	for _, step := range []int64{1, 7} {
		var at *dump.State
		got, places := map[int64]string{}, 0
		for {
			s := newTaken()
			next, r := stopped(t, paths, at, s, number(at)+step)
			passed := whole.passed
			if next != nil {
				passed = next.Mark.Number
				if next.Place != nil {
					places++
				}
			}
			for i := number(at); i < passed; i++ {
				if _, twice := got[i]; twice || s.parts[i] == "" && whole.parts[i] != "" {
					t.Fatalf("batch %d: twice %v", i, twice)
				}
				got[i] = s.parts[i]
			}
			for i := range s.parts {
				if i < number(at) {
					t.Errorf("batch %d was given again", i)
				}
			}
			if at = next; next == nil {
				if d := cmp.Diff(first, r); d != "" {
					t.Errorf("every %d: the report: %s", step, d)
				}
				break
			}
		}
		if d := cmp.Diff(whole.parts, got); d != "" {
			t.Errorf("every %d: %s", step, d[:min(len(d), 2000)])
		}
		if places < 3 {
			t.Errorf("every %d: went on in the middle of a file %d times", step, places)
		}
	}
}

func number(s *dump.State) int64 {
	if s == nil {
		return 0
	}
	return s.Mark.Number
}

// TestReadsOnlyWhatIsLeft: a file that goes on is read from where it was; what has changed
// before is told by its hash, which is of what was read, and a file that was cut is refused.
func TestReadsOnlyWhatIsLeft(t *testing.T) {
	content := people(60_000)
	path := write(t, "a.csv", content)
	at, _ := stopped(t, []string{path}, nil, newTaken(), 5)
	var told []int64
	o := dump.Options{From: at, Progress: func(n int64) { told = append(told, n) }}
	first, err := dump.Walk(context.Background(), []string{path}, newTaken(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(told); n < 2 || told[1] < at.Mark.Offset-1<<20 || told[n-1] != int64(len(content)) {
		t.Errorf("read %v, and was at %d of %d", told, at.Mark.Offset, len(content))
	}
	content[70_000] ^= 1 // a byte that is behind, and not among those that tell the format
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := dump.Walk(context.Background(), []string{path}, newTaken(), dump.Options{From: at})
	if err != nil || again.Sources[0].SHA256 != first.Sources[0].SHA256 {
		t.Errorf("the hash is of what was read: %v", err)
	}
	if err := os.WriteFile(path, content[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dump.Walk(context.Background(), []string{path}, newTaken(), dump.Options{From: at}); err != dump.ErrChanged {
		t.Errorf("a cut file: %v", err)
	}
	other := write(t, "b.csv", []byte(strings.Repeat("x", 100)))
	if _, err := dump.Walk(context.Background(), []string{other}, newTaken(), dump.Options{From: at}); err != dump.ErrChanged {
		t.Errorf("another file: %v", err)
	}
}
