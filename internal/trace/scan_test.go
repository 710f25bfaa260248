package trace

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/index"
)

var digits = regexp.MustCompile(`[0-9]+`)

// plainly is what extract promises, written as plainly as can be.
func plainly(b []byte) (out []string) {
	for _, d := range digits.FindAll(b, -1) {
		if len(d) == 16 && norm.Plausible(d) {
			out = append(out, string(d))
		}
	}
	return out
}

func TestExtractFindsEachRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		for range rapid.IntRange(0, 12).Draw(t, "pieces") {
			switch rapid.IntRange(0, 3).Draw(t, "piece") {
			case 0:
				fmt.Fprintf(&b, "%d", 9910100101900000+rapid.Uint64Range(1, 9999).Draw(t, "nik"))
			case 1:
				b.WriteString(strings.Repeat("7", rapid.IntRange(0, 40).Draw(t, "run")))
			default:
				b.WriteString(strings.Repeat(",", rapid.IntRange(0, 20).Draw(t, "gap")))
			}
		}
		want := plainly(b.Bytes())
		var got []string
		cut := rapid.IntRange(0, b.Len()).Draw(t, "cut")
		note := func(_ int, n norm.NIK) { got = append(got, fmt.Sprint(uint64(n))) }
		head := bytes.Clone(b.Bytes()[:cut])
		done := extract(head, false, note)
		extract(b.Bytes()[done:], true, note)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q cut at %d: %q, not %q", b.String(), cut, got, want)
		}
	})
}

func TestScanCountsAcrossChunks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	tagger := index.NewTagger(index.Key{1})
	var b bytes.Buffer
	var batch index.Batch
	for i := range 20_000 {
		fmt.Fprintf(&b, "%s%d;%s\n", strings.Repeat("x", rng.IntN(40)), 9910100101900000+i, strings.Repeat("9", rng.IntN(30)))
		if i%2 == 0 {
			batch.People = append(batch.People, tagger.Identity(index.Facts{NIK: norm.NIK(9910100101900000 + uint64(i))}))
		}
	}
	table := index.NewTable(index.Key{1}, index.Key{2}, index.NewSet(batch))
	want := int64(len(plainly(b.Bytes())))
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(b.Bytes()), "halves": iotest.HalfReader(bytes.NewReader(b.Bytes()))} {
		got, err := Scan(context.Background(), r, table, index.NewAsker(index.Key{1}, index.Key{2}))
		if err != nil || got.NIKs != want || got.People != 10_000 || got.Bytes != int64(b.Len()) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	long, err := Scan(context.Background(), strings.NewReader(strings.Repeat("1", 3*triageChunk)+" 9910100101900001"), nil, nil)
	if err != nil || long.NIKs != 1 {
		t.Errorf("digits without end: %+v %v", long, err)
	}
}
