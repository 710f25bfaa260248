package certify

import (
	"testing"
	"time"
)

func TestWaitedCountsFromTheFirstMessage(t *testing.T) {
	began := time.Now()
	s := &stage{}
	o := &outcome{stage: s, ended: began.Add(9 * time.Second)}
	if got := o.waited(); got != 0 {
		t.Errorf("without a message: waited %v", got)
	}
	s.messages = []*message{{at: began.Add(5 * time.Second)}, {at: began.Add(8 * time.Second)}}
	if got := o.waited(); got != 4*time.Second {
		t.Errorf("waited %v, want 4s: neither the start before the first message nor a second message counts", got)
	}
}
