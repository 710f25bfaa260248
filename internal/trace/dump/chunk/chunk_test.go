package chunk_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
)

// read reads a text in pieces of at most size bytes, and writes its rows one a line.
func read(t *testing.T, text string, size int) (chunk.Shape, []string, int64) {
	t.Helper()
	b := []byte(text)
	shape, f := chunk.Sniff(b[:min(len(b), 64<<10)])
	var out []string
	var skipped int64
	var buf chunk.Buffer
	for at, most := 0, size; at < len(b); {
		end := min(len(b), at+most)
		n, p := f.Cut(b[at:end], end == len(b), false)
		if n == 0 {
			if most *= 2; end == len(b) {
				t.Fatalf("nothing is cut of the last %d bytes", end-at)
			}
			continue
		}
		buf.Reset(b[at : at+n])
		p.Read(b[at:at+n:at+n], int64(at), &buf)
		buf.Finish(7)
		for _, r := range buf.Rows {
			if r.Source != 7 || r.Offset < int64(at) || r.Offset >= int64(at+n) {
				t.Errorf("row at %d of source %d, of a piece %d..%d", r.Offset, r.Source, at, at+n)
			}
			var fields []string
			for _, f := range r.Fields {
				value := fmt.Sprintf("%q", f.Value)
				if f.Value == nil {
					value = "NULL"
				}
				fields = append(fields, f.Name+"="+value)
			}
			out = append(out, strings.Join(fields, " "))
		}
		last := int64(at)
		for _, s := range buf.Skips {
			if s.From < last || s.To > int64(at+n) {
				t.Errorf("skip %d..%d beyond its piece or its neighbour, %d..%d", s.From, s.To, last, at+n)
			}
			last = s.To
			skipped += s.To - s.From
		}
		at += n
		most = size
	}
	return shape, out, skipped
}

