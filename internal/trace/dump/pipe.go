package dump

import (
	"context"
	"hash/crc32"
	"sync"

	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
)

// piece is how much text is read at once; a row may be as long as mostRow.
const (
	pieceSize = 256 << 10
	mostRow   = 8 << 20
)

// job is one batch or document on its way, or something to note in its turn.
type job struct {
	mark    Mark
	kind    Kind
	charset string
	buffer  []byte // what text is a part of, to be used again
	text    []byte
	base    int64 // of text in the source's text
	from    int64 // of text in the source
	piece   chunk.Piece
	rows    func() *chunk.Buffer // of a file that is read as a whole; the account has it already
	doc     func(*job) *Document // of all of the source; it notes what it skips
	note    func()               // run in turn; no number
	place   func() *Place        // of a text: where to go on behind it; called before send returns
	keep    *State               // to be kept when the job has passed

	done  chan error
	skips []Range
	whys  []Reason
	count int
}

// pipe hands jobs to workers and passes them in order.
type pipe struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	sink   Sink
	o      *Options
	report *Report
	known  kept // of sources, as far as the jobs that passed say
	work   chan *job
	order  chan *job
	free   chan []byte
	wait   sync.WaitGroup
	number int64
	first  int64 // number of the first job of the source of the last one
	source int   // of the last one
	check  uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newPipe(ctx context.Context, sink Sink, o *Options, report *Report) *pipe {
	p, workers := &pipe{sink: sink, o: o, report: report, source: -1}, o.Workers
	p.begin()
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	p.work, p.order = make(chan *job, workers), make(chan *job, 2*workers)
	p.free = make(chan []byte, 4*workers)
	for range workers {
		p.wait.Go(p.worker)
	}
	p.wait.Go(p.pass)
	return p
}

// close waits for all jobs, and returns why the walk ended early, if it did.
func (p *pipe) close() error {
	close(p.work)
	close(p.order)
	p.wait.Wait()
	err := context.Cause(p.ctx)
	p.cancel(nil)
	return err
}

// get returns a buffer of a piece's size.
func (p *pipe) get() []byte {
	select {
	case b := <-p.free:
		return b
	default:
		return make([]byte, pieceSize)
	}
}

func (p *pipe) put(b []byte) {
	if len(b) != pieceSize {
		return
	}
	select {
	case p.free <- b:
	default:
	}
}

// send gives a job its number and its turn. content goes into the check sum. What lies before
// the state that a walk goes on from is done with.
func (p *pipe) send(j *job, content []byte) error {
	if p.behind() {
		return p.passOver(j)
	}
	j.done = make(chan error, 1)
	if j.note == nil {
		p.check = crc32.Update(p.check, castagnoli, content)
		if j.mark.Source != p.source {
			p.source, p.first = j.mark.Source, p.number
		}
		p.number++
		j.mark.Number, j.mark.Check = p.number, p.check
		p.due(j)
	}
	select {
	case p.order <- j:
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
	if j.note != nil {
		j.done <- nil
		return nil
	}
	select {
	case p.work <- j:
		return nil
	case <-p.ctx.Done():
		j.done <- nil
		return context.Cause(p.ctx)
	}
}

// skip notes a range of the source that a document's reader passes over.
func (j *job) skip(from, to int64, why Reason) {
	if from < to {
		j.skips, j.whys = append(j.skips, Range{from, to}), append(j.whys, why)
	}
}

// noted runs f in turn, when all jobs before it have passed.
func (p *pipe) noted(f func()) error { return p.send(&job{note: f}, nil) }

func (p *pipe) worker() {
	var buf chunk.Buffer
	for j := range p.work {
		if p.ctx.Err() != nil {
			j.done <- nil
			continue
		}
		j.done <- p.run(j, &buf)
	}
}

func (p *pipe) run(j *job, buf *chunk.Buffer) error {
	if j.doc != nil {
		d := j.doc(j)
		d.Number, d.Source, d.Kind = j.mark.Number-1, j.mark.Source, j.kind
		return p.sink.Document(d)
	}
	if j.rows != nil {
		buf = j.rows()
	} else {
		buf.Reset(j.text)
		j.piece.Read(j.text, j.base, buf)
		p.place(j, buf.Skips)
	}
	buf.Finish(j.mark.Source)
	j.count = len(buf.Rows)
	return p.sink.Rows(&Batch{Number: j.mark.Number - 1, Source: j.mark.Source, Kind: j.kind, Rows: buf.Rows, Text: j.text})
}

// place turns ranges of the text into ranges of the source.
func (p *pipe) place(j *job, skips []chunk.Skip) {
	at, from := j.base, j.from
	for _, s := range skips {
		from += sourceLength(j.charset, j.text[at-j.base:s.From-j.base])
		to := from + sourceLength(j.charset, j.text[s.From-j.base:s.To-j.base])
		j.skips, j.whys = append(j.skips, Range{from, to}), append(j.whys, s.Why)
		at, from = s.To, to
	}
}

// pass takes jobs in order.
func (p *pipe) pass() {
	for j := range p.order {
		if err := <-j.done; err != nil {
			p.cancel(err)
		}
		if p.ctx.Err() != nil {
			continue
		}
		if j.note != nil {
			j.note()
			continue
		}
		a := &p.report.Accounts[j.mark.Source]
		if j.rows == nil {
			a.Parsed += j.mark.Offset - j.from
			for i, r := range j.skips {
				a.Parsed -= r.To - r.From
				a.skip(r.From, r.To, j.whys[i])
			}
		}
		p.report.Rows += int64(j.count)
		p.report.Batches++
		p.put(j.buffer)
		err := p.sink.Passed(j.mark)
		if err == nil && j.keep != nil {
			err = p.o.Keep(p.state(j.keep))
		}
		if err != nil {
			p.cancel(err)
		}
	}
}
