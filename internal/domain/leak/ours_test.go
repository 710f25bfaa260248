package leak_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// TestOurs: the same citizens in somebody else's dump are no proof, however many; what
// only we hold is. That nothing is found is no proof that a sample is another's, since a
// thief's dump of ours may be spoilt until nothing is; what contradicts us is.
func TestOurs(t *testing.T) {
	chance := leak.Count{Found: 1000, Tried: 100_000} // one in a hundred invented NIKs is somebody's
	self := leak.Count{Found: 950, Tried: 1000}
	quiet := leak.Count{Found: 0, Tried: 100_000}
	for _, c := range []struct {
		what string
		leak.Comparison
		want      leak.Finding
		low, high float64
	}{
		{"ours", leak.Comparison{Rows: leak.Count{Found: 900, Tried: 1000}, Decoys: chance, Self: self, Own: leak.Count{Found: 400, Tried: 1000}, OwnDecoys: quiet}, leak.Proven, 0.88, 1},
		{"half of it ours", leak.Comparison{Rows: leak.Count{Found: 480, Tried: 1000}, Decoys: chance, Self: self, Own: leak.Count{Found: 200, Tried: 1000}, OwnDecoys: quiet}, leak.Proven, 0.4, 0.6},
		{"the same citizens, another's numbers", leak.Comparison{Rows: leak.Count{Found: 900, Tried: 1000}, Decoys: chance, Self: self, Own: leak.Count{Found: 0, Tried: 1000}, OwnDecoys: quiet}, leak.Foreign, 0.88, 1},
		{"the same citizens, nothing else", leak.Comparison{Rows: leak.Count{Found: 900, Tried: 1000}, Decoys: chance, Self: self, OwnDecoys: quiet}, leak.Unclear, 0.88, 1},
		{"invented", leak.Comparison{Rows: leak.Count{Found: 100, Tried: 10_000}, Decoys: chance, Self: self, OwnDecoys: quiet}, leak.Unclear, 0, 0.01},
		{"another country", leak.Comparison{Rows: leak.Count{Found: 0, Tried: 10_000}, Decoys: chance, Self: self, OwnDecoys: quiet}, leak.Unclear, 0, 0.01},
		{"half of it says nothing", leak.Comparison{Rows: leak.Count{Found: 0, Tried: 10_000}, Mute: 5_000, Decoys: chance, Self: self, OwnDecoys: quiet}, leak.Unclear, 0, 0.51},
		{"nothing of it says anything", leak.Comparison{Rows: leak.Count{Found: 0, Tried: 10_000}, Mute: 10_000, Decoys: chance, Self: self, OwnDecoys: quiet}, leak.Unclear, 0, 1},
		{"another country's, with numbers like ours", leak.Comparison{Rows: leak.Count{Found: 0, Tried: 10_000}, Mute: 10_000, Decoys: chance, Self: self, Own: leak.Count{Found: 0, Tried: 10_000}, OwnDecoys: quiet}, leak.Foreign, 0, 1},
		{"the same citizens at our times, others' numbers", leak.Comparison{Rows: leak.Count{Found: 900, Tried: 1000}, Decoys: chance, Self: self, Own: leak.Count{Found: 0, Tried: 1000}, OwnDecoys: quiet, Dated: 3}, leak.Unclear, 0.88, 1},
		{"our citizens, facilities on other days", leak.Comparison{Rows: leak.Count{Found: 900, Tried: 1000}, Decoys: chance, Self: self, Own: leak.Count{Found: 0, Tried: 1000}, Loose: 800, OwnDecoys: quiet}, leak.Unclear, 0.88, 1},
		{"two numbers right by chance", leak.Comparison{Rows: leak.Count{Found: 5, Tried: 10}, Decoys: chance, Self: self, Own: leak.Count{Found: 1, Tried: 10}, OwnDecoys: quiet}, leak.Unclear, 0, 1},
		{"numbers that chance hits as often", leak.Comparison{Rows: leak.Count{Found: 900, Tried: 1000}, Decoys: chance, Self: self, Own: leak.Count{Found: 100, Tried: 1000}, OwnDecoys: leak.Count{Found: 10_000, Tried: 100_000}}, leak.Unclear, 0.88, 1},
		{"nothing", leak.Comparison{}, leak.Unclear, 0, 1},
	} {
		o := c.Judge()
		if o.Finding != c.want || o.Interval.Low < c.low-1e-9 || o.Interval.High > c.high+1e-9 || o.Interval.Low > o.Share || o.Share > o.Interval.High {
			t.Errorf("%s: %+v", c.what, o)
		}
		if c.Mute > 0 && o.Interval.High < float64(c.Mute)/float64(c.Rows.Tried) {
			t.Errorf("%s: what says nothing is taken for another's: %+v", c.what, o)
		}
	}
}

