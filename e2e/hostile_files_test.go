package e2e

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/amanah-project/amanah/internal/format/dicom/dicomtest"
)

// laughs is the entity bomb of old: 10^9 texts of three letters.
const laughs = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><l>&d;&d;&d;</l>`

func hostilePDF(catalog string) []byte {
	return []byte("%PDF-1.7\n1 0 obj\n<< /Type /Catalog " + catalog + " >>\nendobj\nstartxref\n9\n%%EOF\n")
}

// objectBomb is a PDF with an object stream that becomes 256 MB, and an embedded file.
func objectBomb(t *testing.T) []byte {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := io.Copy(w, again("", "0 ", 256<<20, "")()); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\n<< /Type /ObjStm /N 99999999 /First 8 /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n2 0 obj\n<< /Type /EmbeddedFile /Length 2 >>\nstream\nMZ\nendstream\nendobj\nstartxref\n9\n%%%%EOF\n", z.Len(), z.Bytes())
}

// pngBomb is a picture of 30,000 by 30,000 points in little more than 100 kB.
func pngBomb(t *testing.T) []byte {
	t.Helper()
	const side = 30_000
	var z bytes.Buffer
	w, err := zlib.NewWriterLevel(&z, zlib.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, again("", "\x00", side*(1+side/8), "")()); err != nil { // one bit a point
		t.Fatal(err)
	}
	w.Close()
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		body := append([]byte(name), data...)
		out = binary.BigEndian.AppendUint32(append(out, body...), crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	chunk("IHDR", append(head, 1, 0, 0, 0, 0))
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return out
}

// zipBomb is ten zips of zeros in a zip, one of them with a path out of its folder.
func zipBomb(t *testing.T) []byte {
	t.Helper()
	pack := func(names []string, content io.Reader) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		raw, err := io.ReadAll(content)
		for _, name := range names {
			var f io.Writer
			if err == nil {
				f, err = w.Create(name)
			}
			if err == nil {
				_, err = f.Write(raw)
			}
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	inner := pack([]string{"0"}, again("", "\x00", 64<<20, "")())
	return pack([]string{"0", "1", "2", "../3", "/4"}, bytes.NewReader(inner))
}

// deflatedBomb is a DICOM file whose data set is one private element of 2 GB of zeros,
// in 2 MB.
func deflatedBomb(t *testing.T) []byte {
	t.Helper()
	raw := dicomtest.Image(nil, 1)
	raw = bytes.Replace(raw, []byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.1.99"), 1)
	raw[bytes.Index(raw, []byte("1.2.840.10008.1.2.1.99"))-2] = 22 // its length
	begin := bytes.Index(raw, []byte("\x08\x00\x05\x00CS"))
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	const size = 2 << 30
	head := binary.LittleEndian.AppendUint32([]byte("\x09\x00\x10\x10OB\x00\x00"), size)
	if _, err := io.Copy(w, io.MultiReader(bytes.NewReader(head), again("", "\x00", size, "")())); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return append(raw[:begin:begin], z.Bytes()...)
}

// hostileImages are attacks by DICOM files and by what brings them.
func hostileImages(t *testing.T) []attack {
	const path, media, mib = "/dicomweb/studies", `multipart/related; type="application/dicom"; boundary=part`, 1 << 20
	one := newVictim(0)
	good := one.scan(1)
	pixels := bytes.Index(good, []byte("\xe0\x7f\x10\x00OW"))
	patched := func(at int, with ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], with)
		return out
	}
	deep := func(n int) []byte { // sequences of undefined length, each in the other's item
		head := bytes.Clone(good[:pixels])
		return append(head, bytes.Repeat([]byte("\x09\x00\x10\x10SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"), n)...)
	}
	many := append(bytes.Clone(good[:pixels]), bytes.Repeat([]byte("\x09\x00\x10\x10SQ\x00\x00\xff\xff\xff\xff"), 1)...)
	many = append(many, bytes.Repeat([]byte("\xfe\xff\x00\xe0\x00\x00\x00\x00"), 1_100_000)...)
	stow := func(name string, file []byte, says string) attack {
		return attack{name, path, media, exactly(parts(file)), 409, says, ""}
	}
	return []attack{
		stow("a deflated bomb", deflatedBomb(t), "DICOM, byte "),
		stow("pixels of 4 GiB", patched(pixels+8, 0xfe, 0xff, 0xff, 0xff), "DICOM, byte "),
		stow("an element longer than the file", patched(pixels-4, 0xff, 0xff), "DICOM, byte "),
		stow("cut in the pixels", good[:len(good)-7], "DICOM, byte "),
		stow("cut in its head", good[:150], "DICOM, byte "),
		stow("65,535 by 65,535 points", patched(bytes.Index(good, []byte("\x28\x00\x10\x00US"))+8, 0xff, 0xff), "DICOM, byte "),
		stow("deep sequences", deep(100_000), "DICOM, byte "),
		stow("a million items", many, "DICOM, byte "),
		stow("a program as its preamble", patched(0, []byte("MZ\x90\x00")...), "DICOM, byte 0"),
		stow("a PDF as an image", hostilePDF(""), "byte 0"),
		{"no end", path, media, again("--part\r\nContent-Type: application/dicom\r\n\r\n", "x", 32*mib, ""), 400, "was cut", ""},
		{"a head without end", path, media, again("--part\r\nContent-Type: application/dicom\r\nX: ", "x", 32*mib, ""), 400, "multipart", ""},
		{"five thousand parts", path, media, exactly(bytes.Repeat([]byte("--part\r\nContent-Type: application/dicom\r\n\r\nx\r\n"), 5000)), 413, "at most", ""},
		{"compressed", path, media, exactly(bomb(t, 64*mib)), 415, "Content-Encoding", "gzip"},
		{"not by parts", path, "application/dicom", exactly(good), 415, "multipart", ""},
	}
}

// TestHostileImports gives the import files that are meant to exhaust it, and lines of
// that kind among good ones: what is wrong is named by its line, what is good comes in,
// and the process stays within its memory.
func TestHostileImports(t *testing.T) {
	t.Parallel()
	s := newVaultSite(t, program)
	s.neighbour()
	dir := filepath.Join(s.source, "in")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const condition = `{"resourceType":"Condition","id":"c%d","subject":{"reference":"Patient/p0"},"code":{"text":"x"}}` + "\n"
	var lines strings.Builder
	bad := []string{
		`{"resourceType":"Basic","extension":` + strings.Repeat("[", 1<<20),
		`{"resourceType":"Basic","extension":[1` + strings.Repeat(",1", 4<<20) + "]}",
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p0"},"valueQuantity":{"value":1e999999999}}`,
		strings.Repeat("x", 65<<20), "\xff\xfe{\x00}\x00", "{}", "null", `{"resourceType":"Bundle","type":"transaction","entry":[]}`,
	}
	for i, line := range bad {
		fmt.Fprintf(&lines, condition, i)
		lines.WriteString(line + "\n")
	}
	fmt.Fprintf(&lines, condition, len(bad))
	write(t, filepath.Join(dir, "Condition.ndjson"), lines.String())
	r := s.imported(dir)
	if r.code != 8 || !strings.Contains(r.out, fmt.Sprintf(`"refused": %d`, len(bad))) || !strings.Contains(r.out, fmt.Sprintf(`"entered": %d`, len(bad)+1)) {
		t.Errorf("exit %d\n%s%.2000s", r.code, r.out, r.err)
	}
	refused := read(t, filepath.Join(s.path("refused"), "Condition.ndjson.errors"))
	for i := range bad {
		if !strings.Contains("\n"+refused, fmt.Sprintf("\n%d\t", 2*i+2)) {
			t.Errorf("line %d is not named:\n%.2000s", 2*i+2, refused)
		}
	}
	for name, c := range map[string]struct {
		raw  []byte
		says string // empty: it is passed over, being no FHIR
	}{
		"zeros.ndjson.gz":  {bomb(t, 256<<20), ""},
		"long.ndjson.gz":   {zipped(t, again(`{"resourceType":"Basic","x":"`, "a", 256<<20, `"}`)()), "ratio"},
		"lines.ndjson.gz":  {zipped(t, again("{}\n", "{}\n", 256<<20, "")()), "none of its first"},
		"whole.json.gz":    {zipped(t, again("{\n", " ", 256<<20, "}")()), "ratio"},
		"twice.json.gz":    {zipped(t, bytes.NewReader(bomb(t, 64<<20))), ""},
		"bomb.zip":         {zipBomb(t), ""},
		"cut.ndjson.gz":    {zipped(t, strings.NewReader(fmt.Sprintf(condition, 99)))[:40], "line 1"},
		"deep.json":        {[]byte("{\n" + strings.Repeat(`"a":{`, 1<<20)), "1\t"},
		"letter.pdf":       {hostilePDF(""), ""},
		"an image.dcm.gz":  {zipped(t, bytes.NewReader(deflatedBomb(t))), ""},
		"doc in line.json": {[]byte(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/p0"},"content":[{"attachment":{"contentType":"application/pdf","data":"PGh0bWw+"}}]}`), "1\t"},
	} {
		dir := filepath.Join(s.source, strings.ReplaceAll(name, " ", "-")+".d")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		r := s.imported(dir)
		told, _ := os.ReadFile(filepath.Join(s.path("refused"), name+".errors")) // there may be none
		switch {
		case c.says == "" && (r.code != 0 || !strings.Contains(r.out, `"skipped": 1`)):
			t.Errorf("%s: exit %d, want it passed over\n%s%.500s", name, r.code, r.out, r.err)
		case c.says != "" && (r.code == 0 || !strings.Contains(r.err+string(told), c.says)):
			t.Errorf("%s: exit %d, want %q\n%s%.500s%.500s", name, r.code, c.says, r.out, r.err, told)
		}
	}
	s.whole()
}

// TestNaughtyNames brings people of names that mean something to spreadsheets, shells and
// databases, by files of people and of records: they come in as the names that they are,
// or are refused by line, and no other row is lost.
func TestNaughtyNames(t *testing.T) {
	t.Parallel()
	s := newVaultSite(t, program)
	names := naughty(t)
	csv, ndjson := "nik,name,birth_date,phone\n", ""
	good := 0
	for i, name := range names {
		p := newVictim(i)
		csv += fmt.Sprintf("%s,\"%s\",%s,\n", p.nik, strings.ReplaceAll(name, `"`, `""`), p.birth)
		q := newVictim(100_000 + i)
		ndjson += fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","identifier":[{"system":%q,"value":%q}],"name":[{"text":%s}],"birthDate":%q}`+"\n", i, nikSystem, q.nik, quoted(t, name), q.birth)
		if isName(name) {
			good++
		}
	}
	people := filepath.Join(s.source, "people.csv")
	write(t, people, csv)
	r := s.try("", append([]string{"person", "import", people, "--json"}, s.flags()...)...)
	if !strings.Contains(r.out, fmt.Sprintf(`"added": %d`, good)) || r.code != 8 {
		t.Errorf("%d of %d names are names: exit %d\n%s%.500s", good, len(names), r.code, r.out, r.err)
	}
	write(t, filepath.Join(s.source, "Patient.ndjson"), ndjson)
	if r = s.imported(filepath.Join(s.source, "Patient.ndjson")); !strings.Contains(r.out, fmt.Sprintf(`"entered": %d`, good)) || r.code != 8 {
		t.Errorf("%d of %d names are names: exit %d\n%s%.500s", good, len(names), r.code, r.out, r.err)
	}
	s.whole()
}

// isName is what the platform takes as a name: letters, and nothing that is no text.
func isName(s string) bool {
	return strings.ContainsFunc(s, unicode.IsLetter) && !strings.ContainsFunc(s, unicode.IsControl) && len([]rune(strings.Join(strings.Fields(s), " "))) <= 200
}

// imported runs an import to its end, and measures its memory.
func (s *vaultSite) imported(path string) result {
	s.t.Helper()
	p := s.importing(path)
	if used := p.most(); used > mostMemory {
		s.t.Errorf("importing %s took %d MiB", filepath.Base(path), used>>20)
	}
	all := p.log.String()
	return result{out: all, err: all, code: p.cmd.ProcessState.ExitCode()}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
