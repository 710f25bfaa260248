package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

type entry struct {
	kind    byte
	payload string
}

// replayed opens the journal and returns what it holds.
func replayed(d durable.FS, known Mark) (*Journal, []entry, error) {
	var out []entry
	j, err := Open(d, known, func(seq uint64, kind byte, payload []byte) error {
		if out = append(out, entry{kind, string(payload)}); seq != uint64(len(out)) {
			return fmt.Errorf("record %d is numbered %d", len(out), seq)
		}
		return nil
	})
	return j, out, err
}

// life appends at random until the power goes or it has had enough. It returns what
// it put, how much of that was acknowledged, and the Mark of the last acknowledged.
func life(j *Journal, rng *rand.Rand) (put []entry, acked int, at Mark) {
	type promise struct {
		n    int
		at   Mark
		wait func() error
	}
	var open []promise
	settle := func() bool {
		for _, p := range open {
			if p.wait() != nil {
				return false
			}
			acked, at = p.n, p.at
		}
		open = nil
		return true
	}
	for range 1 + rng.IntN(40) {
		e := entry{byte(1 + rng.IntN(10)), string(bytes.Repeat([]byte{byte(rng.IntN(256))}, rng.IntN(300)))}
		seq, chain, wait := j.Put(e.kind, []byte(e.payload))
		put = append(put, e)
		open = append(open, promise{len(put), Mark{seq, chain}, wait})
		// Sometimes many share an fsync, sometimes each has its own.
		if rng.IntN(3) == 0 && !settle() {
			return put, acked, at
		}
	}
	if rng.IntN(2) == 0 {
		settle() // or the power goes while they wait
	}
	return put, acked, at
}

func TestACrashKeepsEveryAcknowledgedRecord(t *testing.T) {
	const seeds, lives = 300, 4
	lost := 0
	for seed := range uint64(seeds) {
		d, rng := durabletest.New(seed), rand.New(rand.NewPCG(seed, 7))
		var sure []entry // what must be there
		var at Mark
		for range lives {
			j, got, err := replayed(d, at)
			if err != nil {
				t.Fatalf("seed %d: reopen: %v", seed, err)
			}
			if len(got) < len(sure) || !slices.Equal(got[:len(sure)], sure) {
				t.Fatalf("seed %d: acknowledged records are gone or in another order: %s", seed, cmp.Diff(len(sure), len(got)))
			}
			d.Fail(durabletest.Failure{N: 1 + rng.IntN(30), Effect: rng.IntN(2) == 0, Stop: true})
			put, acked, last := life(j, rng)
			d.Fail(durabletest.Failure{N: 1, Effect: rng.IntN(2) == 0, Stop: true})
			_ = j.Close()
			d.Crash()
			sure = append(got, put[:acked]...)
			if acked > 0 {
				at = last
			}
			lost += len(put) - acked
		}
	}
	if lost == 0 {
		t.Error("no crash came between a record and its acknowledgement: the trial shows nothing")
	}
}

// keptJournal is a closed journal of n records with the places where each begins.
func keptJournal(t testing.TB, n int) (d *durabletest.Disk, starts []int, end Mark) {
	t.Helper()
	d = durabletest.New(1)
	j, _, err := replayed(d, Mark{})
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for i := range n {
		payload := bytes.Repeat([]byte{byte(i + 1)}, i*7%50)
		if _, _, err := j.Append(byte(1+i%10), payload); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, at)
		at += int(Len(len(payload)))
	}
	end = j.Durable()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return d, append(starts, at), end
}

func TestAnAlteredByteBeforeTheEndIsFound(t *testing.T) {
	base, starts, end := keptJournal(t, 14)
	last := len(starts) - 2
	for i := range last + 1 {
		for at := starts[i]; at < starts[i+1]; at++ {
			for _, flip := range []byte{0x01, 0x80} {
				d := base.Clone()
				d.Corrupt("journal", func(b []byte) []byte { b[at] ^= flip; return b })
				known := end
				if i < last {
					known = Mark{} // the Mark is no help where the records themselves tell
				}
				j, _, err := replayed(d, known)
				if !errors.Is(err, ErrBroken) {
					t.Fatalf("record %d, byte %d of it, flip %#x: error %v", i+1, at-starts[i], flip, err)
				}
				if j != nil {
					t.Fatal("a broken journal was opened")
				}
			}
		}
	}
}

func TestATornEndIsCut(t *testing.T) {
	base, starts, _ := keptJournal(t, 12)
	last := starts[len(starts)-2]
	for size := last; size < starts[len(starts)-1]; size++ {
		for _, zeros := range []int{0, 1, 40, 5000} { // lengths are often written before bytes
			d := base.Clone()
			d.Corrupt("journal", func(b []byte) []byte { return append(b[:size:size], make([]byte, zeros)...) })
			j, got, err := replayed(d, Mark{})
			if size+zeros >= starts[len(starts)-1] && errors.Is(err, ErrBroken) && size > starts[len(starts)-1]-4 {
				continue // the chain ended in zeros
			}
			if err != nil || len(got) != len(starts)-2 {
				t.Fatalf("cut %d bytes into the last record, then %d zeros: %d records, %v", size-last, zeros, len(got), err)
			}
			if _, _, err := j.Append(1, []byte("on")); err != nil {
				t.Fatal(err)
			}
			_ = j.Close()
			d.Crash()
			if j, got, err = replayed(d, Mark{}); err != nil || got[len(got)-1] != (entry{1, "on"}) {
				t.Fatalf("what was appended after the cut: %v", err)
			}
			_ = j.Close()
		}
	}
}

func TestAJournalCutBehindTheMarkIsFound(t *testing.T) {
	base, starts, end := keptJournal(t, 12)
	for i, size := range starts[:len(starts)-1] {
		d := base.Clone()
		d.Corrupt("journal", func(b []byte) []byte { return b[:size] })
		if _, _, err := replayed(d, end); !errors.Is(err, ErrBroken) {
			t.Errorf("cut to %d records of %d: error %v", i, end.Seq, err)
		}
	}
	// Another journal of the same length is not the one that was marked either.
	if _, _, err := replayed(base, Mark{end.Seq, [32]byte{1}}); !errors.Is(err, ErrBroken) {
		t.Errorf("another chain: %v", err)
	}
}

func TestNothingIsAcknowledgedAfterAFailedWrite(t *testing.T) {
	d := durabletest.New(1)
	j, _, err := replayed(d, Mark{})
	if err != nil {
		t.Fatal(err)
	}
	d.Fail(durabletest.Failure{N: 1})
	_, _, first := j.Append(1, nil)
	_, _, second := j.Append(1, nil)
	wants(t, "the failed write", first, keeper.ErrUnavailable)
	wants(t, "the one after it, though the disk is well again", second, keeper.ErrUnavailable)
	_ = j.Close()
	_, _, third := j.Append(1, nil)
	wants(t, "after the end", third, keeper.ErrUnavailable)
}

func wants(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}
