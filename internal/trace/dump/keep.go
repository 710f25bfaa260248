package dump

import (
	"crypto/sha256"
	"encoding"
	"errors"
	"io"
	"slices"

	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
)

// State is how far a walk has come and what it knew by then. Another walk of the same paths
// goes on from there: both together give and report what one would have. Files that were
// passed are not read again, a text that is a file is read on where it was. Of an archive that
// was open what lies before is read again, and unpacked where it must be, but neither parsed
// nor given. Whether files have changed it does not say for certain: hashes in the report are
// of what was read, when it was read, and are to be held against the files' own.
//
// A State holds names of files and of columns as they stand in the input. It is the walk's
// again when Options.Keep returns.
type State struct {
	Mark     Mark
	First    int64 // batches and documents before the first of Mark.Source
	Sources  []Source
	Ends     []End // of each source
	Accounts []Account
	Rows     int64
	Batches  int64
	Place    *Place // in a text that is a file; nil for anything else
}

// End is how a source ended.
type End struct {
	Ended bool
	Left  int64  // bytes that the file around it might still unpack to
	Why   Reason // it was not whole; empty when it was
}

// Place is where a text that is a file is read on.
type Place struct {
	Read   int64  // bytes of the file that are read, at or before Mark.Offset
	Hash   []byte // SHA-256's state behind them
	Text   int64  // bytes behind, as UTF-8
	Buffer int    // how much is read at once
	Format []byte // what the text's format knows by then
}

// ended reports whether a source is behind.
func (s *State) ended(source int) bool {
	return s != nil && source < len(s.Ends) && s.Ends[source].Ended
}

// place returns where to go on in a text; nil for from its beginning.
func (s *State) place(o *opened) *Place {
	if s == nil || o.at == nil || s.Mark.Source != o.number {
		return nil
	}
	return s.Place
}

// kept mirrors what is known of sources, in the goroutine that passes jobs.
type kept struct {
	on      bool
	sources []Source
	ends    []End
}

func (k *kept) begun(s Source) {
	if k.on {
		k.sources, k.ends = append(k.sources, s), append(k.ends, End{})
	}
}

func (k *kept) ended(s Source, e End) {
	if k.on {
		k.sources[s.Number], k.ends[s.Number] = s, e
	}
}

func endOf(s *opened) End {
	e := End{Ended: true, Left: *s.left}
	if s.input.err != nil {
		e.Why = why(s.input.err)
	}
	return e
}

// begin takes over what a walk goes on from.
func (p *pipe) begin() {
	p.known.on = p.o.Due != nil
	s := p.o.From
	if s == nil {
		return
	}
	p.number, p.first, p.source = s.First, s.First, s.Mark.Source
	p.report.Accounts = slices.Clone(s.Accounts)
	for i := range p.report.Accounts {
		a := &p.report.Accounts[i]
		a.Skipped = slices.Clone(a.Skipped)
		for k := range a.Skipped {
			a.Skipped[k].Ranges = slices.Clone(a.Skipped[k].Ranges)
		}
	}
	p.report.Rows, p.report.Batches = s.Rows, s.Batches
	p.known.sources, p.known.ends = slices.Clone(s.Sources), slices.Clone(s.Ends)
}

// behind reports whether the walk has not come to where it goes on.
func (p *pipe) behind() bool { return p.o.From != nil && p.number < p.o.From.Mark.Number }

// passOver counts a job that an earlier walk had passed.
func (p *pipe) passOver(j *job) error {
	if j.note != nil {
		return nil
	}
	p.put(j.buffer)
	p.number++
	if s := p.o.From; !p.behind() {
		if j.mark.Source != s.Mark.Source || j.mark.Offset != s.Mark.Offset {
			return ErrChanged
		}
		p.check = s.Mark.Check
	}
	return nil
}

// due notes on a job that the walk is kept as it is when it has passed.
func (p *pipe) due(j *job) {
	if p.o.Due == nil || !p.o.Due() {
		return
	}
	j.keep = &State{Mark: j.mark, First: p.first}
	if j.place != nil {
		j.keep.Place = j.place()
	}
}

// state fills in what was known when the job had passed.
func (p *pipe) state(s *State) *State {
	s.Sources, s.Ends, s.Accounts = p.known.sources, p.known.ends, p.report.Accounts
	s.Rows, s.Batches = p.report.Rows, p.report.Batches
	return s
}

// again takes a source that ended, and what is in it, from the state.
func (w *walker) again(e entry) error {
	n, s := len(w.report.Sources), w.o.From
	end := n + 1
	for end < len(s.Sources) && s.Sources[end].Parent >= n {
		end++
	}
	w.report.Sources = append(w.report.Sources, s.Sources[n:end]...)
	if e.parent != s.Sources[n].Parent {
		return ErrChanged
	}
	if e.parent < 0 {
		if e.size != s.Sources[n].Size {
			return ErrChanged
		}
		if w.o.Progress != nil {
			w.tell(int(e.size))
		}
		return nil
	}
	if e.through {
		_, _ = io.Copy(io.Discard, e.r) // what was wrong with it is known
	}
	*e.left = s.Ends[n].Left
	if b, ok := e.r.(*bounded); ok {
		switch s.Ends[n].Why {
		case "":
		case Bomb:
			b.err = errBomb
		default:
			b.err = errors.New("dump: damaged, as it was before")
		}
	}
	return nil
}

// readEnd is where a read of a file ended: bytes before, and SHA-256's state.
type readEnd struct {
	at   int64
	hash []byte
}

// noteEnd notes where the last read ended.
func (in *input) noteEnd() {
	if !in.ends {
		return
	}
	hash, err := in.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		in.ends, in.reads = false, nil
		return
	}
	in.reads = append(in.reads, readEnd{in.n, hash})
}

// forget drops the ends of reads that none goes on from.
func (in *input) forget(from int64) {
	for len(in.reads) > 1 && in.reads[1].at <= from {
		in.reads = in.reads[1:]
	}
}

// placeOf returns where a text that was cut up to here goes on; nil for one in an archive.
func (s *opened) placeOf(t *texts) *Place {
	s.forget(t.from)
	if !s.ends || len(s.reads) == 0 || s.reads[0].at > t.from {
		return nil
	}
	return &Place{Read: s.reads[0].at, Hash: s.reads[0].hash, Text: t.base, Buffer: len(t.buffer), Format: chunk.Keep(t.format)}
}

// goOn puts a text to where an earlier walk was with it.
func (w *walker) goOn(s *opened, t *texts, at *Place) error {
	m := w.o.From.Mark
	if s.size < m.Offset || at.Read > m.Offset || at.Buffer < pieceSize || at.Buffer > 2*mostRow {
		return ErrChanged
	}
	sum := sha256.New()
	if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(at.Hash); err != nil {
		return ErrChanged
	}
	if err := chunk.Restore(t.format, at.Format); err != nil {
		return ErrChanged
	}
	if s.input.tell != nil {
		w.tell(int(at.Read - s.n))
	}
	*s.input = input{n: at.Read, sum: sum, tell: s.input.tell, from: io.NewSectionReader(s.at, at.Read, s.size-at.Read), ends: s.ends}
	s.in.Reset(s.input)
	if _, err := s.in.Discard(int(m.Offset - at.Read)); err != nil {
		return ErrChanged
	}
	t.base, t.from, t.buffer = at.Text, m.Offset, make([]byte, at.Buffer)
	w.p.number, w.p.check = m.Number, m.Check
	return nil
}
