package rows_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/fault"
	. "github.com/amanah-project/amanah/internal/format/rows"
)

func options() Options {
	return Options{Columns: map[string]string{"nik": "nik", "name": "name", "nama": "name", "birth_date": "birth", "note": "note"}}
}

// all reads a table to its end: a line "LINE@OFFSET nik|name|birth|note" per row,
// or "LINE: reason" per refusal, and the final error.
func all(r *Reader) (out []string, err error) {
	for {
		row, err := r.Next()
		if bad, ok := errors.AsType[*RowError](err); ok {
			out = append(out, bad.Error())
			continue
		}
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		text := fmt.Sprintf("%d@%d %s|%s|%s|%s", row.Line, row.Offset, row.Get("nik"), row.Get("name"), row.Get("birth"), row.Get("note"))
		if u := row.Unknown(); len(u) > 0 {
			text += " unknown " + u[0]
		}
		out = append(out, text)
	}
}

func zipped(t testing.TB, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&b)
		if _, err := io.WriteString(z, m); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestRead(t *testing.T) {
	long := strings.Repeat("x", MaxRow)
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"plain", "nik,name\n1,Ani\n2,Budi\n", []string{"2@9 1|Ani||", "3@15 2|Budi||"}},
		{"no last newline", "nik,name\n1,Ani", []string{"2@9 1|Ani||"}},
		{"a last carriage return", "nik,name\n1,Ani\r", []string{"2@9 1|Ani||"}},
		{"CRLF", "nik,name\r\n1,Ani\r\n2,Budi\r\n", []string{"2@10 1|Ani||", "3@17 2|Budi||"}},
		{"BOM", "\ufeffnik,name\n1,Ani\n", []string{"2@12 1|Ani||"}},
		{"semicolons", "nik;name;birth_date\n1;Ani, S.Pd;1990-01-01\n", []string{"2@20 1|Ani, S.Pd|1990-01-01|"}},
		{"tabs", "nik\tname\n1\tAni;Budi,Citra\n", []string{"2@9 1|Ani;Budi,Citra||"}},
		{"the separator said", "sep=;\r\nnik;name\r\n1;Ani\r\n", []string{"3@17 1|Ani||"}},
		{"other spellings of the header", " NIK ,Nama,\"Birth Date\",BIRTH-PLACE\n1,Ani,1990-01-01,Solo\n", []string{"2@36 1|Ani|1990-01-01|"}},
		{"unknown columns", "no,nik,shoe\n7,1,41\n", []string{"2@12 1|||"}},
		{"blank lines", "\n\nnik,name\n\n1,Ani\n\r\n\n2,Budi\n\n", []string{"5@12 1|Ani||", "8@21 2|Budi||"}},
		{"a mangled NIK is text", "nik,name\n3.17E+15,Ani\n'3171,Budi\n", []string{"2@9 3.17E+15|Ani||", "3@22 '3171|Budi||"}},
		{"quotes", "nik,name\n\"1\",\"Ani \"\"A\"\" S, S.Pd\"\n2,\"\"\n", []string{"2@9 1|Ani \"A\" S, S.Pd||", "3@33 2|||"}},
		{"line breaks in a value", "nik,name\n1,\"Ani\r\nSari\n\"\n2,Budi\n", []string{"2@9 1|Ani\nSari\n||", "5@24 2|Budi||"}},
		{"empty values", "nik,name,birth_date\n,,\n1,,\n", []string{"2@20 |||", "3@23 1|||"}},
		{"wrong counts", "nik,name\n1\n1,2,3\n1,\"2\",3\n2,Budi\n", []string{
			"line 2: " + ErrCount.Error(), "line 3: " + ErrCount.Error(), "line 4: " + ErrCount.Error(), "5@25 2|Budi||"}},
		{"a stray quote", "nik,name\n1,A\"ni\n2,\"Bu\"di\n3,Citra\n", []string{
			"line 2: " + ErrQuote.Error(), "line 3: " + ErrQuote.Error(), "4@25 3|Citra||"}},
		{"a quote never closed costs its line only", "nik,name\n1,\"Ani\n2,Budi\n3,Citra\n", []string{
			"line 2: " + ErrUnended.Error(), "3@16 2|Budi||", "4@23 3|Citra||"}},
		{"a quote never closed in a long file", "nik,name\n1,\"Ani\n" + strings.Repeat("2,Budi\n", 1) + "3," + long[:MaxRow-2] + "\n4,Dewi\n", []string{
			"line 2: " + ErrLong.Error(), "3@16 2|Budi||", "4@23 3|" + long[:MaxRow-2] + "||", fmt.Sprintf("5@%d 4|Dewi||", 23+MaxRow+1)}},
		{"too long", "nik,name\n1," + long + "\n2,Budi\n", []string{"line 2: " + ErrLong.Error(), fmt.Sprintf("3@%d 2|Budi||", 9+2+MaxRow+1)}},
		{"too long, without end", "nik,name\n1," + strings.Repeat(long, 20), []string{"line 2: " + ErrLong.Error()}},
		{"too long behind a quote", "nik,name\n\"1\"," + long + "\n2,Budi\n", []string{"line 2: " + ErrLong.Error(), fmt.Sprintf("3@%d 2|Budi||", 9+4+MaxRow+1)}},
		{"quoted, too long over lines", "nik,name\n1,\"a\n" + long[:MaxRow-1] + "\n2\"\n3,Citra\n", []string{
			"line 2: " + ErrLong.Error(), "line 3: " + ErrCount.Error(), "line 4: " + ErrQuote.Error(), fmt.Sprintf("5@%d 3|Citra||", 14+MaxRow+3)}},
		{"not UTF-8", "nik,name\n1,Jos\xe9\n2,\"Jos\xe9\"\n3,José\n", []string{
			"line 2: " + ErrUTF8.Error(), "line 3: " + ErrUTF8.Error(), "4@25 3|José||"}},
		{"a zero byte", "nik,name,note\n" + strings.Repeat("1,Ani,\n", 100) + "1,A\x00i,\n2,Budi,\n", append(rowsOf(100), "line 102: "+ErrNUL.Error(), "103@721 2|Budi||")},
		{"ndjson", "{\"nik\":\"1\",\"name\":\"Ani\"}\n \n{ \"name\" : \"B\\u00fcdi\\n\" , \"nik\" : 3.17e+15 }\r\n{}", []string{
			"1@0 1|Ani||", "3@27 3.17e+15|Büdi\n||", "4@74 |||"}},
		{"ndjson words", "\ufeff{\"nik\":null,\"note\":true,\"name\":-0.5}\n{\"note\":false}", []string{"1@3 |-0.5||true", "2@40 |||false"}},
		{"ndjson unknown", `{"nik":"1","shoe":41,"hat":2}`, []string{"1@0 1||| unknown shoe"}},
		{"ndjson refusals", strings.Join([]string{
			`{"nik":"1","nik":"2"}`, `{"shoe":1,"shoe":1}`, `{"name":"a","nama":"b"}`, `{"nik":["1"]}`, `{"nik":{}}`, `{"nik":"1"} {}`, `{"nik":"1",}`,
			`{"nik":01}`, `{"nik":1.}`, `{"nik":+1}`, `{"nik":1e}`, `{"nik":NaN}`, `{"nik"}`, `"nik"`, `{"nik":"1"`, `{"nik":"1}`, "{\"nik\":\"\t\"}", `{"nik":"\x"}`, "{\"nik\":\"\xff\"}",
			"{" + strings.Repeat(`"a":1,`, 65) + `"b":1}`, `{"nik":"9"}`}, "\n"), []string{
			"line 1: " + ErrTwice.Error(), "line 2: " + ErrTwice.Error(), "line 3: " + ErrTwice.Error(), "line 4: " + ErrNested.Error(), "line 5: " + ErrNested.Error(),
			"line 6: " + ErrObject.Error(), "line 7: " + ErrObject.Error(), "line 8: " + ErrObject.Error(), "line 9: " + ErrObject.Error(), "line 10: " + ErrObject.Error(),
			"line 11: " + ErrObject.Error(), "line 12: " + ErrObject.Error(), "line 13: " + ErrObject.Error(), "line 14: " + ErrObject.Error(), "line 15: " + ErrObject.Error(),
			"line 16: " + ErrObject.Error(), "line 17: " + ErrObject.Error(), "line 18: " + ErrObject.Error(), "line 19: " + ErrUTF8.Error(),
			"line 20: " + ErrTwice.Error(), "21@646 9|||"}},
		{"ndjson many members", members(64) + "\n" + members(65), []string{"1@0 ||| unknown m0", "line 2: " + ErrMembers.Error()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for form, in := range map[string]io.Reader{
				"plain":       strings.NewReader(c.in),
				"gzip":        strings.NewReader(zipped(t, c.in)),
				"two members": strings.NewReader(zipped(t, c.in[:len(c.in)/2], c.in[len(c.in)/2:])),
				"by bytes":    iotest.OneByteReader(strings.NewReader(c.in)),
				"end at once": iotest.DataErrReader(strings.NewReader(c.in)),
			} {
				r, err := Open(in, options())
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				got, err := all(r)
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Errorf("%s (-want +got): %s", form, d)
				}
			}
		})
	}
}

