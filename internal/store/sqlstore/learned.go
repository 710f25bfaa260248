package sqlstore

import (
	"math"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/venue"
)

// What a server learned from transactions that were committed, beside the ledger: counts'
// versions, visits that ended, passes that were used. Each has the moment at which it was
// learned, for a transaction that began before may see an older state and not be mistaken.

// Alone says that nobody else commits while this transaction runs, so that it sees all that
// its server has learned, also what that learned since it began.
func (t *Tx) Alone() *Tx {
	t.alone = true
	return t
}

// sees is the moment up to which all that was learned must show in what is read; of rows that
// are held, all.
func (t *Tx) sees(held bool) uint64 {
	if t.alone || held {
		return math.MaxUint64
	}
	return t.learned
}

// learn is to be called when the transaction was committed.
func (t *Tx) learn() {
	moment := t.ledger.moment.Add(1) // of whoever begins later
	of := make(map[venue.ID]uint64, len(t.inside))
	for id, o := range t.inside {
		if !o.altered {
			of[id] = uint64(o.version)
		}
	}
	if len(of) > 0 {
		t.ledger.counts.learn(of, moment, true)
	}
	t.ledger.counts.told(t.told)
	t.ledger.ended.add(t.ended, moment)
	t.ledger.used.add(t.used, moment)
}

// spent are things that happen once, by their hash: the last half a million of them and up
// to as many more, 20 bytes each.
type spent struct {
	mu         sync.Mutex
	most       int
	young, old map[uint64]uint64 // when each was learned
}

func newSpent() *spent { return &spent{most: 1 << 19, young: map[uint64]uint64{}} }

func (s *spent) add(all []uint64, moment uint64) {
	if len(all) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if _, has := s.young[one]; has {
			continue
		}
		if was, has := s.old[one]; has { // it stays as long as it is met
			s.young[one] = was
			continue
		}
		if len(s.young) >= s.most {
			s.old, s.young = s.young, map[uint64]uint64{}
		}
		s.young[one] = moment
	}
}

// has reports whether something happened, to whom all is visible that was learned up to a
// moment.
func (s *spent) has(one, upTo uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, has := s.young[one]
	if !has {
		at, has = s.old[one]
	}
	return has && at <= upTo
}

// over notes that a visit ended, for when this transaction was committed.
func (t *Tx) over(id venue.VisitID) {
	if t.ledger != nil {
		t.ended = append(t.ended, t.ledger.seen.rowHash("venue_visit", id[:]))
	}
}

// again reports whether a visit that lasts by its row had ended.
func (t *Tx) again(id venue.VisitID) bool {
	return t.ledger.ended.has(t.ledger.seen.rowHash("venue_visit", id[:]), t.sees(false))
}

// use notes that a pass was used.
func (t *Tx) use(serial venue.VisitID) {
	if t.ledger != nil {
		t.used = append(t.used, t.ledger.seen.rowHash("venue_pass", serial[:]))
	}
}

// unused reports whether a pass that was used nowhere by its row had been.
func (t *Tx) unused(serial venue.VisitID) bool {
	return t.ledger.used.has(t.ledger.seen.rowHash("venue_pass", serial[:]), t.sees(false))
}
