package staff_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/staff"
)

// TestErasureBody: a body is read as it was written, and in no other spelling: two people
// who sign over it mean the same person and reason.
func TestErasureBody(t *testing.T) {
	want := staff.Erasure{Person: 17, Reason: "own-request"}
	if got, err := staff.ParseErasure(want.Body()); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	for _, body := range []string{
		"", "person 17\nreason x", "person 0\nreason x\n", "person 017\nreason x\n", "person -1\nreason x\n", "person 17\nreason \n",
		"person 17\nreason Own\n", "person 17\nreason x\nreason y\n", " person 17\nreason x\n", "17\nx\n",
		"person 17\nreason " + strings.Repeat("x", 33) + "\n", "person 18446744073709551616\nreason x\n",
	} {
		if got, err := staff.ParseErasure([]byte(body)); !errors.Is(err, staff.ErrErasure) {
			t.Errorf("%q: %+v %v", body, got, err)
		}
	}
}

func FuzzErasure(f *testing.F) {
	f.Add([]byte("person 17\nreason own-request\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if e, err := staff.ParseErasure(body); err == nil && string(e.Body()) != string(body) {
			t.Errorf("%q is read as %+v", body, e)
		}
	})
}
