package dump_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"flag"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"unicode/utf16"

	"codeberg.org/go-pdf/fpdf"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/dicom/dicomtest"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

var update = flag.Bool("update", false, "write the golden files anew")

func gz(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

// named is a file within an archive.
type named struct {
	name string
	b    []byte
}

func zipped(files ...named) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(f.b)
	}
	_ = z.Close()
	return out.Bytes()
}

func tarred(files ...named) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		_ = w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.b)), Mode: 0o600, Typeflag: tar.TypeReg})
		_, _ = w.Write(f.b)
	}
	_ = w.Close()
	return out.Bytes()
}

func wide(order binary.AppendByteOrder, mark bool, text string) []byte {
	var out []byte
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		out = order.AppendUint16(out, u)
	}
	return out
}

func wide32(order binary.AppendByteOrder, text string) []byte {
	var out []byte
	for _, r := range "\ufeff" + text {
		out = order.AppendUint32(out, uint32(r))
	}
	return out
}

// compound is the beginning of a file as older Office writes it, or newer with a password; its
// directory lies behind what a walk decides by.
func compound(password bool) []byte {
	b := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), bytes.Repeat([]byte{0xff, 0, 1, 7}, 30_000)...)
	name := "Workbook"
	if password {
		name = "EncryptedPackage"
	}
	return append(append(b, wide(binary.LittleEndian, false, name)...), make([]byte, 200)...)
}

func workbook() []byte {
	return zipped(
		named{"[Content_Types].xml", []byte("<Types/>")},
		named{"xl/workbook.xml", []byte("<workbook/>")},
		named{"xl/styles.xml", []byte(`<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`)},
		named{"xl/sharedStrings.xml", []byte(`<sst><si><t>nik</t></si><si><t>nama</t></si><si><r><t>Siti </t></r><r><t>R</t></r><rPh><t>no</t></rPh></si></sst>`)},
		named{"xl/media/image1.png", picture(false)},
		named{"xl/worksheets/sheet1.xml", []byte(`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c t="inlineStr"><is><t>lahir</t></is></c></row>` +
			`<row r="2"><c r="A2"><v>9.90101410190001E+15</v></c><c r="B2" t="s"><v>2</v></c><c r="C2" s="1"><v>32874</v></c></row>` +
			`<row r="3"><c r="B3" t="str"><f>CMD|'/c calc'!A1</f><v>x &amp; y</v></c><c r="D3"><f>HYPERLINK(1)</f></c></row></sheetData></worksheet>`)},
	)
}

func picture(asJPEG bool) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 5, 4))
	for i := range 20 {
		m.Set(i%5, i/5, color.RGBA{uint8(i * 10), 7, uint8(i), 255})
	}
	var out bytes.Buffer
	if asJPEG {
		_ = jpeg.Encode(&out, m, nil)
	} else {
		_ = png.Encode(&out, m)
	}
	return out.Bytes()
}

func letter(compress bool) []byte {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetCompression(compress)
	p.AddPage()
	p.SetFont("Helvetica", "", 12)
	p.Cell(60, 10, "NIK: 9901014101900001")
	p.Cell(60, 10, "Siti (R)")
	p.Ln(10)
	p.Cell(60, 10, "Nama: Siti R")
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		panic(err)
	}
	return append(out.Bytes(), "\n<x:xmpmeta xmpMM:DocumentID=\"uuid:1\"/ID [<AB01><cd02>]"...)
}

