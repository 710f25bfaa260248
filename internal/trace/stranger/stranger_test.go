package stranger_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/stranger"
)

// counting counts the rows of a walk, and those that hold a NIK.
type counting struct{ rows, niks int }

func (c *counting) Rows(b *dump.Batch) error {
	for _, r := range b.Rows {
		c.rows++
		for _, f := range r.Fields {
			if bytes.Contains(f.Value, []byte("990101")) {
				c.niks++
				break
			}
		}
	}
	return nil
}
func (*counting) Document(*dump.Document) error { return nil }
func (*counting) Passed(dump.Mark) error        { return nil }

// copies are those of three people, of one export, with marks of a simple kind.
func copies() (csv, ndjson [][]byte) {
	for who := range 3 {
		table := []byte("token,nik,nama,alamat,telp,tgl_lahir\n")
		var lines []byte
		for i := range 120 {
			street, phone := []string{"Jl.", "Jalan"}[(i+who)%2], []string{"+62", "0"}[(i/2+who)%2]
			nik, born := fmt.Sprintf("990101410190%04d", i), fmt.Sprintf("1990-01-%02d", 1+i%28)
			table = fmt.Appendf(table, "%d%d,%s,Siti %d,\"%s Merdeka, RT %d\",%s8123456%04d,%s\n", who, i*7919, nik, i, street, i, phone, i, born)
			lines = fmt.Appendf(lines, `{"id":"%d%d","person":{"nik":"%s","nama":"Siti %d"},"alamat":"%s Merdeka","lahir":"%s"}`+"\n", who, i*7919, nik, i, street, born)
		}
		csv, ndjson = append(csv, table), append(ndjson, lines)
	}
	return csv, ndjson
}

// TestEveryPostIsRead: what a stranger posts is read, whatever its form, and accounted for.
func TestEveryPostIsRead(t *testing.T) {
	csv, ndjson := copies()
	done := map[string]int{}
	path := filepath.Join(t.TempDir(), "x")
	for seed := range uint64(400) {
		all := csv
		if seed%2 == 1 {
			all = ndjson
		}
		post, err := stranger.Post(seed, all[:1+seed%3]...)
		if err != nil {
			t.Fatal(err)
		}
		again, err := stranger.Post(seed, all[:1+seed%3]...)
		if err != nil || !bytes.Equal(post.File, again.File) {
			t.Fatalf("seed %d makes two files", seed)
		}
		for _, d := range strings.Split(post.Done, "; ") {
			done[d]++
		}
		if err := os.WriteFile(path, post.File, 0o600); err != nil {
			t.Fatal(err)
		}
		var c counting
		r, err := dump.Walk(context.Background(), []string{path}, &c, dump.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range r.Accounts {
			if a.Parsed+a.Lost() != r.Sources[i].Size {
				t.Errorf("seed %d (%s): %d and %d of %d bytes", seed, post.Done, a.Parsed, a.Lost(), r.Sources[i].Size)
			}
		}
		if c.rows < 40 || c.niks < 40 && !strings.Contains(post.Done, "dropped") {
			t.Errorf("seed %d (%s): %d rows, %d with a NIK", seed, post.Done, c.rows, c.niks)
		}
	}
	for _, all := range [][]stranger.Change{stranger.Columns(), stranger.Rows(), stranger.Values()} {
		for _, c := range all {
			if done["columns: "+c.Name]+done["rows: "+c.Name]+done["values: "+c.Name] == 0 {
				t.Errorf("nobody did: %s", c.Name)
			}
		}
	}
	for _, m := range stranger.Merges() {
		if done[m.Name] == 0 {
			t.Errorf("nobody did: %s", m.Name)
		}
	}
	for _, f := range stranger.Forms() {
		if done[f.Ending] == 0 {
			t.Errorf("nobody posted: %s", f.Ending)
		}
	}
}
