package gate

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// pace says how long after a batch was taken its answers leave. What a batch decides
// takes longer or shorter by some tens of microseconds, an admission more than a
// refusal, so answers that left when they were ready would tell a patient relay the
// colour. They leave at a moment that was fixed before the batch was looked at: as
// long after as 99 of 100 answers lately needed.
type pace struct{ hold atomic.Int64 }

const (
	shortestHold = 200 * time.Microsecond
	// longestHold bounds what is given up for it: a server so slow tells batches apart
	// by their own load more than by what is in them.
	longestHold = 20 * time.Millisecond
	// jitter mixes the order in which a batch's answers leave: sealing one may take
	// longer than another.
	jitter = 100 * time.Microsecond
)

func newPace() *pace {
	p := &pace{}
	p.hold.Store(int64(2 * time.Millisecond))
	return p
}

// note moves the hold towards the time within which 99 of 100 answers are ready: a
// step up for one that was not, a hundredth of it down for one that was.
func (p *pace) note(needed time.Duration) {
	h := p.hold.Load()
	if needed > time.Duration(h) {
		h += h * 99 / 1000
	} else {
		h -= h / 1000
	}
	// Of two notes at once one may be lost: others come.
	p.hold.Store(min(max(h, int64(shortestHold)), int64(longestHold)))
}

// Pace is the pace of answers of one kind that take more than their batch: a person's
// visits, the tokens of a link. They leave at a moment fixed before the request was
// looked at, so that their time does not tell what was found.
type Pace struct{ pace *pace }

// NewPace makes a Pace.
func NewPace() *Pace { return &Pace{newPace()} }

// Begin fixes when the answer to a request that came now leaves. The nil Pace holds
// nothing.
func (p *Pace) Begin() Departure {
	if p == nil {
		return Departure{}
	}
	return Departure{time.Now(), time.Duration(p.pace.hold.Load()), p.pace, true}
}

// By reports whether p fixed a departure.
func (d Departure) By(p *Pace) bool { return p != nil && d.pace == p.pace }

// Departure is when an answer may leave. The zero Departure is at once.
type Departure struct {
	began time.Time // when the batch was taken
	hold  time.Duration
	pace  *pace
	tells bool // made of what the batch alone gave
}

// Wait returns when the answer may leave. Call it when all is ready to be sent.
func (d Departure) Wait() {
	if d.pace == nil || !holds {
		return
	}
	needed := time.Since(d.began)
	if d.tells {
		d.pace.note(needed)
	}
	time.Sleep(d.hold + rand.N(jitter) - needed)
}
