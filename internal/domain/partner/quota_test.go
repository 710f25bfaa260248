package partner_test

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
)

// TestBucket: one minute's worth at once, then as it fills; never more than the
// minutes' worth and one.
func TestBucket(t *testing.T) {
	var b partner.Bucket
	take := func(at time.Time, tries int) (got int) {
		for range tries {
			if b.Take(at, 60) {
				got++
			}
		}
		return got
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{
		{0, 60}, {0, 0}, {999 * time.Millisecond, 0}, {time.Second, 1}, {11 * time.Second, 10}, {-time.Hour, 0}, {12 * time.Second, 1},
		{10 * time.Minute, 60}, {10*time.Minute + 30*time.Second, 30},
	} {
		if got := take(now.Add(c.after), 100); got != c.want {
			t.Errorf("after %v: %d taken, want %d", c.after, got, c.want)
		}
	}
	if !b.Take(now.Add(10*time.Minute+30*time.Second), 600) {
		t.Error("a greater quota counts at once")
	}
}
