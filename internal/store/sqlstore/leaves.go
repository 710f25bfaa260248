package sqlstore

import (
	"bytes"
	"errors"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	putLeaf = `INSERT INTO accesslog_leaf (gate, seq, signature, voided, asks, passes, mac, prev, root, count, at, events)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (gate, seq) DO NOTHING`
	signedLeaf = `SELECT signature, root, prev FROM accesslog_leaf WHERE gate = $1 AND seq = $2`
	selectLeaf = `SELECT gate, seq, prev, root, count, at, voided, signature, events, asks, passes, mac FROM accesslog_leaf `
	getLeaf    = selectLeaf + `WHERE gate = $1 AND seq = $2`
	leavesOf   = selectLeaf + `WHERE gate = $1 AND seq >= $2 ORDER BY seq LIMIT $3`
	nextGate   = `SELECT gate FROM accesslog_leaf WHERE gate > $1 ORDER BY gate LIMIT 1`
	lastLeaf   = `SELECT seq FROM accesslog_leaf WHERE gate = $1 ORDER BY seq DESC LIMIT 1`
	leafEnds   = `SELECT gate, seq FROM accesslog_end`
	putLeafEnd = `INSERT INTO accesslog_end (gate, seq) VALUES ($1, $2) ON CONFLICT (gate) DO UPDATE SET seq = excluded.seq`
	tallies    = `SELECT gate, COUNT(*), CAST(SUM(count) AS BIGINT) FROM accesslog_leaf GROUP BY gate ORDER BY gate`
)

type leaves struct{ *Tx }

var _ accesslog.Store = leaves{}

// Put leaves a leaf that is already there as it is, when it is the same leaf: a
// commit whose answer was lost is tried again. Another leaf under its number is
// a fork of the chain, and refused.
func (t leaves) Put(l []accesslog.Leaf) error {
	events := make([][]byte, len(l))
	for i := range l {
		var err error
		if events[i], err = EncodeEvents(l[i].Events); err != nil {
			return t.fail(err)
		}
		if l[i].Count != len(l[i].Events) {
			return t.fail(accesslog.ErrLeaf)
		}
	}
	var there []int
	err := t.execEach(putLeaf, len(l), func(i int, a *Args) {
		bindLeaf(a, &l[i])
		a.Bytes(t.seal(store.SealLeaf, a.List))
		a.Bytes(l[i].Prev[:])
		a.Bytes(l[i].Root[:])
		a.Int(int64(l[i].Count))
		a.Time(l[i].At)
		a.Bytes(events[i])
	}, func(i int, rows int64) {
		if rows == 0 {
			there = append(there, i)
		}
	})
	if err != nil {
		return err
	}
	return t.sameLeaves(l, there)
}

// bindLeaf binds what store.SealLeaf covers.
func bindLeaf(a *Args, l *accesslog.Leaf) {
	a.Bytes(l.Gate[:])
	a.Number(l.Seq)
	a.Bytes(l.Signature[:])
	a.Int(bit(l.Voided))
	a.Int(int64(l.Asks))
	a.Int(int64(l.Passes))
}

func (t leaves) sameLeaves(l []accesslog.Leaf, there []int) error {
	same := true
	err := t.queryEach(signedLeaf, len(there),
		func(i int, a *Args) {
			a.Bytes(l[there[i]].Gate[:])
			a.Number(l[there[i]].Seq)
		},
		func(i int, r Row) error {
			n := &l[there[i]]
			same = same && bytes.Equal(r.Bytes(0), n.Signature[:]) &&
				bytes.Equal(r.Bytes(1), n.Root[:]) && bytes.Equal(r.Bytes(2), n.Prev[:])
			return nil
		})
	if err == nil && !same {
		return t.fail(store.ErrConstraint)
	}
	return err
}

func (t leaves) Get(gate accesslog.GateID, seq uint64) (accesslog.Leaf, error) {
	var out accesslog.Leaf
	found := false
	err := t.query(getLeaf,
		func(a *Args) {
			a.Bytes(gate[:])
			a.Number(seq)
		},
		func(r Row) (err error) {
			found = true
			out, err = scanLeaf(r)
			return err
		})
	if err == nil && !found {
		return out, accesslog.ErrNoLeaf
	}
	return out, err
}

func (t leaves) Of(gate accesslog.GateID, from uint64, n int) ([]accesslog.Leaf, error) {
	var out []accesslog.Leaf
	if n <= 0 || from > maxNumber {
		return nil, t.err
	}
	err := t.query(leavesOf,
		func(a *Args) {
			a.Bytes(gate[:])
			a.Number(from)
			a.Int(int64(n))
		},
		func(r Row) error {
			l, err := scanLeaf(r)
			out = append(out, l)
			return err
		})
	return out, err
}

func (t leaves) Gates() ([]accesslog.Tally, error) {
	var out []accesslog.Tally
	err := t.query(tallies, func(*Args) {}, func(r Row) error {
		y := accesslog.Tally{Leaves: uint64(r.Int(1)), Events: uint64(r.Int(2))}
		r.Fixed(0, y.Gate[:])
		out = append(out, y)
		return nil
	})
	return out, err
}

// NoteLeaves notes how far each gate's chain has come, and counts that changed.
func (t *Tx) NoteLeaves() error {
	if err := t.noteCounts(); err != nil {
		return err
	}
	return t.noteLeaves()
}

func (t *Tx) noteLeaves() error {
	ends := map[[16]byte]uint64{}
	read := func(sql string, bind func(a *Args), fn func(gate [16]byte, r Row)) error {
		return t.query(sql, bind, func(r Row) error {
			var gate [16]byte
			r.Fixed(0, gate[:])
			fn(gate, r)
			return nil
		})
	}
	if err := read(leafEnds, func(*Args) {}, func(gate [16]byte, r Row) { ends[gate] = uint64(r.Int(1)) }); err != nil {
		return err
	}
	var moved []accesslog.Leaf
	for gate := []byte{}; gate != nil; {
		after := gate
		gate = nil
		if err := read(nextGate, func(a *Args) { a.Bytes(after) }, func(g [16]byte, _ Row) { gate = g[:] }); err != nil || gate == nil {
			return errors.Join(err, t.noteEnds(moved))
		}
		last := accesslog.Leaf{Gate: accesslog.GateID(gate)}
		if err := t.query(lastLeaf, func(a *Args) { a.Bytes(gate) }, func(r Row) error { last.Seq = uint64(r.Int(0)); return nil }); err != nil {
			return err
		}
		if was, noted := ends[last.Gate]; !noted || was < last.Seq {
			moved = append(moved, last)
		}
	}
	return nil
}

func (t *Tx) noteEnds(ends []accesslog.Leaf) error {
	return t.execEach(putLeafEnd, len(ends), func(i int, a *Args) {
		a.Bytes(ends[i].Gate[:])
		a.Number(ends[i].Seq)
	}, nil)
}

func scanLeaf(r Row) (accesslog.Leaf, error) {
	l := accesslog.Leaf{Seq: uint64(r.Int(1)), Count: int(r.Int(4)), At: moment(r.Int(5)), Voided: r.Int(6) != 0, Asks: int(r.Int(9)), Passes: int(r.Int(10))}
	r.Fixed(0, l.Gate[:])
	r.Fixed(2, l.Prev[:])
	r.Fixed(3, l.Root[:])
	r.Fixed(7, l.Signature[:])
	var err error
	l.Events, err = DecodeEvents(r.Bytes(8))
	return l, err
}