// files is one of each format, by name.
func files(t testing.TB) []named {
	csv := []byte("nik;nama\n9901014101900001;Siti\n9901014101900002;\"Bu")
	return []named{
		{"a.csv", csv},
		{"b.csv.gz", gz(csv)},
		{"c.txt", wide(binary.LittleEndian, true, "nik\tnama\n9901014101900001\tSiti 😀é\n")},
		{"d.txt", append(wide(binary.BigEndian, false, "nik,nama\n9901014101900001,Siti\n"), 0)},
		{"e.csv", []byte("\xef\xbb\xbfnik,nama\n9901014101900001,Andr\xe9\n")},
		{"f.json", []byte(`{"total":1,"rows":[{"nik":"9901014101900001","alamat":{"kota":"Palu"}}]}`)},
		{"g.ndjson", []byte("{\"a\":1}\n{\"a\":2,\"b\":\n")},
		{"h.sql", []byte("-- MySQL dump\nINSERT INTO `p` (`nik`) VALUES ('9901014101900001'),(NULL);\n")},
		{"i.xlsx", workbook()},
		{"j.pdf", letter(true)},
		{"k.png", append(picture(false), "hidden"...)},
		{"l.jpg", picture(true)},
		{"m.dcm", dicomtest.Image(map[dicom.Tag]string{dicomtest.Name: "RAHMA^SITI", dicomtest.Birth: "19900101"}, 1)},
		{"n.zip", zipped(named{"../../etc/a.csv", csv}, named{"in.tar", tarred(named{"x/b.csv", csv}, named{"x/empty", nil})}, named{"dir/", nil})},
		{"o.rar", []byte("Rar!\x1a\x07\x00rest")},
		{"p.bin", []byte{1, 2, 3, 0, 0, 9, 9, 9}},
		{"q.empty", nil},
		{"r.tar.gz", gz(tarred(named{"a.csv", csv}))},
		{"s.gz", gz(csv)[:30]},
		{"t.zip", zipped(named{"a.csv", csv})[:60]},
		{"v.txt", append(wide32(binary.LittleEndian, "nik;nama\n9901014101900001;Siti 😀é\n"), 0x41, 0)},
		{"w.txt", append(wide32(binary.BigEndian, "nik,nama\n9901014101900001,Siti\n"), 0, 0x11, 0, 0)},
		{"x.xlsx", compound(true)},
		{"y.xls", compound(false)},
		{"z.dump", []byte("PGDMP\x01\x0e\x00\x04\x08\x01")},
		{"u.txt", []byte("Nama : Siti\nNIK : 9901014101900001\n\nNama : Budi\nNIK : 9901014101900002\n")},
	}
}

