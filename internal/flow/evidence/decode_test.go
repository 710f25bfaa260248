package evidence_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/evidence"
)

// FuzzReadFact: a row of evidence is refused in words that repeat nothing of it, or read
// as one item, which is sealed and opened alike unless it is refused then.
func FuzzReadFact(f *testing.F) {
	for _, row := range []string{
		"kind=dose\non=2021-08-01\nvaccine=sinovac\nabroad=true\nref=a",
		"kind=test\nat=2021-08-01T09:30:17+07:00\ntest=pcr\nresult=positive\nref=b",
		"kind=test\nat=0000-01-01T00:00:00+23:59\ntest=antigen\nresult=negative\nref=b",
		"kind=recovery\non=9999-12-31\nref=c",
		"kind=contact\non=0000-01-01\nref=d",
		"kind=exemption\non=2021-08-01\nuntil=2020-08-01\nref=e",
		"kind=arrival\non=2021-08-01\ncleared=2021-08-02\nref=f",
		"kind=inquiry\non=2021-08-01\nref=" + strings.Repeat("g", 49),
		"kind=\nref= ",
	} {
		f.Add("9901014101900001", row)
	}
	f.Add("990101410190000", "")
	f.Fuzz(func(t *testing.T, nik, row string) {
		columns := map[string]string{"nik": nik}
		for line := range strings.Lines(row) {
			if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok && name != "nik" {
				columns[name] = value
			}
		}
		got, e, err := evidence.ReadFact(func(name string) string { return columns[name] })
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("refused with %v, a %v fault", err, fault.KindOf(err))
			}
			return
		}
		if got.Reveal() != nik || e.Len() != 1 {
			t.Fatalf("%d items of %q", e.Len(), nik)
		}
		raw, err := e.MarshalBinary()
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("refused with %v", err)
			}
			return
		}
		back, err := status.ParseEvidence(raw)
		if err != nil {
			t.Fatalf("what was sealed does not open: %v", err)
		}
		if again, err := back.MarshalBinary(); err != nil || !bytes.Equal(raw, again) {
			t.Errorf("%v: sealed %x, then %x", err, raw, again)
		}
	})
}
