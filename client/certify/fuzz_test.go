package certify_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/client/certify"
)

// FuzzParse: a report that is taken is byte for byte what it would be written as, and
// is told to people in both languages.
func FuzzParse(f *testing.F) {
	f.Add(written(f, func(*certify.Report) {}))
	f.Add(written(f, func(r *certify.Report) { r.Cases[0].Evidence = "|\n</td> \u2028" }))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := certify.Parse(raw)
		if err != nil {
			if !errors.Is(err, certify.ErrReport) || r != nil {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if !bytes.Equal(r.Marshal(), raw) {
			t.Error("a report was taken that is not canonical")
		}
		for _, l := range []certify.Language{certify.Indonesian, certify.English} {
			if text := r.Markdown(l); strings.Count(text, "\n| ") < len(r.Cases) {
				t.Errorf("not every case is a line of its own:\n%s", text)
			}
		}
	})
}

// FuzzParseSetup: a setup that is taken is written and taken again, and what it holds
// can be used.
func FuzzParseSetup(f *testing.F) {
	s, err := certify.NewSetup(7, "https://127.0.0.1:8443", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	raw, err := s.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(bytes.Replace(raw, []byte(`"relay_key"`), []byte(`"other_key"`), 1))
	f.Add(bytes.Replace(raw, []byte(`"https:`), []byte(`":`), 1))
	f.Add([]byte(`{"kind":"amanah-certify/1"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := certify.ParseSetup(raw)
		if err != nil {
			if !errors.Is(err, certify.ErrSetup) || s != nil {
				t.Errorf("refused with %v", err)
			}
			return
		}
		first, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Authority()) == 0 || len(s.RelayKey) > 0 && len(s.Credential().Key) != 32 {
			t.Error("a setup that cannot be used")
		}
		if len(first) > 64<<10 { // escaped it is longer than it came
			return
		}
		again, err := certify.ParseSetup(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if second, err := again.Marshal(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v: written\n%s\nand then\n%s", err, first, second)
		}
	})
}
