package venue_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

// FuzzParseDetail: what an event says has one form, and nothing else is one.
func FuzzParseDetail(f *testing.F) {
	whole, err := venue.Detail{
		Act: venue.ActCheckIn, Partner: 7, Link: identity.LinkID{1}, Visit: venue.VisitID{2}, Venue: 3, Door: 4, Party: 50,
		At: time.Date(2026, 11, 30, 7, 0, 0, 123e6, time.UTC),
	}.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(bytes.Repeat([]byte{1}, len(whole)))
	f.Add(append([]byte{1, 0}, whole[2:]...))
	f.Add(append([]byte{1, 9}, whole[2:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := venue.ParseDetail(b)
		if err != nil {
			if !errors.Is(err, venue.ErrDetail) || d != (venue.Detail{}) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if again, err := d.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%v: read %x, written %x", err, b, again)
		}
		if d.Act.String() == "none" {
			t.Errorf("an act without a name: %d", d.Act)
		}
	})
}
