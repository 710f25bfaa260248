package sqlstore

import (
	"encoding/binary"
	"math"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
)

const (
	eventsFormat = 1
	eventFixed   = 16 + 16 + 32 + 2 // id, tag, commitment, length of the sealed detail
)

// EncodeEvents writes the events of a leaf as the one value that the database
// keeps: a format byte, then of each event its id, tag, commitment and, after 16
// bits of length, its sealed detail. More than accesslog.MaxEvents events or a
// detail of 64 KiB are accesslog.ErrLeaf.
func EncodeEvents(events []accesslog.Event) ([]byte, error) {
	size := 1
	for i := range events {
		size += eventFixed + len(events[i].Sealed)
		if len(events[i].Sealed) > math.MaxUint16 {
			return nil, accesslog.ErrLeaf
		}
	}
	if len(events) > accesslog.MaxEvents {
		return nil, accesslog.ErrLeaf
	}
	b := append(make([]byte, 0, size), eventsFormat)
	for i := range events {
		e := &events[i]
		b = append(b, e.ID[:]...)
		b = append(b, e.Tag[:]...)
		b = append(b, e.Commitment[:]...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(e.Sealed)))
		b = append(b, e.Sealed...)
	}
	return b, nil
}

// DecodeEvents reads what EncodeEvents wrote, and keeps b; anything else is
// accesslog.ErrLeaf.
func DecodeEvents(b []byte) ([]accesslog.Event, error) {
	if len(b) == 0 || b[0] != eventsFormat {
		return nil, accesslog.ErrLeaf
	}
	var events []accesslog.Event
	for b = b[1:]; len(b) > 0; {
		if len(b) < eventFixed || len(events) == accesslog.MaxEvents {
			return nil, accesslog.ErrLeaf
		}
		var e accesslog.Event
		n := eventFixed + int(binary.BigEndian.Uint16(b[64:]))
		if len(b) < n {
			return nil, accesslog.ErrLeaf
		}
		copy(e.ID[:], b)
		copy(e.Tag[:], b[16:])
		copy(e.Commitment[:], b[32:])
		if n > eventFixed {
			e.Sealed = b[eventFixed:n:n]
		}
		events, b = append(events, e), b[n:]
	}
	return events, nil
}
