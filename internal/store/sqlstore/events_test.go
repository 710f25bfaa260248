package sqlstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// FuzzEvents: what decodes encodes to the same bytes, and decodes to the same again.
func FuzzEvents(f *testing.F) {
	some, err := sqlstore.EncodeEvents([]accesslog.Event{{Sealed: []byte("sealed")}, {}, {Sealed: make([]byte, 300)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(some)
	f.Add([]byte{1})
	f.Add(some[:70])
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := sqlstore.DecodeEvents(b)
		if err != nil {
			return
		}
		again, err := sqlstore.EncodeEvents(events)
		if err != nil || string(again) != string(b) {
			t.Fatalf("%x encodes to %x, %v", b, again, err)
		}
		if back, err := sqlstore.DecodeEvents(again); err != nil || !cmp.Equal(back, events, cmpopts.EquateEmpty()) {
			t.Fatalf("decodes to %v, %v", back, err)
		}
	})
}