// TestShareIntervalCovers: drawn many times, the true share lies in the interval in at
// least 95 % of samples.
func TestShareIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, p float64) leak.Count {
		c := leak.Count{Tried: int64(n)}
		for range n {
			if rng.Float64() < p {
				c.Found++
			}
		}
		return c
	}
	out, muted := 0, 0
	const trials = 400
	for range trials {
		share, chance, self := rng.Float64(), 0.02*rng.Float64(), 0.7+0.3*rng.Float64()
		c := leak.Comparison{Rows: draw(300, share*self+(1-share)*chance), Decoys: draw(2000, chance), Self: draw(500, self)}
		o := c.Judge()
		if share < o.Interval.Low || share > o.Interval.High {
			out++
		}
		// Rows that say nothing beside them, all ours or none.
		c.Mute = rng.Int64N(600)
		all, ours := float64(300+c.Mute), share*300
		if rng.IntN(2) == 0 {
			ours += float64(c.Mute)
		}
		c.Rows.Tried += c.Mute
		if o := c.Judge(); ours/all < o.Interval.Low || ours/all > o.Interval.High {
			muted++
		}
	}
	if out > trials/20 || muted > trials/20 {
		t.Errorf("outside in %d and, with rows that say nothing, %d of %d", out, muted, trials)
	}
}

// TestOwnEIsAnE: against samples that are right by chance at the decoys' own rate, the
// E-value has mean one at most.
func TestOwnEIsAnE(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	sum := 0.0
	const trials = 3000
	for range trials {
		draw := func(n int) leak.Count {
			c := leak.Count{Tried: int64(n)}
			for range n {
				if rng.Float64() < 0.01 {
					c.Found++
				}
			}
			return c
		}
		sum += math.Exp(leak.Comparison{Own: draw(200), OwnDecoys: draw(2000)}.Judge().LnE)
	}
	if sum/trials > 1 {
		t.Errorf("mean %v", sum/trials)
	}
}

// versions draws what rows of a dump taken at some time show: records change every so many
// days in the mean, some versions are read wrongly, and the dump is a sorted prefix.
func versions(rng *rand.Rand, n int, taken time.Time, mean float64, wrong float64) (out []leak.Interval) {
	day := func(d float64) time.Duration { return time.Duration(d * 24 * float64(time.Hour)) }
	for range n {
		at := taken
		if rng.Float64() < wrong {
			at = at.Add(day((rng.Float64() - 0.5) * 1000))
		}
		i := leak.Interval{From: at.Add(-day(rng.ExpFloat64() * mean)), To: at.Add(day(rng.ExpFloat64() * mean))}
		if rng.IntN(10) == 0 {
			i.To = time.Time{}
		}
		out = append(out, i)
	}
	return out
}

// TestSnapshot: 500 rows of records that change every 180 days in the mean tell when they
// were taken to within a day, with one version in twenty read wrongly; the window has the
// time in it.
func TestSnapshot(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	taken := time.Date(2022, 1, 4, 3, 0, 0, 0, time.UTC)
	late, missed := 0, 0
	const trials = 100
	for range trials {
		got := leak.Snapshots(versions(rng, 500, taken, 180, 0.05), 0.05)
		if len(got) != 1 {
			t.Fatalf("%d snapshots: %+v", len(got), got)
		}
		mid := got[0].Best.From.Add(got[0].Best.To.Sub(got[0].Best.From) / 2)
		if mid.Sub(taken).Abs() > 24*time.Hour {
			late++
		}
		if taken.Before(got[0].Window.From) || !taken.Before(got[0].Window.To) || got[0].Width() > 8*24*time.Hour {
			missed++
		}
	}
	if late > trials/20 || missed > trials/20 {
		t.Errorf("of %d: %d more than a day off, %d outside their window", trials, late, missed)
	}
}

// TestSnapshotsOfAMerge: two dumps put together are told, with both times; one dump read
// badly is not taken for two.
func TestSnapshotsOfAMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	first, second := time.Date(2021, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2022, 1, 4, 0, 0, 0, 0, time.UTC)
	for range 20 {
		rows := append(versions(rng, 400, first, 120, 0.03), versions(rng, 600, second, 120, 0.03)...)
		got := leak.Snapshots(rows, 0.05)
		if len(got) != 2 || got[0].Best.From.Sub(second).Abs() > 4*24*time.Hour || got[1].Best.From.Sub(first).Abs() > 6*24*time.Hour {
			t.Errorf("merge: %+v", got)
		}
		if got := leak.Snapshots(versions(rng, 500, first, 120, 0.05), 0.05); len(got) != 1 {
			t.Errorf("one: %+v", got)
		}
	}
	if got := leak.Snapshots(nil, 0.05); got != nil {
		t.Errorf("nothing: %+v", got)
	}
	open := []leak.Interval{{From: first}, {From: second}}
	if got := leak.Snapshots(open, 0.05); len(got) != 1 || !got[0].Best.To.IsZero() || got[0].Width() != 0 || got[0].Support != 2 {
		t.Errorf("open: %+v", got)
	}
}

