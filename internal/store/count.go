package store

import (
	"encoding/binary"
	"slices"
)

// The count of who is inside a venue has a version, which each change of it raises and its
// MAC covers. A server remembers the newest version that it has seen of each venue, and
// goes by no older one. Every ten seconds it notes in the ledger how far those came that
// changed: a row of venue_counted has those of 1,024 venues, so that a ledger grows by no
// entry for each check-in.

// VenueCount is how far a venue's count has come.
type VenueCount struct{ Venue, Version uint64 }

// shelfSize is how many venues' numbers a row has place for: 5 KB at most.
const shelfSize = 1024

// Shelf is the row of venue_counted that has a venue.
func Shelf(venue uint64) int64 { return int64(venue / shelfSize) }

// PackCounts are the counts of one row, in any order.
func PackCounts(all []VenueCount) []byte {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b VenueCount) int { return int(int64(a.Venue) - int64(b.Venue)) })
	out, last := []byte{}, uint64(0)
	for _, c := range all {
		out = binary.AppendUvarint(binary.AppendUvarint(out, c.Venue-last), c.Version)
		last = c.Venue
	}
	return out
}

// UnpackCounts is the other way about: ErrAltered for what PackCounts did not write.
func UnpackCounts(b []byte) (out []VenueCount, err error) {
	last := uint64(0)
	for len(b) > 0 {
		venue, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, ErrAltered
		}
		version, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return nil, ErrAltered
		}
		b, last = b[n+m:], last+venue
		out = append(out, VenueCount{last, version})
	}
	return out, nil
}
