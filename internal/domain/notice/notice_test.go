package notice_test

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/notice"
)

// TestAgain: each wait is twice the one before, up to six hours, and tries within the life
// of a notice are few.
func TestAgain(t *testing.T) {
	now := time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)
	want := time.Minute
	at, tries := now, 0
	for !notice.Over(now, at) {
		tries++
		next := notice.Again(tries, at)
		if got := next.Sub(at); got != min(want, 6*time.Hour) {
			t.Errorf("after try %d: %s, want %s", tries, got, min(want, 6*time.Hour))
		}
		at, want = next, 2*want
	}
	if tries < 15 || tries > 25 {
		t.Errorf("%d tries in the life of a notice", tries)
	}
	if got := notice.Again(0, now).Sub(now); got != time.Minute {
		t.Errorf("before any: %s", got)
	}
}