func TestGolden(t *testing.T) {
	for _, f := range files(t) {
		t.Run(f.name, func(t *testing.T) {
			rows, report, _ := walk(t, dump.Options{}, write(t, f.name, f.b))
			got := []byte(rows + report)
			golden := filepath.Join("testdata", f.name+".golden")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestEveryByte: whatever is done to a file, its account adds up and nothing panics.
func TestEveryByte(t *testing.T) {
	all := files(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	rapid.Check(t, func(rt *rapid.T) {
		b := bytes.Clone(rapid.SampledFrom(all).Draw(rt, "file").b)
		for range rapid.IntRange(0, 3).Draw(rt, "hits") {
			if len(b) == 0 {
				break
			}
			at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
			switch rapid.IntRange(0, 3).Draw(rt, "how") {
			case 0:
				b = b[:at]
			case 1:
				b[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
			case 2:
				b = append(b[:at:at], b[min(len(b), at+rapid.IntRange(1, 40).Draw(rt, "n")):]...)
			case 3:
				b = append(b, b[at:]...)
			}
		}
		every(t, path, b)
	})
}

// every walks one file and holds its account against its size.
func every(t *testing.T, path string, b []byte) {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := dump.Walk(context.Background(), []string{path}, newTaken(), dump.Options{Unpacked: 8 << 20, Pixels: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	account(t, r)
	if r.Sources[0].Size != int64(len(b)) {
		t.Errorf("%d bytes of %d", r.Sources[0].Size, len(b))
	}
}

func FuzzFile(f *testing.F) {
	for _, n := range files(f) {
		f.Add(n.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<20 {
			every(t, filepath.Join(t.TempDir(), "x"), b)
		}
	})
}

// TestBombs: what would unpack to gigabytes, or has no end, stays within memory and is said.
func TestBombs(t *testing.T) {
	zeros := make([]byte, 40<<20)
	inner := gz(zeros)
	o := dump.Options{Unpacked: 32 << 20, Memory: 4 << 20, Pixels: 1 << 20}
	huge := image.NewGray(image.Rect(0, 0, 4000, 4000))
	var big bytes.Buffer
	if err := png.Encode(&big, huge); err != nil {
		t.Fatal(err)
	}
	nested := gz([]byte("a,b\n1,2\n"))
	for range 8 {
		nested = gz(nested)
	}
	overlapped := zipped(named{"a.csv", bytes.Repeat([]byte("1,2\n"), 1000)}, named{"b.csv", bytes.Repeat([]byte("1,2\n"), 1000)})
	// The second entry of the directory points at the first one's bytes.
	if i := bytes.LastIndex(overlapped, []byte("PK\x01\x02")); i > 0 {
		copy(overlapped[i+42:], []byte{0, 0, 0, 0})
		copy(overlapped[i+46:], "a.csv")
	}
	deep := strings.Repeat("<a>", 100_000)
	debug.FreeOSMemory()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		name string
		b    []byte
		want dump.Reason
	}{
		{"gzip", inner, dump.Bomb},
		{"zip", zipped(named{"z", zeros}), dump.Bomb},
		{"nested", nested, dump.TooNested},
		{"tar", gz(tarred(named{"z", zeros})), dump.Bomb},
		{"overlapping entries", overlapped, ""},
		{"large picture", big.Bytes(), dump.Undecoded},
		{"deep sheet", zipped(named{"xl/workbook.xml", nil}, named{"xl/worksheets/s.xml", []byte(deep)}), dump.Bomb},
		{"long cell", zipped(named{"xl/workbook.xml", nil}, named{"xl/worksheets/s.xml", append([]byte("<row><c><v>"), bytes.Repeat([]byte("x"), 12<<20)...)}), dump.Bomb},
		{"entities", zipped(named{"xl/workbook.xml", nil}, named{"xl/sharedStrings.xml", []byte(`<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><sst><si><t>&c;</t></si></sst>`)}), ""},
		{"large archive within", zipped(named{"a.zip", append([]byte("PK\x03\x04"), zeros[:5<<20]...)}), dump.TooLarge},
		{"locked", locked(), dump.Locked},
		{"a line of 20 MiB", bytes.Repeat([]byte("12345678,"), 20<<20/9), ""},
		{"a quote of 20 MiB", append([]byte("a,b\n1,\""), bytes.Repeat([]byte("x\n"), 10<<20)...), ""},
		{"a JSON text of 20 MiB", append([]byte(`[{"a":1},{"b":"`), bytes.Repeat([]byte("x"), 20<<20)...), ""},
		{"an INSERT of 20 MiB", append([]byte("INSERT INTO t VALUES ('"), bytes.Repeat([]byte("x"), 20<<20)...), ""},
		{"deep JSON", []byte(strings.Repeat(`{"a":[`, 1<<20)), dump.Reason("")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := dump.Walk(context.Background(), []string{write(t, "x", c.b)}, &keeping{}, o)
			if err != nil {
				t.Fatal(err)
			}
			report := account(t, r)
			if c.name == "overlapping entries" && len(r.Sources) != 2 {
				t.Errorf("bytes were read twice:\n%s", report)
			}
			if c.want != "" && !strings.Contains(report, string(c.want)) {
				t.Errorf("nobody says %q:\n%s", c.want, report)
			}
		})
	}
	// HeapSys is the most that the heap has had; a hundred MiB of it are the bombs above.
	if runtime.ReadMemStats(&after); after.HeapSys > before.HeapSys+384<<20 {
		t.Errorf("the heap grew by %d MiB", (after.HeapSys-before.HeapSys)>>20)
	}
}

// locked is a zip archive whose entry says that it is encrypted.
func locked() []byte {
	b := zipped(named{"a.csv", []byte("a,b\n1,2\n")})
	b[6] |= 1
	b[bytes.LastIndex(b, []byte("PK\x01\x02"))+8] |= 1
	return b
}

// TestSamePixels: a picture in another file, and one retagged, have the same pixels.
func TestSamePixels(t *testing.T) {
	hash := func(b []byte) (out [2][32]byte) {
		var s keeping
		if _, err := dump.Walk(context.Background(), []string{write(t, "x", b)}, &s, dump.Options{}); err != nil {
			t.Fatal(err)
		}
		return [2][32]byte{s.d.FileHash, s.d.PixelHash}
	}
	m, err := png.Decode(bytes.NewReader(picture(false)))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	e := png.Encoder{CompressionLevel: png.NoCompression}
	if err := e.Encode(&again, m); err != nil {
		t.Fatal(err)
	}
	a, b := hash(picture(false)), hash(again.Bytes())
	if a[0] == b[0] || a[1] != b[1] || a[1] == [32]byte{} {
		t.Errorf("file and pixels: %x and %x", a, b)
	}
	if c := hash(picture(true)); c[1] == a[1] {
		t.Error("a lossy copy has the same pixels")
	}
}

// keeping keeps the last document.
type keeping struct{ d dump.Document }

func (*keeping) Rows(*dump.Batch) error            { return nil }
func (k *keeping) Document(d *dump.Document) error { k.d = *d; return nil }
func (*keeping) Passed(dump.Mark) error            { return nil }

// BenchmarkWalk reads a table from disk, hashed, cut and read by two workers.
func BenchmarkWalk(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.csv")
	content := people(600_000)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := dump.Walk(context.Background(), []string{path}, &keeping{}, dump.Options{Workers: 2}); err != nil {
			b.Fatal(err)
		}
	}
}
