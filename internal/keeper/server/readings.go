package server

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/keeper/desk"
)

// scanned bounds how much of the journal one answer is of, in bytes.
const scanned = 1 << 20

// readings is who opened which versions of health records, as the journal tells from a
// place on, and where to go on; zero at its end. Whose they are it does not say: a record
// is its row.
func (k *Keeper) readings(from uint64) (out []keeper.Reading, next uint64, err error) {
	_, end := k.journal.End()
	if from > uint64(end) {
		return nil, 0, nil
	}
	at, err := k.journal.Scan(int64(from), scanned, func(kind byte, payload []byte) {
		var r keeper.Reading
		var ok bool
		switch kind {
		case recIntent:
			r, ok = k.readIntent(payload)
		case recOpened:
			r, ok = k.readOpened(payload)
		case recExported:
			r, ok = k.readExported(payload)
		}
		if ok && len(r.Rows) > 0 {
			out = append(out, r)
		}
	})
	if at >= end {
		at = 0
	}
	return out, uint64(at), err
}

// viewed is which single views some names are of, from a place of the journal on.
func (k *Keeper) viewed(from uint64, names []leak.ViewToken) (g keeper.TraceGiven, err error) {
	if len(names) > keeper.MaxViews {
		return g, keeper.ErrTooMany
	}
	asked := make(map[leak.ViewToken]bool, len(names))
	for _, n := range names {
		asked[n] = true
	}
	_, end := k.journal.End()
	if from > uint64(end) {
		return g, nil
	}
	at, err := k.journal.Scan(int64(from), scanned, func(kind byte, payload []byte) {
		if kind != recOpened || len(payload) < openedHead {
			return
		}
		g.All++
		name := k.marks.views.Token([16]byte(payload))
		if r, ok := k.readOpened(payload); ok && asked[name] {
			g.Views = append(g.Views, keeper.View{Token: name, Reading: r})
		}
	})
	if at < end {
		g.Next = uint64(at)
	}
	return g, err
}

func (k *Keeper) readIntent(b []byte) (r keeper.Reading, ok bool) {
	const head = 16 + 1 + 8 + 1
	if len(b) < head || len(b) < head+int(b[head-1])+1 {
		return r, false
	}
	r.At = time.UnixMilli(int64(binary.BigEndian.Uint64(b[17:])))
	r.Who = string(b[head : head+int(b[head-1])])
	rest := b[head+len(r.Who):]
	if len(rest) < 1+int(rest[0])+4 {
		return r, false
	}
	r.Door = string(rest[1 : 1+int(rest[0])])
	for rest = rest[1+int(rest[0])+4:]; len(rest) >= 24; rest = rest[24:] {
		r.Rows = k.row(r.Rows, identity.PersonID(binary.BigEndian.Uint64(rest)), rest[8:])
	}
	return r, true
}

func (k *Keeper) readOpened(b []byte) (r keeper.Reading, ok bool) {
	if len(b) < openedHead || len(b) < openedHead+int(b[openedHead-1]) {
		return r, false
	}
	r.At, r.Who = time.UnixMilli(int64(binary.BigEndian.Uint64(b[16:]))), string(b[openedHead:openedHead+int(b[openedHead-1])])
	who := identity.PersonID(binary.BigEndian.Uint64(b[26:]))
	r.Door = desk.Class(b[24]).String()
	for rest := b[openedHead+len(r.Who):]; len(rest) >= 16; rest = rest[16:] {
		r.Rows = k.row(r.Rows, who, rest)
	}
	return r, true
}

func (k *Keeper) readExported(b []byte) (r keeper.Reading, ok bool) {
	const head = 32 + 8 + 4
	if len(b) < head || uint64(len(b)) < head+8*uint64(binary.BigEndian.Uint32(b[40:])) {
		return r, false
	}
	r.At, r.Request, r.Door = time.UnixMilli(int64(binary.BigEndian.Uint64(b[32:]))), staff.RequestID(b[:32]), "export"
	r.Copy = copies.CopyOf(r.Request)
	for rest := b[head+8*int(binary.BigEndian.Uint32(b[40:])):]; len(rest) >= 24; rest = rest[24:] {
		r.Rows = k.row(r.Rows, identity.PersonID(binary.BigEndian.Uint64(rest)), rest[8:])
	}
	return r, true
}

// row adds a version of a health record; b begins with the record's number and the version.
func (k *Keeper) row(rows []keeper.RowVersion, who identity.PersonID, b []byte) []keeper.RowVersion {
	n := keeper.Record(binary.BigEndian.Uint64(b))
	if n < firstRecord || n == keeper.Record(record.Standing) {
		return rows
	}
	row := k.marks.base.Row([]byte(record.RefOf(who, record.Number(n)).String()))
	k.mu.Lock()
	_, err := k.person(who)
	k.mu.Unlock()
	return append(rows, keeper.RowVersion{Row: leak.Row(row), Version: binary.BigEndian.Uint64(b[8:]), Erased: errors.Is(err, keeper.ErrErased)})
}
