package sqlite

import (
	"errors"
	"runtime"
	"time"

	"github.com/amanah-project/amanah/internal/store"
)

// batch is one transaction of many closures.
type batch struct {
	open bool     // begun
	kept int      // closures whose writes are in it
	wait []served // who waits for its COMMIT
	// alone counts the commits in a row that nobody joined.
	alone int
}

// served is a closure that has run, with its own error.
type served struct {
	j   *job
	err error
}

// group runs first and all that joins it in one transaction, and answers when
// that is durable. Even a closure's own error waits for COMMIT: it may rest on
// what a neighbour wrote.
func (w *writer) group(first *job) {
	began, n := time.Now(), 0
	for j := first; j != nil; j = w.more(n, began) {
		if !j.take() {
			continue
		}
		n++
		if !w.serve(j) {
			return
		}
	}
	b := &w.batch
	if b.alone++; n > 1 {
		b.alone = 0
	}
	switch {
	case b.kept > 0:
		w.answer(w.commit())
	case b.open:
		w.rollback()
	}
	b.open = false
	w.tend()
}

// more waits for company: a commit made too early costs more than anything else
// on a check-in's way. Each turn given to others takes as long as all that can run
// need, so where nobody came of late, as beside one worker that gathers its own batches,
// only one commit in lonely gives any.
func (w *writer) more(n int, began time.Time) *job {
	if n >= maxBatch {
		return nil
	}
	turns := yields
	if a := w.batch.alone; a > lonely && a%lonely != 0 {
		turns = 0
	}
	for i := 0; ; i++ {
		select {
		case j := <-w.updates:
			return j
		default:
		}
		if i == turns {
			break
		}
		runtime.Gosched()
	}
	left := w.opt.Linger - time.Since(began)
	if left <= 0 || w.batch.kept == 0 {
		return nil
	}
	w.timer.Reset(left)
	defer w.timer.Stop()
	select {
	case j := <-w.updates:
		return j
	case <-w.timer.C:
		return nil
	}
}

// serve runs one closure. It reports false when the transaction is gone and all
// of its closures are answered.
//
// The first closure of a transaction needs no savepoint: when it fails, nothing
// else is in there.
func (w *writer) serve(j *job) bool {
	b := &w.batch
	if !b.open {
		if err := w.begin(); err != nil {
			w.refuse(j, err)
			return false
		}
		b.open = true
	}
	w.stats.closures.Add(1)
	alone := b.kept == 0
	if !alone {
		if err := w.s.exec("SAVEPOINT closure"); err != nil {
			return w.lose(j, err)
		}
	}
	h := &handle{s: w.s}
	j.turn <- h
	err := w.await(j, h)
	h.end(errStale)
	if err != nil {
		w.stats.failed.Add(1)
		return w.undo(j, alone, err)
	}
	if !alone {
		if err := w.s.exec("RELEASE closure"); err != nil {
			return w.lose(j, err)
		}
	}
	b.kept++
	b.wait = append(b.wait, served{j, nil})
	return true
}

// refuse answers a closure that found no transaction, and all that wait behind
// it: each would wait as long for the same. Who comes after the answer is not
// refused by it.
func (w *writer) refuse(j *job, err error) {
	behind := len(w.updates)
	j.result <- err
	for range behind {
		if j := <-w.updates; j.take() {
			j.result <- err
		}
	}
}

// undo takes back the writes of one closure that failed.
func (w *writer) undo(j *job, alone bool, err error) bool {
	b := &w.batch
	if alone {
		w.rollback()
		b.open = false
		j.result <- err
		return true
	}
	if w.s.conn.AutocommitEnabled() || w.s.exec("ROLLBACK TO closure") != nil || w.s.exec("RELEASE closure") != nil {
		return w.lose(j, err)
	}
	if errors.Is(err, errPanic) {
		j.result <- err // the panic goes on now
		return true
	}
	b.wait = append(b.wait, served{j, err})
	return true
}

// lose ends a transaction that one closure lost for all: that one has its own
// error, the others may try again.
func (w *writer) lose(j *job, err error) bool {
	w.stats.lost.Add(1)
	w.stop(err)
	w.rollback()
	j.result <- err
	w.answer(store.ErrBatch)
	w.batch.open = false
	return false
}

// answer tells everybody of the batch: the transaction's error, else their own.
func (w *writer) answer(err error) {
	b := &w.batch
	for _, s := range b.wait {
		if err != nil {
			s.err = err
		}
		s.j.result <- s.err
	}
	clear(b.wait)
	b.wait, b.kept = b.wait[:0], 0
}
