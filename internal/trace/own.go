package trace

import (
	"bytes"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/carrier"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// claims reports whether a row says something that only we hold: a record's number, or a
// facility and a day.
func claims(s *sorted) bool {
	return s.n[norm.Record] > 0 || s.n[norm.Place] > 0 && s.n[norm.Birth]+s.n[norm.Moment] > 0
}

// own finds which record of a person a row is of, by what only we hold, and which version. It
// returns the version's place among all, or -1, and whether it is that version and not just
// one of its record. What invented claims of the same kind find is counted beside.
func (w *worker) own(s *sorted, who int32, agreed *how) (at int32, exact bool) {
	versions, first := w.e.table.Versions(who)
	held := w.e.table.Held(who)
	row, right, wrong := -1, false, false
	tried := s.n[norm.Record] > 0 || claims(s) && visited(versions)
	for _, raw := range s.each(norm.Record) {
		person, number, ok := norm.ParseRecord(raw)
		if !ok || number == 0 || !w.a.Is(held, person) {
			continue
		}
		if k := withRecord(versions, w.a.Record(held, number)); k >= 0 {
			row, right = k, true
			*agreed |= onRecord
		}
		wrong = wrong || withRecord(versions, w.a.Record(held, number^1<<50)) >= 0
	}
	if row < 0 && visited(versions) {
		var k int
		k, wrong = w.visit(s, held, versions)
		if k >= 0 {
			row, right = k, true
			*agreed |= onVisit
		}
	}
	if tried {
		w.counts.Own++
		w.counts.OwnDecoys++
		if right {
			w.counts.OwnRight++
		}
		if wrong {
			w.counts.OwnDecoysRight++
		}
	}
	k, exact := w.version(s, versions, row)
	if k < 0 {
		return -1, false
	}
	return int32(first) + int32(k), exact
}

// visited reports whether of any version facility and day are known: of what was entered
// before they were tagged, a row that shows them says nothing.
func visited(versions []index.Version) bool {
	for i := range versions {
		if versions[i].Visit != 0 && !versions[i].Ends {
			return true
		}
	}
	return false
}

// was reports whether a row shows a facility and a day of a person's.
func (w *worker) was(s *sorted, who int32) bool {
	versions, _ := w.e.table.Versions(who)
	if s.n[norm.Place] == 0 || !visited(versions) {
		return false
	}
	at, _ := w.visit(s, w.e.table.Held(who), versions)
	return at >= 0
}

func withRecord(versions []index.Version, tag uint32) int {
	for i := range versions {
		if versions[i].Record == tag && !versions[i].Ends {
			return i
		}
	}
	return -1
}

// visit looks for facility and day among a person's versions; wrong is whether the same
// facility would have been found on a day that there never was.
func (w *worker) visit(s *sorted, held *index.Held, versions []index.Version) (at int, wrong bool) {
	at = -1
	var dates [norm.MaxDates]norm.Date
	for _, place := range s.each(norm.Place) {
		for _, t := range [...]norm.Type{norm.Birth, norm.Moment} {
			for _, raw := range s.each(t) {
				for i, d := range norm.Dates(dates[:0], raw) {
					if at < 0 {
						at = w.on(held, versions, place, d)
					}
					if i == 0 {
						wrong = wrong || w.on(held, versions, place, d+90) >= 0
					}
				}
			}
		}
	}
	return at, wrong
}

func (w *worker) on(held *index.Held, versions []index.Version, place []byte, d norm.Date) int {
	n := len(w.buf)
	w.buf = w.words.Facility(w.buf, place)
	w.buf = norm.Visit(w.buf, nil, d)
	tags := w.a.Visits(held, w.buf[n:])
	w.buf = w.buf[:n]
	for i := range versions {
		if versions[i].Ends || versions[i].Visit == 0 {
			continue
		}
		for _, t := range tags {
			if versions[i].Visit == t {
				return i
			}
		}
	}
	return -1
}

// version tells which version of a record a row shows: the one written in the minute that one
// of the row's times names, or the only one there is. Where no record is known, such a minute
// that only one version has names it.
func (w *worker) version(s *sorted, versions []index.Version, row int) (at int, exact bool) {
	hit, hits := -1, 0
	for k := range s.each(norm.Moment) {
		for _, t := range w.times[k].of[:w.times[k].n] {
			for i := range versions {
				v := &versions[i]
				if v.From == t && !v.Ends && i != hit && (row < 0 || v.Row == versions[row].Row) {
					hit = i
					hits++
				}
			}
		}
	}
	if hits == 1 {
		return hit, true
	}
	if row < 0 {
		return -1, false
	}
	n := 0
	for i := range versions {
		if versions[i].Row == versions[row].Row && !versions[i].Ends {
			n++
		}
	}
	return row, n == 1
}

// matched notes a row that is a person's.
func (w *worker) matched(l *layout, row *dump.Row, who, version int32, exact bool, by how) {
	w.whose = who
	w.counts.Matched++
	w.counts.by(by)
	person, rec := w.marks(l, row, version)
	from, to := w.e.table.Same(who)
	see(w.e.people, int(from), person|seenMatched)
	if only := w.shown(from, to); only >= 0 {
		see(w.e.people, int(only), seenVersion)
	}
	if version < 0 {
		return
	}
	w.counts.Records++
	bits := rec | seenMatched
	if exact {
		bits |= seenVersion
	}
	see(w.e.records, int(version), bits)
}

// shown returns which version of a person a row shows: the only one, or the one that agrees
// in more than all others.
func (w *worker) shown(from, to int32) int32 {
	if to-from == 1 {
		return from
	}
	best, most, again := index.None, 0, false
	for i := from; i < to; i++ {
		switch n := w.agree(&w.row, w.e.table.Held(i)).count(); {
		case n > most:
			best, most, again = i, n, false
		case n == most:
			again = true
		}
	}
	if again {
		return index.None
	}
	return best
}

// marks reads the person's and the record's cells from raw values.
func (w *worker) marks(l *layout, row *dump.Row, version int32) (person, rec uint32) {
	s := &w.row
	if w.named != nil { // of no other name: a hospital's is spelled by others
		person |= read(leak.Letters, w.named)
	}
	for _, raw := range s.each(norm.Address) {
		person |= read(leak.Street, raw) | read(leak.Neighbourhood, raw)
	}
	for _, raw := range s.each(norm.Phone) {
		person |= read(leak.Telephone, bytes.TrimSpace(raw))
	}
	if version >= 0 {
		from := w.e.table.Version(version).From
		for k, raw := range s.each(norm.Moment) {
			for _, at := range w.times[k].of[:w.times[k].n] {
				if at == from {
					rec |= read(leak.Stamp, raw)
					break
				}
			}
		}
	}
	for _, k := range l.here {
		p := w.e.presence[k]
		there := false
		for i := range row.Fields {
			if f := &row.Fields[i]; f.Name == p.Column || f.Name == p.Path {
				there = len(f.Value) > 0
				break
			}
		}
		if bit := mark(leak.Presence, p.Index, there); p.Whose == carrier.Person {
			person |= bit
		} else {
			rec |= bit
		}
	}
	return person, rec
}
