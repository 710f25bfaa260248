package trace

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

var update = flag.Bool("update", false, "write golden files")

// past is an index of people who have changed: names, telephones and records in several versions.
func past(people int) *index.Table {
	t := index.NewTagger(indexKey)
	var w norm.Words
	var b index.Batch
	for i := range people {
		p, f := person(i), factsOf(i)
		for k := range 1 + i%3/2 {
			if k == 1 {
				f.Phone, f.Name = f.Phone+1000, w.Name(nil, []byte(p.name+" Baru"))
			}
			id := t.Identity(f)
			id.From = norm.MinuteOf(day0) + norm.Minute(k)*5000
			b.People = append(b.People, id)
		}
		if d, ok := t.Decoy(f.NIK); ok {
			b.People = append(b.People, d)
		}
		from := norm.Minutes(nil, []byte(p.updated))[0]
		r := index.Records{Of: t.Full(f.NIK)}
		for k := range i % 4 {
			visit := norm.Visit(w.Facility(nil, []byte(p.place)), nil, f.Birth+norm.Date(k))
			v := index.Version{Row: rowOf(i, 1+k), From: from, Record: t.Record(r.Of, 65538+uint64(k)), Visit: t.Visit(rowOf(i, 0), rowOf(i, 1+k), visit, uint8(k))}
			old := v
			old.From -= 10_000
			if r.Versions = append(r.Versions, old, v); i%8 == 7 {
				r.Versions = append(r.Versions, index.Version{Row: v.Row, From: v.From + 500, Ends: true})
			}
		}
		b.Records = append(b.Records, r)
	}
	return index.NewTable(indexKey, jobKey, index.NewSet(b))
}

// spelled is somebody's row as it may have become on its way, of the columns of spelledNames.
func spelled(rng *rand.Rand, people int) []string {
	i := rng.IntN(people * 5 / 4)
	p := person(i)
	if rng.IntN(3) == 0 {
		p.name += " Baru"
	}
	some := func(of ...string) string { return of[rng.IntN(len(of))] }
	other := fmt.Sprintf("%s%04d", p.nik[:12], rng.IntN(60))
	d, m, y := p.birth[:2], p.birth[3:5], p.birth[6:]
	date := some(p.birth, y+"-"+m+"-"+d, d+m+y, y+m+d, d+" Agustus "+y, m+"/"+d+"/"+y, d+"."+m+"."+y[2:], "", "NULL")
	at := some(p.updated, strings.NewReplacer("T", " ", ".250Z", "").Replace(p.updated), strings.Replace(p.updated, ".250Z", ".750+00:00", 1), p.updated[:10], "")
	street := strings.Replace(p.address, "Jl.", some("Jl.", "Jalan", "JLN", "jl"), 1)
	return []string{
		fmt.Sprint(rng.IntN(1e6)),
		some(p.nik, p.nik, p.nik, p.nik[:15]+"0", p.nik[:6]+"."+p.nik[6:12]+"."+p.nik[12:], "'"+p.nik, other, "", "123"),
		some(p.name, strings.ToUpper(p.name), "Hj. "+p.name+", S.Pd.", strings.ToLower(p.name), strings.Fields(p.name)[0], "Nur'aini \"Ibu\" Sé", ""),
		date,
		some(p.phone, "+62"+p.phone[1:], "62 "+p.phone[1:4]+"-"+p.phone[4:], p.phone[1:], "", fmt.Sprintf("0812%08d", i+1000)),
		some(street, strings.ToUpper(street), strings.Replace(street, "/RW ", " RW 00", 1), street+", Kel. Cempaka", ""),
		some(p.record, fmt.Sprintf("%d-65539", i+1), "Observation/"+p.record, fmt.Sprint(i+1), "Patient/"+fmt.Sprint(i+1), ""),
		some(p.place, strings.ToUpper(p.place), "Puskesmas Melati", ""),
		at,
		some("J06.9", "A09", "-", "batuk, pilek"),
		fmt.Sprintf("%x", tokenOf(rng.IntN(people))),
		some("", "", "lihat "+p.nik+" lama", "tidak ada keluhan", "amv-00112233445566778899aabbccddeeff", strings.Repeat("x", 400)),
	}
}

var spelledNames = strings.Fields("id nik nama tgl_lahir telp alamat record faskes updated diagnosa token keterangan")

