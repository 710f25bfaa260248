package sqlstore

import "testing"

// TestLateRowsStay: of a row that is written often, the newest entry is remembered for as
// long as any other, so that a transaction which began before it is not mistaken.
func TestLateRowsStay(t *testing.T) {
	const hot = 7
	m := newMemory()
	for n := range uint64(lately) {
		m.note(hot+n%2, 1+n) // the hot row, and another
	}
	newest := uint64(lately + 1)
	m.note(hot, newest)
	for n := range uint64(lately - 1) {
		if m.note(1000+n, newest+1+n); m.late[hot] != newest {
			t.Fatalf("forgotten after %d entries of others", n+1)
		}
	}
	if m.note(5, 5*lately); m.late[hot] != 0 || len(m.late) > lately {
		t.Errorf("%d rows, the oldest of them among these: %d", len(m.late), m.late[hot])
	}
}