var texts = []struct {
	name, text string
	shape      chunk.Shape
	want       []string
}{
	{"csv", "nik,nama,tgl_lahir\n9901010101900001,Siti,1990-01-01\r\n9901010101900002,\"Budi, S.T.\",1990-01-02\n", chunk.IsTable, []string{
		`nik="9901010101900001" nama="Siti" tgl_lahir="1990-01-01"`, `nik="9901010101900002" nama="Budi, S.T." tgl_lahir="1990-01-02"`}},
	{"no header, semicolons, last row cut", "9901010101900001;Siti;x\n\n9901010101900002;Budi;y\n99010101019", chunk.IsTable, []string{
		`="9901010101900001" ="Siti" ="x"`, `="9901010101900002" ="Budi" ="y"`, `="99010101019"`}},
	{"wrong quotes", "id|alamat|kota\n1|\"Jl. \"Merdeka\" 5\"|Palu\n2|5\" pipa|Poso\n3|\"never closed|Donggala\n4|\"a\"\"b\"|Sigi\n5|\"two\nlines\"|Buol\n", chunk.IsTable, []string{
		`id="1" alamat="Jl. \"Merdeka\" 5" kota="Palu"`, `id="2" alamat="5\" pipa" kota="Poso"`, `id="3" alamat="\"never closed" kota="Donggala"`,
		`id="4" alamat="a\"b" kota="Sigi"`, `id="5" alamat="two\nlines" kota="Buol"`}},
	{"tsv, old line ends, empty cells", "nik\tnama\t\r9901010101900001\t\tx\r\t\t\r", chunk.IsTable, []string{
		`nik="9901010101900001" nama="" ="x"`, `nik="" nama="" =""`}},
	{"windows-1252", "nik,nama\n9901010101900001,Andr\xe9\n9901010101900002,Zoë\n", chunk.IsTable, []string{
		`nik="9901010101900001" nama="André"`, `nik="9901010101900002" nama="Zoë"`}},
	{"list", "9901010101900001\n9901010101900002\n", chunk.IsText, []string{`="9901010101900001"`, `="9901010101900002"`}},
	{"forms", "Nama : Siti\nNIK: 9901010101900001\n\nNama : Budi\nNIK: 9901010101900002\n", chunk.IsText, []string{
		`Nama="Siti" NIK="9901010101900001"`, `Nama="Budi" NIK="9901010101900002"`}},
	{"ndjson", `{"nik":"9901010101900001","a":{"b":[1,{"c":true}],"d":null}}` + "\n" + `{"nik":"x\u00e9\ud83d\ude00\n","e":"Si` + "\n", chunk.IsNDJSON, []string{
		`nik="9901010101900001" a.b="1" a.b.c="true"`, `nik="xé😀\n" e="Si"`}},
	{"mongo", `{"_id":ObjectId("abc"),"n":NumberLong(5),"x":1}` + "\n" + `{"_id":ObjectId("abd")}` + "\n", chunk.IsNDJSON, []string{
		`_id="ObjectId(\"abc\")" n="NumberLong(5)" x="1"`, `_id="ObjectId(\"abd\")"`}},
	{"json array", `[ {"a":1,"b":["x","y"]}, {"a":2}, [3,4], 5 ]`, chunk.IsJSON, []string{`a="1" b="x" b="y"`, `a="2"`, `="3" ="4"`, `="5"`}},
	{"json around", `{"count": 2, "data": [{"a":1,"name":"` + strings.Repeat("x", 100) + `"},{"a":2,"name":"` + strings.Repeat("y", 100) + `"}]}`, chunk.IsJSON, []string{
		`count="2"`, `a="1" name="` + strings.Repeat("x", 100) + `"`, `a="2" name="` + strings.Repeat("y", 100) + `"`}},
	{"one object", "{\n  \"nik\": \"9901010101900001\",\n  \"visits\": [{\"on\": \"x\"}],\n \"long\": \"" + strings.Repeat("z", 40) + "\"}\n", chunk.IsJSON, []string{
		`nik="9901010101900001" visits.on="x" long="` + strings.Repeat("z", 40) + `"`}},
	{"bundle", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p1"}},{"resource":{"id":"o2"}}]}`, chunk.IsJSON, []string{
		`resourceType="Bundle"`, `type="collection"`, `resource.resourceType="Patient" resource.id="p1"`, `resource.id="o2"`}},
	{"mysqldump", "-- MySQL dump 10.13\nCREATE TABLE `pasien` (\n  `nik` varchar(16) NOT NULL,\n  `nama` varchar(99) DEFAULT 'a,b',\n  PRIMARY KEY (`nik`)\n) ENGINE=InnoDB;\n" +
		"INSERT INTO `pasien` VALUES ('9901010101900001','Nur\\'aini (x)'),('9901010101900002',NULL),\n(3,'C:\\\\a\\n');\nUNLOCK TABLES;\nINSERT INTO `pasien` (`nama`) VALUES ('it''s'),('cut off", chunk.IsSQL, []string{
		`nik="9901010101900001" nama="Nur'aini (x)"`, `nik="9901010101900002" nama=NULL`, `nik="3" nama="C:\\a\n"`, `nama="it's"`, `nama="cut off"`}},
	{"pg_dump", "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nCOPY public.pasien (nik, nama) FROM stdin;\n9901010101900001\tSiti\\tA\n9901010101900002\t\\N\n\\.\n\n" +
		"INSERT INTO public.pasien (nik, \"nama ibu\") VALUES ('9', 'C:\\');\nINSERT INTO public.pasien (nik, \"nama ibu\") VALUES ('8', E'a\\'b'::text);\n", chunk.IsSQL, []string{
		`nik="9901010101900001" nama="Siti\tA"`, `nik="9901010101900002" nama=NULL`, `nik="9" nama ibu="C:\\"`, `nik="8" nama ibu="a'b"`}},
	{"sql server", "SET IDENTITY_INSERT [dbo].[p] ON\nGO\nINSERT [dbo].[p] ([nik], [nama]) VALUES (N'9901', N'Siti')\nGO\nINSERT [dbo].[p] ([nik], [nama]) VALUES (N'9902', CAST(1 AS int))\nGO\n-- CREATE TABLE", chunk.IsSQL, []string{
		`nik="9901" nama="Siti"`, `nik="9902" nama="CAST(1 AS int)"`}},
}

func TestTexts(t *testing.T) {
	for _, c := range texts {
		t.Run(c.name, func(t *testing.T) {
			shape, rows, _ := read(t, c.text, 1<<20)
			if shape != c.shape {
				t.Errorf("shape %d, want %d", shape, c.shape)
			}
			if d := cmp.Diff(c.want, rows); d != "" {
				t.Error(d)
			}
			for _, size := range []int{1, 7, 64} {
				if _, again, _ := read(t, c.text, size); !cmp.Equal(rows, again) {
					t.Errorf("in pieces of %d:\n%s", size, cmp.Diff(rows, again))
				}
			}
		})
	}
}

