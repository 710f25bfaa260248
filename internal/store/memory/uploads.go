package memory

import (
	"math"
	"time"
)

type uploads struct{ *tx }

func (t uploads) Begin(name [32]byte, at time.Time) error {
	if err := t.write(); err != nil {
		return err
	}
	if _, there := t.uploads.get(id32(name)); !there {
		t.uploads.put(id32(name), micros(at))
		t.begun.put(lapse{micros(at), id32(name)}, none{})
	}
	return nil
}

func (t uploads) End(names [][32]byte) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, n := range names {
		if at, there := t.uploads.get(id32(n)); there {
			t.uploads.drop(id32(n))
			t.begun.drop(lapse{at, id32(n)})
		}
	}
	return nil
}

func (t uploads) Stale(before time.Time, n int) ([][32]byte, error) {
	var out [][32]byte
	for k := range t.begun.from(lapse{at: math.MinInt64}) {
		if len(out) >= n || k.at >= micros(before) {
			break
		}
		out = append(out, k.hash)
	}
	return out, t.err
}

func (t uploads) Held(names [][32]byte) ([]bool, error) {
	out := make([]bool, len(names))
	for i, n := range names {
		_, out[i] = t.blobs.get(id32(n))
	}
	return out, t.err
}
