package dicom_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/amanah-project/amanah/internal/format/dicom"
)

// renamed is a UID that a UID becomes in these tests, the same each time.
func renamed(uid string) string {
	sum := sha256.Sum256([]byte(uid))
	return fmt.Sprint("2.25.", binary.BigEndian.Uint64(sum[:]))
}

func rewrite(t testing.TB, raw []byte) ([]byte, bool) {
	t.Helper()
	var out bytes.Buffer
	signed, err := Rewrite(&out, bytes.NewReader(raw), Options{}, renamed)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), signed
}

// classes are the elements of UIDs that name no instance, in hexadecimal.
var classes = map[string]bool{"00080016": true, "0008001A": true, "00081150": true, "0008010C": true, "0008010D": true, "00080117": true, "0040E011": true}

// expected gives a JSON model of a file its new UIDs, and counts those that differ.
func expected(v any, n *int) {
	switch v := v.(type) {
	case map[string]any:
		for tag, e := range v {
			m, isElement := e.(map[string]any)
			values, _ := m["Value"].([]any)
			if isElement && m["vr"] == "UI" && !classes[tag] {
				for i, uid := range values {
					if text, _ := uid.(string); text != "" && !strings.HasPrefix(text, "1.2.840.10008.") {
						values[i] = renamed(text)
						*n++
					}
				}
				continue
			}
			expected(e, n)
		}
	case []any:
		for _, e := range v {
			expected(e, n)
		}
	}
}