// files writes dumps of the same kind of people in every shape of text that is read.
func files(t *testing.T, people int) (paths []string) {
	rng, dir := rand.New(rand.NewPCG(11, 7)), t.TempDir()
	file := func(name string, b []byte) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	table := func(rows int, comma rune, columns ...int) []byte {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma = comma
		pick := func(all []string) (out []string) {
			for _, c := range columns {
				out = append(out, all[c])
			}
			return out
		}
		_ = w.Write(pick(spelledNames))
		for range rows {
			_ = w.Write(pick(spelled(rng, people)))
		}
		w.Flush()
		return b.Bytes()
	}
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	plain := func(b []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte{'"'}, nil), []byte(", "), []byte(" "))
	}
	file("a.csv", table(3000, ',', all...))
	file("b.csv", plain(table(3000, ';', 8, 7, 6, 5, 4, 3, 2, 1)))
	file("c.tsv", plain(table(2000, '\t', 1, 2, 5, 4, 10, 8, 6)))
	file("d.csv", table(1000, '|', 2, 3, 4))
	file("e.csv", table(1000, ',', 2, 4, 5, 7, 3))
	file("f.csv", bytes.ReplaceAll(table(500, ',', all...), []byte("é"), []byte{0xe9}))
	var wide []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + string(table(500, ',', all...)))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	file("g.csv", wide)
	var lines, sql, forms bytes.Buffer
	var list []map[string]any
	for i := range 800 {
		row := map[string]any{"umur": i % 90}
		var quoted, form []string
		for k, v := range spelled(rng, people) {
			if k != 9 || i%3 > 0 {
				row[spelledNames[k]] = v
			}
			quoted, form = append(quoted, "'"+strings.ReplaceAll(v, "'", "''")+"'"), append(form, spelledNames[k]+": "+v)
		}
		list = append(list, map[string]any{"pasien": row, "n": i})
		raw, _ := json.Marshal(row)
		lines.Write(append(raw, '\n'))
		fmt.Fprintf(&sql, "INSERT INTO pasien (%s) VALUES (%s);\n", strings.Join(spelledNames, ", "), strings.Join(quoted, ", "))
		forms.WriteString(strings.Join(form, "\n") + "\n\n")
	}
	file("h.ndjson", lines.Bytes())
	raw, _ := json.Marshal(list)
	file("i.json", raw)
	file("j.sql", sql.Bytes())
	file("k.txt", forms.Bytes())
	file("l.txt", []byte("Pasien atas nama Siti dengan NIK "+person(3).nik+" datang.\nTidak ada.\n"))
	return paths
}

// TestWhatIsObservedStays: what a run observes of files of every shape is what it was, to the
// last mark, however the engine comes to it, and what is parsed and skipped is, too.
func TestWhatIsObservedStays(t *testing.T) {
	const people = 1500
	table, paths := past(people), files(t, people)
	var got string
	for _, workers := range []int{1, 3} {
		e := New(table, index.NewAsker(indexKey, jobKey))
		e.Seek([]canary.Range{{Regions: []uint32{991010}, From: 1, To: 60}})
		report, err := dump.Walk(context.Background(), paths, e, dump.Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		state, r := e.State(), e.Result()
		var b strings.Builder
		for _, a := range report.Accounts {
			fmt.Fprintf(&b, "source %d: %s, %d rows in all, parsed %d, skipped %v\n", a.Source, report.Sources[a.Source].Kind, report.Rows, a.Parsed, a.Skipped)
		}
		for _, n := range strings.Fields(fmt.Sprintf("%+v", r.Counts)) {
			fmt.Fprintln(&b, n)
		}
		part := func(name string, n int, of any) {
			raw, err := json.Marshal(of)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s: %d, %x\n", name, n, sha256.Sum256(raw))
		}
		part("patients", len(r.Patients), r.Patients)
		part("known", len(r.Known), r.Known)
		part("spans", len(r.Spans), r.Spans)
		part("shown", len(r.Shown), r.Shown)
		part("cells", len(r.Cells), r.Cells)
		part("tokens", len(r.Tokens), r.Tokens)
		part("views", len(r.Views), r.Views)
		for level, tags := range r.Strangers {
			part(fmt.Sprint("strangers ", level), len(tags), tags)
		}
		part("seen", len(state.Seen), state.Seen)
		fmt.Fprintf(&b, "index: %08x\n", table.Check())
		if got != "" && got != b.String() {
			t.Error(cmp.Diff(got, b.String()))
		}
		got = b.String()
	}
	const name = "testdata/observed.golden"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