// TestPiecesMakeNoDifference: however a text is cut, its rows are the same.
func TestPiecesMakeNoDifference(t *testing.T) {
	alphabet := []string{"a", "1", ",", "\"", "\"\"", "\n", "\r\n", "\\", "'", "(", ")", "{", "}", "[", "]", ":", ";", "\t", " ", "\x80", "\n\n", "NULL"}
	heads := []string{"nik,nama,kota\n1,2,3\n", "{\"a\":1}\n{\"a\":2}\n", "[{\"a\":1},", "INSERT INTO `t` VALUES (1,'a'),", "COPY t (a) FROM stdin;\n1\n", "a: b\nc: d\n\n", "x\n"}
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SampledFrom(heads).Draw(rt, "head") + strings.Join(rapid.SliceOf(rapid.SampledFrom(alphabet)).Draw(rt, "text"), "")
		_, whole, lost := read(t, text, 1<<20)
		size := rapid.IntRange(1, 40).Draw(rt, "size")
		if _, pieces, again := read(t, text, size); !cmp.Equal(whole, pieces) || lost != again {
			rt.Fatalf("%q in pieces of %d, %d and %d lost:\n%s", text, size, lost, again, cmp.Diff(whole, pieces))
		}
	})
}

func FuzzText(f *testing.F) {
	for _, c := range texts {
		f.Add([]byte(c.text), 16)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if len(text) == 0 || size < 1 || size > 1<<20 {
			return
		}
		read(t, string(text), size)
	})
}

// TestNestedBeyondBounds: JSON as deep as it likes is passed over without recursion.
func TestNestedBeyondBounds(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		deep := `{"x":` + strings.Repeat(open, 50_000) + "1" + strings.Repeat(map[string]string{"[": "]", `{"a":`: "}"}[open], 50_000) + "}\n"
		text := "{\"y\":1}\n" + deep
		_, rows, skipped := read(t, text, 1<<20)
		if len(rows) != 1 || skipped < 50_000 {
			t.Errorf("%d rows, %d bytes skipped", len(rows), skipped)
		}
		read(t, deep, 1<<20)
	}
}

func benchmark(b *testing.B, text []byte) {
	_, f := chunk.Sniff(text[:64<<10])
	var buf chunk.Buffer
	const size = 256 << 10
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for at := 0; at < len(text); {
			end := min(len(text), at+size)
			n, p := f.Cut(text[at:end], end == len(text), false)
			buf.Reset(text[at : at+n])
			p.Read(text[at:at+n:at+n], int64(at), &buf)
			buf.Finish(0)
			at += n
		}
	}
}

// repeat makes some 16 MiB of rows.
func repeat(head, row string) []byte {
	return append([]byte(head), bytes.Repeat([]byte(row), (16<<20)/len(row))...)
}

func BenchmarkCSV(b *testing.B) {
	benchmark(b, repeat("nik,nama,tgl_lahir,jk,alamat,rt,telp,faskes,kode,tgl,hasil,updated_at\n",
		"9901014101900001,SITI RAHMAWATI,1990-01-01,P,JL. MERDEKA NO 12 RT 001/RW 008,001,+6281234567890,RSUD UNDATA,B34.2,2021-12-01,NEGATIF,2021-12-01T08:00:00Z\n"))
}

func BenchmarkQuotedCSV(b *testing.B) {
	benchmark(b, repeat("nik,nama,tgl_lahir,jk,alamat,rt\n", `"9901014101900001","SITI RAHMAWATI","1990-01-01","P","JL. MERDEKA NO 12, PALU","001"`+"\n"))
}

func BenchmarkNDJSON(b *testing.B) {
	benchmark(b, repeat("", `{"nik":"9901014101900001","nama":"SITI RAHMAWATI","lahir":"1990-01-01","alamat":{"jalan":"JL. MERDEKA NO 12","kota":"PALU"},"telp":["+6281234567890"]}`+"\n"))
}

func BenchmarkSQL(b *testing.B) {
	benchmark(b, repeat("INSERT INTO `p` VALUES (1,'a')", ",('9901014101900001','SITI RAHMAWATI','1990-01-01','P','JL. MERDEKA NO 12, PALU','001',17,NULL)"))
}