func rowsOf(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%d@%d 1|Ani||", i+2, 14+7*i))
	}
	return out
}

func members(n int) string {
	var m []string
	for i := range n {
		m = append(m, fmt.Sprintf(`"m%d":%d`, i, i))
	}
	return "{" + strings.Join(m, ",") + "}"
}

// TestRefuse holds that what is no table is refused by a fault that says how to
// mend it, at Open or behind the rows that are good.
func TestRefuse(t *testing.T) {
	good := "nik,name\n" + strings.Repeat("1,Ani\n", 200000)
	z := zipped(t, good)
	flipped := []byte(z)
	flipped[len(z)-6] ^= 1 // in the checksum
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "the file is empty"},
		{"blank", "\n \n\n", "the file is empty"},
		{"BOM only", "\ufeff", "the file is empty"},
		{"no header", "9901011508900001,Ani\n", "line 1 names no known column: the first line must name the columns, such as birth, name, nik, note"},
		{"a column twice", "nik,name,Nama\n", "line 1: columns 2 and 3 both give name: remove one"},
		{"a column missing", "name,note\n", "line 1 names no column nik"},
		{"many columns", "nik" + strings.Repeat(",a", 64) + "\n", "line 1 names more than 64 columns"},
		{"a long header", "nik," + strings.Repeat("a", MaxRow) + "\n", "line 1, which should name the columns, is longer than 64 KiB"},
		{"a header not UTF-8", "nik,nam\xe9\n", "line 1, which names the columns, is not UTF-8 text: save the file as CSV UTF-8"},
		{"UTF-16", "\xff\xfen\x00i\x00k\x00", "the file is UTF-16: save it as CSV UTF-8"},
		{"UTF-16 BE", "\xfe\xff\x00n\x00i\x00k", "the file is UTF-16: save it as CSV UTF-8"},
		{"UTF-16 unmarked", "n\x00i\x00k\x00", "the file is binary or UTF-16, not text: save it as CSV UTF-8"},
		{"XLSX", "PK\x03\x04...", "the file is a spreadsheet or a zip: save the sheet as CSV UTF-8, or take the file out of the zip"},
		{"zstd", "\x28\xb5\x2f\xfd", "the file is compressed with zstd: decompress it, or use gzip"},
		{"gzip in gzip", zipped(t, z), "the file is compressed twice: decompress it once"},
		{"JSON array", `[{"nik":"1"}]`, "the file is a JSON array: write one object per line, as `jq -c '.[]'` does"},
		{"only a separator", "sep=;\n", "the file has no line that names its columns"},
		{"gzip header cut", "\x1f\x8b\x08", "at its start: the gzip file is cut short: copy or write it again"},
		{"gzip header damaged", "\x1f\x8b\x07\x00\x00\x00\x00\x00\x00\x00\x00", "at its start: the gzip file is damaged: copy or write it again"},
		{"gzip cut", z[:len(z)-9], "the gzip file is cut short: copy or write it again"},
		{"gzip without its end", z[:len(z)-3], "behind line 200001: the gzip file is cut short: copy or write it again"},
		{"gzip checksum", string(flipped), "behind line 200001: the gzip file is damaged: copy or write it again"},
		{"gzip and garbage", z + "garbage!!!", "behind line 200001: the gzip file is damaged: copy or write it again"},
		{"bomb", zipped(t, "nik\n"+strings.Repeat("1\n", 20<<20)), "the gzip file grows beyond the ratio allowed: decompress it yourself and look at it before you import it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			o.Required = []string{"nik"}
			r, err := Open(strings.NewReader(c.in), o)
			if err == nil {
				_, err = all(r)
			}
			if err == nil || fault.KindOf(err) != fault.Invalid || !strings.HasSuffix(fault.Text(err), c.want) {
				t.Fatalf("got %v", err)
			}
			if r != nil {
				if _, again := r.Next(); again != err {
					t.Errorf("then %v", again)
				}
			}
		})
	}
}

