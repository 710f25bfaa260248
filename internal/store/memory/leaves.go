package memory

import (
	"bytes"
	"math"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/store"
)

type leaves struct{ *tx }

func (t leaves) Put(l []accesslog.Leaf) error {
	if err := t.write(); err != nil {
		return err
	}
	for i := range l {
		if !wellFormed(&l[i]) {
			return t.fail(accesslog.ErrLeaf)
		}
	}
	for _, n := range l {
		if !fits(n.Seq) {
			return t.fail(store.ErrConstraint)
		}
		key := leafKey{id16(n.Gate), n.Seq}
		old, known := t.leaves.get(key)
		switch {
		case !known:
			n.At, n.Events = whole(n.At), cloneEvents(n.Events)
			t.leaves.put(key, n)
		case old.Signature != n.Signature || old.Root != n.Root || old.Prev != n.Prev:
			return t.fail(store.ErrConstraint)
		}
	}
	return nil
}

func wellFormed(l *accesslog.Leaf) bool {
	for i := range l.Events {
		if len(l.Events[i].Sealed) > math.MaxUint16 {
			return false
		}
	}
	return l.Count == len(l.Events) && l.Count <= accesslog.MaxEvents
}

func cloneEvents(events []accesslog.Event) []accesslog.Event {
	out := make([]accesslog.Event, len(events))
	for i, e := range events {
		e.Sealed = bytes.Clone(e.Sealed)
		out[i] = e
	}
	return out
}

func (t leaves) Get(gate accesslog.GateID, seq uint64) (accesslog.Leaf, error) {
	l, known := t.leaves.get(leafKey{id16(gate), seq})
	if t.err == nil && !known {
		return l, accesslog.ErrNoLeaf
	}
	l.Events = cloneEvents(l.Events)
	return l, t.err
}

func (t leaves) Of(gate accesslog.GateID, from uint64, n int) ([]accesslog.Leaf, error) {
	var out []accesslog.Leaf
	for k, l := range t.leaves.from(leafKey{id16(gate), from}) {
		if k.gate != id16(gate) || len(out) >= n {
			break
		}
		l.Events = cloneEvents(l.Events)
		out = append(out, l)
	}
	return out, t.err
}

func (t leaves) Gates() ([]accesslog.Tally, error) {
	var out []accesslog.Tally
	for k, l := range t.leaves.from(leafKey{}) {
		if len(out) == 0 || out[len(out)-1].Gate != accesslog.GateID(k.gate) {
			out = append(out, accesslog.Tally{Gate: accesslog.GateID(k.gate)})
		}
		y := &out[len(out)-1]
		y.Leaves++
		y.Events += uint64(l.Count)
	}
	return out, t.err
}