func modelOf(t testing.TB, raw []byte) (m map[string]any) {
	t.Helper()
	var out bytes.Buffer
	if err := WriteJSON(&out, bytes.NewReader(raw), Options{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func pixels(t testing.TB, raw []byte) ([]byte, *File) {
	t.Helper()
	var out bytes.Buffer
	f, err := Read(bytes.NewReader(raw), Options{Pixels: &out})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), f
}

// TestRewrite: a file with other UIDs is whole, in its transfer syntax, its pixels the same
// to the byte, and says all that it said but for UIDs of instances, which are renamed
// wherever they stand. Written again without a change, it is the same file.
func TestRewrite(t *testing.T) {
	all, err := filepath.Glob("testdata/*.dcm")
	if err != nil {
		t.Fatal(err)
	}
	n, renames := 0, 0
	for _, path := range all {
		raw := load(t, filepath.Base(path))
		if _, err := read(raw); err != nil {
			continue // refused when it is entered
		}
		n++
		got, signed := rewrite(t, raw)
		wantPixels, was := pixels(t, raw)
		gotPixels, f := pixels(t, got)
		if !bytes.Equal(wantPixels, gotPixels) || f.Syntax != was.Syntax || f.Class != was.Class || signed {
			t.Errorf("%s: %d pixel bytes of %d, %s %s", path, len(gotPixels), len(wantPixels), f.Syntax, f.Class)
		}
		if f.Instance != renamed(was.Instance) || was.Study != "" && f.Study != renamed(was.Study) || was.Series != "" && f.Series != renamed(was.Series) {
			t.Errorf("%s: %s %s %s", path, f.Instance, f.Study, f.Series)
		}
		if !strings.HasPrefix(was.Instance, "1.2.840.10008.") && !strings.HasPrefix(was.Instance, "2.25.") && bytes.Contains(got, []byte(was.Instance+"\x00")) {
			t.Errorf("%s: its old number is still there", path)
		}
		want := modelOf(t, raw)
		expected(want, &renames)
		if d := cmp.Diff(want, modelOf(t, got)); d != "" {
			t.Errorf("%s: %s", path, d)
		}
		var same, again bytes.Buffer
		keep := func(uid string) string { return uid }
		if _, err := Rewrite(&same, bytes.NewReader(raw), Options{}, keep); err != nil {
			t.Fatal(path, err)
		}
		if _, err := Rewrite(&again, bytes.NewReader(same.Bytes()), Options{}, keep); err != nil || !bytes.Equal(same.Bytes(), again.Bytes()) {
			t.Errorf("%s: written again it differs: %v", path, err)
		}
	}
	if t.Logf("%d files, %d UIDs", n, renames); n < 11 || renames < 50 {
		t.Errorf("%d files, %d UIDs only", n, renames)
	}
}

// element writes one of explicit little endian.
func elementOf(tag uint32, vr string, value []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(tag>>16))
	b = append(binary.LittleEndian.AppendUint16(b, uint16(tag)), vr...)
	if strings.Contains("OB OW SQ UN", vr) {
		b = binary.LittleEndian.AppendUint32(append(b, 0, 0), uint32(len(value)))
	} else {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	}
	return append(b, value...)
}

func itemOf(elements ...[]byte) []byte {
	inside := bytes.Join(elements, nil)
	return append(binary.LittleEndian.AppendUint32([]byte{0xfe, 0xff, 0, 0xe0}, uint32(len(inside))), inside...)
}

func text(s string) []byte {
	if len(s)%2 == 1 {
		s += "\x00"
	}
	return []byte(s)
}

// made is a file whose references stand two sequences deep and in a list, with a class of
// a maker's own.
func made(more ...[]byte) []byte {
	meta := bytes.Join([][]byte{
		elementOf(0x00020002, "UI", text("1.3.99.1")), elementOf(0x00020003, "UI", text("1.3.1.1")), elementOf(0x00020010, "UI", text("1.2.840.10008.1.2.1")),
	}, nil)
	refs := itemOf(elementOf(0x00081150, "UI", text("1.3.99.1")), elementOf(0x00081155, "UI", text("1.3.1.2")))
	series := itemOf(elementOf(0x00081115, "SQ", itemOf(elementOf(0x00081199, "SQ", refs), elementOf(0x0020000e, "UI", text("1.3.2")))), elementOf(0x0020000d, "UI", text("1.3.3")))
	set := [][]byte{
		elementOf(0x00080000, "UL", []byte{1, 2, 3, 4}), elementOf(0x00080016, "UI", text("1.3.99.1")), elementOf(0x00080018, "UI", text("1.3.1.1")),
		elementOf(0x00080058, "UI", text(`1.3.1.2\1.3.1.3\1.2.840.10008.1.1`)), elementOf(0x00081200, "SQ", series),
		elementOf(0x0020000d, "UI", text("1.3.3")), elementOf(0x0020000e, "UI", text("1.3.2")), elementOf(0x00200052, "UI", text("1.2.840.10008.1.4.1.1")),
		elementOf(0x00210010, "LO", text("MAKER")), elementOf(0x00211001, "UI", text("1.3.1.2")),
	}
	head := append(make([]byte, 128), "DICM"...)
	head = append(append(head, elementOf(0x00020000, "UL", binary.LittleEndian.AppendUint32(nil, uint32(len(meta))))...), meta...)
	return append(head, bytes.Join(append(set, more...), nil)...)
}

// TestReferences: what is named in several places is named alike; classes, the standard's
// own and the transfer syntax stay; a signature is seen.
func TestReferences(t *testing.T) {
	got, signed := rewrite(t, made())
	if signed {
		t.Error("not signed")
	}
	for uid, n := range map[string]int{"1.3.1.1": 2, "1.3.1.2": 3, "1.3.1.3": 1, "1.3.2": 2, "1.3.3": 2} {
		if c := bytes.Count(got, []byte(renamed(uid))); c != n {
			t.Errorf("%s is renamed in %d places of %d", uid, c, n)
		}
		if bytes.Contains(got, text(uid)) {
			t.Errorf("%s is still there", uid)
		}
	}
	for uid, n := range map[string]int{"1.3.99.1": 3, "1.2.840.10008.1.1": 1, "1.2.840.10008.1.4.1.1": 1, "1.2.840.10008.1.2.1": 1, "MAKER": 1} {
		if c := bytes.Count(got, []byte(uid)); c < n {
			t.Errorf("%s is in %d places of %d", uid, c, n)
		}
	}
	if _, err := read(got); err != nil {
		t.Error(err)
	}
	if _, signed = rewrite(t, made(elementOf(0xfffafffa, "SQ", itemOf(elementOf(0x04000100, "UI", text("1.3.9")))))); !signed {
		t.Error("a signature is not seen")
	}
	long := made(elementOf(0x00700000|0x1101, "UI", text(strings.Repeat(`1.3\`, 15000)+"1.3")))
	var e *Error
	if _, err := Rewrite(&bytes.Buffer{}, bytes.NewReader(long), Options{}, renamed); !errors.As(err, &e) {
		t.Errorf("more UIDs than a value holds: %v", err)
	}
}

// FuzzRewrite: what is rewritten is read as before, and its pixels are the same.
func FuzzRewrite(f *testing.F) {
	f.Add(made())
	all, _ := filepath.Glob("testdata/*.dcm")
	for _, path := range all {
		if raw, err := os.ReadFile(path); err == nil && len(raw) < 64<<10 {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var out, was, is bytes.Buffer
		if _, err := Rewrite(&out, bytes.NewReader(raw), Options{Inflated: 1 << 20}, renamed); err != nil {
			return
		}
		before, err := Read(bytes.NewReader(raw), Options{Inflated: 1 << 20, Pixels: &was})
		if err != nil {
			return
		}
		after, err := Read(bytes.NewReader(out.Bytes()), Options{Inflated: 2 << 20, Pixels: &is})
		if err != nil {
			t.Fatalf("it cannot be read any more: %v", err)
		}
		if !bytes.Equal(was.Bytes(), is.Bytes()) || before.Rows != after.Rows || before.Patient != after.Patient {
			t.Error("it says something else")
		}
	})
}