// logged draws accounts that opened versions, and a sample of what some of them opened.
func logged(rng *rand.Rand, accounts, versions, each, rows int, guilty ...int) leak.Logged {
	l := leak.Logged{Versions: versions, Sizes: make([]int, accounts)}
	by := map[int][]int{}
	opened := make([][]int, accounts)
	for k := range accounts {
		l.Sizes[k] = each
		ward := (k / 10) * each // colleagues open the same versions half of the time
		seen := map[int]bool{}
		for len(seen) < each {
			v := rng.IntN(versions)
			if rng.IntN(2) == 0 {
				v = (ward + rng.IntN(each)) % versions
			}
			if !seen[v] {
				seen[v] = true
				by[v] = append(by[v], k)
				opened[k] = append(opened[k], v)
			}
		}
	}
	for range rows {
		v := rng.IntN(versions)
		if len(guilty) > 0 && rng.IntN(10) > 0 {
			v = opened[guilty[rng.IntN(len(guilty))]][rng.IntN(each)]
		}
		l.Readings = append(l.Readings, leak.Reading{Row: leak.Row(rng.Uint64()), By: by[v]})
	}
	return l
}

// TestCorroboration: the accounts whose openings a sample shows stand out, and nobody does
// when the sample is of the whole database.
func TestCorroboration(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	at := leak.Bound{Copies: 100, Epsilon: leak.Epsilon}.Threshold()
	for _, guilty := range [][]int{{7}, {7, 55}, nil} {
		l := logged(rng, 100, 50_000, 800, 600, guilty...)
		for k, ln := range l.Corroborate() {
			is := false
			for _, g := range guilty {
				is = is || g == k
			}
			if is != (ln >= at) {
				t.Errorf("guilty %v: account %d has %.1f, the threshold is %.1f", guilty, k, ln, at)
			}
		}
	}
	if got := (leak.Logged{Sizes: []int{1}, Versions: 5}).Corroborate(); len(got) != 1 || got[0] != 0 {
		t.Errorf("nothing read: %v", got)
	}
}

// TestGrades: marks alone establish, the log never does, and what is not ours is so unless
// marks say otherwise.
func TestGrades(t *testing.T) {
	bound := leak.Bound{Copies: 200, Epsilon: leak.Epsilon}
	ours, foreign, unclear := leak.Ours{Finding: leak.Proven}, leak.Ours{Finding: leak.Foreign}, leak.Ours{}
	for _, c := range []struct {
		o             leak.Ours
		marks, logged float64
		want          leak.Grade
	}{
		{ours, 19.2, 0, leak.Established}, {unclear, 19.2, 0, leak.Established}, {foreign, 19.2, 0, leak.Established},
		{ours, 19.0, 0, leak.Consistent}, {unclear, 19.0, 0, leak.Consistent}, {foreign, 19.0, 0, leak.NotOurs},
		{ours, 0, 500, leak.StronglySupported}, {unclear, 0, 500, leak.CannotTell}, {foreign, 0, 500, leak.NotOurs},
		{ours, 0, 10, leak.Consistent}, {ours, -3, 0, leak.CannotTell}, {unclear, 5, 0, leak.CannotTell},
	} {
		v := leak.Conclude(c.o, bound, c.marks, c.logged)
		if v.Grade != c.want {
			t.Errorf("%+v: %v", c, v.Grade)
		}
	}
	for _, g := range leak.Grades() {
		for _, l := range []leak.Language{leak.English, leak.Indonesian} {
			v := leak.Verdict{Grade: g}
			if g.In(l) == "" || !strings.HasPrefix(v.Words(l), g.In(l)+":") || len(v.Refuted(l)) < 2 || g.In(leak.English) == g.In(leak.Indonesian) {
				t.Errorf("%v in %s: %s %q", g, l, v.Words(l), v.Refuted(l))
			}
		}
		if g >= leak.StronglySupported && !(strings.Contains(g.Meaning(leak.English), "no person") && strings.Contains(g.Meaning(leak.Indonesian), "bukan bagi seseorang")) {
			t.Errorf("%v accuses somebody", g)
		}
	}
}
