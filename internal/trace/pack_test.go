package trace

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

// manyRows is an observation of n people with nine cells each.
func manyRows(n int) *Result {
	r := &Result{Counts: Counts{Rows: int64(n), Matched: 3}, Against: 7, Views: []leak.ViewToken{{1, 2}}, Files: []Document{{Source: 1, UIDs: []string{"2.25.1"}}}}
	var all []seen
	for i := range n {
		row := leak.Row(uint64(i+1) * (1 << 63 / uint64(n)))
		all = append(all, seen{row, seenPerson | seenMatched | uint32(i)*2654435761&seenMarks | 1})
		r.Tokens = append(r.Tokens, Token{Row: row, Token: leak.Token{byte(i), 9, byte(i >> 8), 1, 2, 3, 4, 5}})
		r.Spans = append(r.Spans, Span{norm.Minute(i), norm.Minute(2 * i)})
		r.Shown = append(r.Shown, Shown{row, norm.Minute(i)})
	}
	r.Strangers[2] = []uint64{4, 1 << 62}
	r.rows(all)
	return r
}

// TestPack: what is packed is read again, is the same each time, and is a fraction of the cells'
// own size; cut anywhere, or with a byte more, it is refused.
func TestPack(t *testing.T) {
	for _, n := range []int{0, 1, 300} {
		want := manyRows(max(n, 1))
		if n == 0 {
			want = &Result{}
		}
		var b, again bytes.Buffer
		if err := errors.Join(want.Pack(&b, "said with it"), want.Pack(&again, "said with it")); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatalf("packed differently: %v", err)
		}
		with := ""
		got, err := Unpack(bytes.NewReader(b.Bytes()), &with)
		if err != nil || with != "said with it" {
			t.Fatal(err, with)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
		if each := len(want.Cells) + len(want.Tokens); n > 1 && b.Len() > 12*each {
			t.Errorf("%d bytes for %d cells and tokens", b.Len(), each)
		}
		for cut := 0; cut < b.Len(); cut += 1 + b.Len()/200 {
			if _, err := Unpack(bytes.NewReader(b.Bytes()[:cut]), &with); !errors.Is(err, ErrPacked) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
		}
		if _, err := Unpack(bytes.NewReader(append(slices.Clip(b.Bytes()), 0)), &with); !errors.Is(err, ErrPacked) {
			t.Errorf("a byte more: %v", err)
		}
	}
}

// FuzzUnpack: anything is refused or read, and what is read is packed again.
func FuzzUnpack(f *testing.F) {
	for _, n := range []int{1, 3} {
		var b bytes.Buffer
		if err := manyRows(n).Pack(&b, 5); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()-2])
	}
	f.Add([]byte(packed + "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var with any
		r, err := Unpack(bytes.NewReader(raw), &with)
		if err != nil {
			return
		}
		if err := r.Pack(new(bytes.Buffer), with); err != nil {
			t.Error(err)
		}
	})
}