func TestGuards(t *testing.T) {
	in := "nik\n" + strings.Repeat("1\n", 1<<20)
	o := options()
	o.Size = 1 << 20
	r, err := Open(strings.NewReader(in), o)
	if err == nil {
		_, err = all(r)
	}
	if err == nil || !strings.Contains(fault.Text(err), "divide it") {
		t.Errorf("larger than allowed: %v", err)
	}
	o.Size = 1 << 23
	if r, err = Open(strings.NewReader(in), o); err != nil {
		t.Fatal(err)
	}
	if got, err := all(r); err != nil || len(got) != 1<<20 {
		t.Errorf("control: %d rows, %v", len(got), err)
	}
	if _, err := Open(strings.NewReader(in), Options{}); !errors.Is(err, ErrOptions) {
		t.Errorf("no columns: %v", err)
	}
}

// TestCutGzipGivesNoHalfRow cuts a file everywhere: what is given is a prefix of
// the rows, and the end is a fault.
func TestCutGzipGivesNoHalfRow(t *testing.T) {
	in := "nik,name\n1,\"Ani\n5,Sari\"\n2,Budi\n3,Citra"
	z := zipped(t, in)
	whole := []string{"2@9 1|Ani\n5,Sari||", "4@24 2|Budi||", "5@31 3|Citra||"}
	most := 0
	for cut := 2; cut < len(z); cut++ {
		r, err := Open(strings.NewReader(z[:cut]), options())
		var got []string
		if err == nil {
			got, err = all(r)
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		for i, g := range got {
			if i >= 2 || g != whole[i] {
				t.Fatalf("cut at %d: %q", cut, got)
			}
		}
		most = max(most, len(got))
	}
	if most != 2 {
		t.Errorf("at most %d rows before the cut", most)
	}
}

func TestOwnErrorOfTheInput(t *testing.T) {
	broken := errors.New("disk on fire")
	r, err := Open(io.MultiReader(strings.NewReader("nik\n1\n2\n3"), iotest.ErrReader(broken)), options())
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(r)
	if !errors.Is(err, broken) || fault.KindOf(err) != fault.Internal || len(got) != 2 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestConsumed(t *testing.T) {
	var b strings.Builder
	b.WriteString("nik,name\n")
	for i := range 300000 {
		fmt.Fprintf(&b, "%d,Ani\n", i*i)
	}
	z := zipped(t, b.String())
	r, err := Open(strings.NewReader(z), options())
	if err != nil {
		t.Fatal(err)
	}
	first := r.Consumed()
	if _, err := all(r); err != nil {
		t.Fatal(err)
	}
	if first <= 0 || first > int64(len(z)) || r.Consumed() != int64(len(z)) {
		t.Errorf("%d then %d of %d bytes", first, r.Consumed(), len(z))
	}
}

// TestNoValueInErrors plants canaries in every kind of refused row.
func TestNoValueInErrors(t *testing.T) {
	for _, in := range []string{
		"nik,name\nCANARY,x,CANARY\nCANARY\"\n\"CANARY\"CANARY\nCANARY\xff,x\n\"CANARY",
		`{"nik":"CANARY","nik":"CANARY"}` + "\n" + `{"CANARY":[]}` + "\n" + `{"CANARY"` + "\nCANARY\n",
	} {
		r, err := Open(strings.NewReader(in), options())
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(r)
		if err != nil || len(got) < 4 {
			t.Fatalf("%q, %v", got, err)
		}
		if said := fmt.Sprintf("%q", got); strings.Contains(said, "CANARY") {
			t.Error(said)
		}
	}
	if _, err := Open(strings.NewReader("CANARY,CANARY\n"), options()); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("header: %v", err)
	}
}

// TestGolden reads files as spreadsheets and registries write them.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.in")
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			r, err := Open(f, options())
			if err != nil {
				t.Fatal(err)
			}
			got, err := all(r)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(name, ".in") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("%s unknown %q\n%s\n", r.Format(), r.Unknown(), strings.Join(got, "\n"))
			if d := cmp.Diff(string(want), text); d != "" {
				t.Errorf("-want +got: %s", d)
			}
		})
	}
}
