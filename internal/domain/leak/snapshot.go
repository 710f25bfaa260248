package leak

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak/binomial"
)

// Interval is when a version that a sample shows was the newest: from its entry until its
// successor's. To zero: it still is.
type Interval struct{ From, To time.Time }

func (i Interval) has(t time.Time) bool {
	return !t.Before(i.From) && (i.To.IsZero() || t.Before(i.To))
}

// Snapshot is one time at which a sample, or a part of it, was taken.
type Snapshot struct {
	Best    Interval // that most rows agree with
	Window  Interval // that cannot be told from it
	Support int      // rows that agree with the best
	Alone   int      // rows that agree with this snapshot and with none before it in the list
}

// Width returns how long the window is; 0 if it is open.
func (s Snapshot) Width() time.Duration {
	if s.Window.To.IsZero() {
		return 0
	}
	return s.Window.To.Sub(s.Window.From)
}

const (
	windowAlpha = 0.01 // of the window missing the time
	mergeAlpha  = 1e-4 // of a second snapshot being told where there is none
	most        = 8    // snapshots told
)

// Snapshots returns when a sample was taken: of each row the interval of the version it
// shows, and the rate of versions that are read wrongly, in (0, ½). There are several
// snapshots when more rows disagree with the first than errors would explain, and most of
// those agree with each other: the dump is a merge. The order in which rows come plays no
// part, so that a sample may be sorted, cut or shuffled.
func Snapshots(rows []Interval, wrong float64) []Snapshot {
	wrong = min(max(wrong, 1e-6), 0.49)
	var out []Snapshot
	left := slices.Clone(rows)
	for len(left) > 0 && len(out) < most {
		s := densest(left, wrong)
		rest := slices.DeleteFunc(slices.Clone(left), func(i Interval) bool { return i.has(s.Best.From) })
		s.Alone = len(left) - len(rest)
		if len(out) > 0 {
			n := int64(len(left))
			byError := binomial.Tail(n, int64(len(rows)), wrong) > mergeAlpha
			if byError || 2*s.Alone < len(left) {
				break
			}
			s.Support = 0
			for _, i := range rows {
				if i.has(s.Best.From) {
					s.Support++
				}
			}
		}
		out = append(out, s)
		left = rest
	}
	return out
}

// densest finds the time that most intervals cover, and the times around it that cover
// too few less to be ruled out: Vmax - ln(1/α)/ln((1-η)/η).
func densest(rows []Interval, wrong float64) Snapshot {
	type step struct {
		at    time.Time
		delta int
	}
	var steps []step
	for _, r := range rows {
		if !r.To.IsZero() && !r.From.Before(r.To) {
			continue
		}
		steps = append(steps, step{r.From, 1})
		if !r.To.IsZero() {
			steps = append(steps, step{r.To, -1})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.delta, b.delta)) })
	type piece struct {
		Interval
		covers int
	}
	var pieces []piece
	covers := 0
	for i := 0; i < len(steps); {
		at := steps[i].at
		for ; i < len(steps) && steps[i].at.Equal(at); i++ {
			covers += steps[i].delta
		}
		p := piece{Interval{From: at}, covers}
		if i < len(steps) {
			p.To = steps[i].at
		}
		pieces = append(pieces, p)
	}
	if len(pieces) == 0 {
		return Snapshot{}
	}
	best := 0
	for i, p := range pieces {
		if p.covers > pieces[best].covers {
			best = i
		}
	}
	s := Snapshot{Best: pieces[best].Interval, Support: pieces[best].covers}
	slack := math.Log(1/windowAlpha) / math.Log((1-wrong)/wrong)
	enough, gap := float64(s.Support)-slack, float64(s.Support)-4*slack-1
	s.Window = s.Best
	for i := best; i >= 0 && float64(pieces[i].covers) >= gap; i-- { // a time that cannot be told from the best may lie behind a dip
		if float64(pieces[i].covers) >= enough {
			s.Window.From = pieces[i].From
		}
	}
	for i := best; i < len(pieces) && float64(pieces[i].covers) >= gap; i++ {
		if float64(pieces[i].covers) >= enough {
			s.Window.To = pieces[i].To
		}
	}
	return s
}
