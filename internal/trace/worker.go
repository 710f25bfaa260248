package trace

import (
	"bytes"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// worker holds rows against the index, one batch at a time.
type worker struct {
	e       *Engine
	a       *index.Asker
	words   norm.Words
	counts  Counts
	tokens  []Token
	room    []Token // for tokens that are kept, as far as it is not taken
	whose   int32   // whose the row that was taken last is; index.None
	strange leak.Strangers
	found   []Paper
	runs    map[uint64]struct{} // of words, of the text that is looked at
	seen    map[int32]int       // how many of each document's

	nik   [index.Ask]norm.NIK
	has   [index.Ask]bool
	tags  [2 * index.Ask]index.Tag
	out   [2 * index.Ask]int32
	asked [2 * index.Ask]int32 // which row a tag is of; of an invented one, ^row
	who   [index.Ask]int32
	fake  [index.Ask]int32

	row   sorted
	cands []int32
	text  [maxEach][]byte // normalised names
	addr  [maxEach][]byte
	phone [maxEach]uint64
	times [maxEach]minutes
	named []byte // the raw name that agreed
	buf   []byte
	warm  uint64
}

func newWorker(e *Engine, a *index.Asker) *worker {
	return &worker{e: e, a: a, runs: map[uint64]struct{}{}, seen: map[int32]int{}}
}

// inventedShare is for how many rows one invented row is tried.
const inventedShare = 8

// invent changes a NIK's serial: the row with it is one that an inventor might have written,
// of the same places, birth dates and attributes as the sample's.
func invent(n norm.NIK, draw index.Tag) norm.NIK {
	serial := uint64(n) % 10_000
	other := uint64(draw)>>8%50 + 1
	if other == serial {
		other = 51
	}
	return norm.NIK(uint64(n) - serial + other)
}

// take holds at most index.Ask rows against the index: first all NIKs at once, then each row.
func (w *worker) take(l *layout, rows []dump.Row) {
	n := 0
	for i := range rows {
		w.row.niks(l, &rows[i])
		w.who[i], w.fake[i] = index.None, index.None
		if w.nik[i], w.has[i] = nikOf(&w.row); !w.has[i] {
			continue
		}
		tag := w.a.Full(w.nik[i])
		w.tags[n], w.asked[n] = tag, int32(i)
		n++
		if tag%inventedShare == 0 {
			w.tags[n], w.asked[n] = w.a.Full(invent(w.nik[i], tag)), ^int32(i)
			n++
			w.counts.Invented++
		}
	}
	w.e.table.ByFull(w.tags[:n], w.out[:n])
	w.warm += w.e.table.Warm(w.out[:n]) + w.e.warm(w.out[:n])
	for k, row := range w.asked[:n] {
		if row >= 0 {
			w.who[row] = w.out[k]
		} else {
			w.fake[^row] = w.out[k]
		}
	}
	for i := range rows {
		w.one(l, &rows[i], i)
	}
}

// one judges one row.
func (w *worker) one(l *layout, row *dump.Row, i int) {
	s := &w.row
	s.fill(l, row)
	w.normalise(s)
	w.counts.Rows++
	if s.n[norm.Record] > 0 {
		w.counts.Numbers++
	}
	w.whose = index.None
	if w.has[i] {
		w.counts.NIKs++
		if w.fake[i] >= 0 {
			w.counts.InventedPeople++
			if w.agrees(s, w.fake[i]) != 0 || w.was(s, w.fake[i]) {
				w.counts.InventedMatched++
			}
		}
	}
	w.named = nil
	cands, by := w.candidates(s, i)
	best, agreed := index.None, how(0)
	for _, c := range cands {
		if a := w.agrees(s, c) | by; best < 0 || a.count() > agreed.count() {
			best, agreed = c, a
		}
	}
	var version int32 = -1
	exact := false
	if best >= 0 {
		version, exact = w.own(s, best, &agreed)
	} else if claims(s) {
		w.counts.Own++
	}
	if best >= 0 && agreed.match() {
		w.matched(l, row, best, version, exact, agreed)
	} else {
		version = -1
		if len(w.e.strangers.ranges) > 0 {
			w.stranger(s, i)
		}
	}
	w.takeTokens(s, version)
}

// how says in what ways a row agrees with somebody.
type how uint16

const (
	byNIK how = 1 << iota
	byShort
	byRef
	byBorn
	byCall
	onPhone
	onName
	onWords
	onAddress
	onRecord
	onVisit
)

// match reports whether it takes more than chance: a NIK and something that does not follow
// from it, as the birth date does; a composite; a record's number that its person has.
func (h how) match() bool {
	const more = onPhone | onName | onWords | onAddress | onRecord | onVisit
	return h&(byBorn|byCall) != 0 || h&(byNIK|byShort|byRef) != 0 && h&more != 0
}

func (h how) count() (n int) {
	for ; h != 0; h &= h - 1 {
		n++
	}
	return n
}

// normalise prepares what is compared; raw values stay as they are.
func (w *worker) normalise(s *sorted) {
	w.buf = w.buf[:0]
	for k, raw := range s.each(norm.Name) {
		at := len(w.buf)
		w.buf = w.words.Name(w.buf, raw)
		w.text[k] = w.buf[at:len(w.buf):len(w.buf)]
	}
	for k, raw := range s.each(norm.Address) {
		at := len(w.buf)
		w.buf = w.words.Address(w.buf, raw)
		w.addr[k] = w.buf[at:len(w.buf):len(w.buf)]
	}
	for k, raw := range s.each(norm.Phone) {
		w.phone[k], _ = norm.ParsePhone(raw)
	}
	for k, raw := range s.each(norm.Moment) {
		t := &w.times[k]
		t.n = len(norm.Minutes(t.of[:0], raw))
	}
}

// minutes are those that a time may mean.
type minutes struct {
	of [4]norm.Minute
	n  int
}

// candidates returns who the row may be of, and how they were found.
func (w *worker) candidates(s *sorted, i int) ([]int32, how) {
	w.cands = w.cands[:0]
	if w.has[i] {
		switch at := w.who[i]; {
		case at >= 0:
			w.counts.People++
			w.cands = append(w.cands, at)
			return w.cands, byNIK
		case at == index.Chance:
			w.counts.Decoys++
		case w.nik[i].Rounded():
			if w.cands = w.e.table.ByShort(w.cands, w.a.Short(w.nik[i])); len(w.cands) > 0 {
				w.counts.Short++
				return w.cands, byShort
			}
		}
	}
	for _, raw := range s.each(norm.Record) {
		if person, _, ok := norm.ParseRecord(raw); ok {
			if w.cands = w.e.table.ByRef(w.cands, w.a.Ref(person)); len(w.cands) > 0 {
				return w.cands[:1], byRef
			}
		}
	}
	if w.has[i] {
		return nil, 0
	}
	return w.composites(s)
}

// composites finds people in rows without a NIK.
func (w *worker) composites(s *sorted) ([]int32, how) {
	for k := range s.n[norm.Name] {
		if len(w.text[k]) == 0 {
			continue
		}
		for _, p := range w.phone[:s.n[norm.Phone]] {
			if p != 0 {
				if w.cands = w.e.table.ByCall(w.cands, w.a.Call(w.text[k], p)); len(w.cands) > 0 {
					return w.cands, byCall
				}
			}
		}
		var dates [norm.MaxDates]norm.Date
		for _, raw := range s.each(norm.Birth) {
			for _, d := range norm.Dates(dates[:0], raw) {
				if w.cands = w.e.table.ByBorn(w.cands, w.a.Born(w.text[k], d)); len(w.cands) > 0 {
					return w.cands, byBorn
				}
			}
		}
		for _, raw := range s.each(norm.Serial) {
			if d, ok := norm.FromSerial(raw); ok {
				if w.cands = w.e.table.ByBorn(w.cands, w.a.Born(w.text[k], d)); len(w.cands) > 0 {
					return w.cands, byBorn
				}
			}
		}
	}
	return nil, 0
}

// agrees compares a row's attributes with all versions of a person.
func (w *worker) agrees(s *sorted, at int32) (h how) {
	from, to := w.e.table.Same(at)
	for i := from; i < to; i++ {
		h |= w.agree(s, w.e.table.Held(i))
	}
	return h
}

// agree compares with one version.
func (w *worker) agree(s *sorted, held *index.Held) (h how) {
	for _, p := range w.phone[:s.n[norm.Phone]] {
		if p != 0 && held.Phone != 0 && w.a.Phone(held, p) {
			h |= onPhone
			break
		}
	}
	for k := range s.n[norm.Name] {
		if len(w.text[k]) > 0 && w.a.Name(held, w.text[k]) {
			h |= onName
			w.named = s.of[norm.Name][k]
			break
		}
	}
	if h&onName == 0 {
		for k := range s.n[norm.Name] {
			if w.shares(held, w.text[k]) {
				h |= onWords
				w.named = s.of[norm.Name][k]
				break
			}
		}
	}
	for k := range s.n[norm.Address] {
		if held.Address != 0 && len(w.addr[k]) > 0 && w.a.Address(held, w.addr[k]) {
			h |= onAddress
			break
		}
	}
	return h
}

// shares reports whether two words of a name are the person's: the name was cut or grew.
func (w *worker) shares(held *index.Held, name []byte) bool {
	n := 0
	for len(name) > 0 {
		word, rest, _ := bytes.Cut(name, []byte{' '})
		name = rest
		if len(word) > 1 && w.a.Word(held, word) {
			if n++; n == 2 {
				return true
			}
		}
	}
	return false
}

// takeTokens notes what may be row tokens.
func (w *worker) takeTokens(s *sorted, version int32) {
	for _, raw := range s.each(norm.Mark) {
		if m, ok := norm.ParseMark(raw); ok {
			t := Token{Token: leak.Token(m)}
			if version >= 0 {
				t.Row = w.e.table.Version(version).Row
			}
			w.tokens = append(w.tokens, t)
		}
	}
}
