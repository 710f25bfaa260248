package dicom_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/amanah-project/amanah/internal/format/dicom"
)

// element is one of the JSON model.
type element struct {
	VR           string `json:"vr"`
	Value        []any
	InlineBinary string
}

func model(t testing.TB, raw []byte) map[string]element {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJSON(&b, bytes.NewReader(raw), Options{}); err != nil {
		t.Fatal(err)
	}
	var out map[string]element
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("%v in %s", err, b.Bytes())
	}
	return out
}

// TestWriteJSON: files of every encoding say what they say to others, in UTF-8 and
// without pixels.
func TestWriteJSON(t *testing.T) {
	value := func(name, tag string) any {
		e := model(t, load(t, name))[tag]
		if len(e.Value) == 0 {
			return nil
		}
		return e.Value[0]
	}
	for _, c := range []struct {
		file, tag string
		want      any
	}{
		{"CT_small.dcm", "0020000D", "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"},
		{"CT_small.dcm", "00280010", 128.0},
		{"CT_small.dcm", "00180060", 120.0},
		{"MR_small_implicit.dcm", "00080060", "MR"},
		{"MR_small_implicit.dcm", "00280011", 64.0},
		{"ExplVR_BigEnd.dcm", "00280010", 60.0},
		{"image_dfl.dcm", "00280010", 512.0},
		{"chrArab.dcm", "00080005", "ISO_IR 192"},
	} {
		if got := value(c.file, c.tag); got != c.want {
			t.Errorf("%s %s: %v, want %v", c.file, c.tag, got, c.want)
		}
	}
	if got := value("chrArab.dcm", "00100010").(map[string]any)["Alphabetic"]; got != "قباني^لنزار" {
		t.Errorf("a name in Arabic: %v", got)
	}
	if h31 := value("chrH31.dcm", "00100010").(map[string]any); h31["Ideographic"] != "山田^太郎" || h31["Phonetic"] != "やまだ^たろう" {
		t.Errorf("a name in three forms: %v", h31)
	}
	m := model(t, load(t, "CT_small.dcm"))
	for _, gone := range []string{"7FE00010", "00020010", "FFFCFFFC"} {
		if _, there := m[gone]; there {
			t.Errorf("%s is written", gone)
		}
	}
	if e := m["00102180"]; e.VR != "" && e.Value != nil {
		t.Errorf("an empty element has a value: %v", e)
	}
	report := model(t, load(t, "test-SR.dcm"))["0040A730"]
	if report.VR != "SQ" || len(report.Value) == 0 {
		t.Errorf("a report's content: %+v", report)
	}
}

// TestWriteJSONOfAll: what can be read can be described, and what is cut is not.
func TestWriteJSONOfAll(t *testing.T) {
	all, err := filepath.Glob("testdata/*.dcm")
	if err != nil || len(all) < 10 {
		t.Fatal(all, err)
	}
	for _, name := range all {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(raw); err == nil {
			if m := model(t, raw); m["00080018"].VR != "UI" {
				t.Errorf("%s: no instance in %d elements", name, len(m))
			}
		}
		var e *Error
		if err := WriteJSON(&bytes.Buffer{}, bytes.NewReader(raw[:401]), Options{}); !errors.As(err, &e) && !strings.Contains(name, "meta_missing") {
			t.Errorf("%s, cut: %v", name, err)
		}
	}
}

func FuzzWriteJSON(f *testing.F) {
	for _, name := range []string{"test-SR.dcm", "meta_missing_tsyntax.dcm", "chrH31.dcm", "rtplan_truncated.dcm"} {
		f.Add(load(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b bytes.Buffer
		err := WriteJSON(&b, bytes.NewReader(raw), Options{Elements: 10_000, Inflated: 1 << 20})
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v is not the file's", err)
		}
		if err == nil && !json.Valid(b.Bytes()) {
			t.Fatalf("no JSON: %s", b.Bytes())
		}
	})
}
