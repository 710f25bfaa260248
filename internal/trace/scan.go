package trace

import (
	"context"
	"io"

	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/index"
)

func digit(c byte) bool { return c-'0' < 10 }

// extract calls found for each plausible NIK that stands in b as a run of sixteen digits
// with no digit before or behind it, and returns how many bytes are done with: b up to there
// need not be seen again. When more follows b (last is false) a run that reaches its end is
// left for the next call.
//
// A run of sixteen covers exactly one of every sixteen places, so that only every sixteenth
// byte is looked at; where it is a digit, so must be the one eight before or eight behind.
func extract(b []byte, last bool, found func(at int, n norm.NIK)) int {
	const run = 16
	done := 0 // no run of interest begins before
	for i := run - 1; i < len(b); i += run {
		if !digit(b[i]) {
			continue
		}
		if !digit(b[i-8]) && (i+8 >= len(b) || !digit(b[i+8])) && i+8 < len(b) {
			continue
		}
		from := i
		for from > done && digit(b[from-1]) {
			from--
		}
		to := i + 1
		for to < len(b) && digit(b[to]) {
			to++
		}
		if to == len(b) && !last {
			return from
		}
		if to-from == run && norm.Plausible(b[from:to]) {
			found(from, norm.Number(b[from:to]))
		}
		done, i = to, to
	}
	if last {
		return len(b)
	}
	// A run that has begun covers none of the places looked at.
	from := len(b)
	for from > done && from > len(b)-run && digit(b[from-1]) {
		from--
	}
	return from
}

// Triage is what raw bytes say before anything is parsed.
type Triage struct {
	Bytes   int64
	NIKs    int64 // runs of sixteen digits that are plausible NIKs
	People  int64 // of them, NIKs of people in the index, as often as they stand there
	Decoys  int64 // of them, NIKs that were never issued
	Against int   // people in the index
	Invent  int   // decoys in the index
}

// triageChunk is how much is read at once: what fits a core's own cache.
const triageChunk = 256 << 10

// Scan reads everything and holds each plausible NIK in it against the index: the first
// answer to whether a dump is worth parsing, in minutes for hundreds of gigabytes. With a nil
// table it extracts only. One goroutine; a is used by it alone.
func Scan(ctx context.Context, r io.Reader, table *index.Table, a *index.Asker) (Triage, error) {
	var t Triage
	if table != nil {
		t.Against, t.Invent = table.People(), table.Decoys()
	}
	var asked struct {
		tags [index.Ask]index.Tag
		out  [index.Ask]int32
		n    int
	}
	ask := func() {
		table.ByFull(asked.tags[:asked.n], asked.out[:])
		for _, at := range asked.out[:asked.n] {
			switch {
			case at >= 0:
				t.People++
			case at == index.Chance:
				t.Decoys++
			}
		}
		asked.n = 0
	}
	found := func(_ int, n norm.NIK) {
		t.NIKs++
		if table == nil {
			return
		}
		asked.tags[asked.n] = a.Full(n)
		if asked.n++; asked.n == index.Ask {
			ask()
		}
	}
	buf := make([]byte, triageChunk)
	held := 0
	for {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		n, err := io.ReadFull(r, buf[held:])
		t.Bytes += int64(n)
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return t, err
		}
		b := buf[:held+n]
		done := extract(b, last, found)
		if done == 0 && len(b) == len(buf) { // digits without end: seventeen of them are no NIK either
			done = len(b) - 17
		}
		held = copy(buf, b[done:])
		if last {
			break
		}
	}
	if table != nil {
		ask()
	}
	return t, nil
}
